"""Programs of one set of checkpoints, as the installed libraries make them, with their digests.

    python tests/models/library_programs.py write FOLDER   # the checkpoints
    python tests/models/library_programs.py read FOLDER    # JSON lines: each of them, each family

`make test-versions` writes with the locked versions and reads with those and with others.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "golden"))

TRANSFORMERS = ("clip", "clip_tower", "siglip", "siglip2", "dinov2", "convnext", "vit")
OPEN_CLIP: dict[str, dict[str, Any]] = {
    "open_clip": {},
    "open_clip, quick GELU": {"quick_gelu": True},
}
SWIN = {
    "embed_dim": 24, "depths": [2, 2], "num_heads": [2, 4], "image_size": 64, "patch_size": 2,
    "window_size": 8,
}  # fmt: skip


def write(folder: Path) -> None:
    """Write a small checkpoint of each architecture, as its library does."""
    import checkpoints
    import torch
    import transformers
    from twin_checkpoints import PAIRS, saved

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    for kind in TRANSFORMERS:
        checkpoints.transformers_folder(folder / f"hf, {kind}", kind)
    for name, (_, pair, *_) in PAIRS.items():
        pair(folder / f"hf, canonical {name}")
    for name in ("Swin", "Swinv2"):
        torch.manual_seed(1)
        config = getattr(transformers, f"{name}Config")(**SWIN)
        processor = transformers.ViTImageProcessorPil(size={"height": 64, "width": 64})
        saved(folder / f"hf, {name}", getattr(transformers, f"{name}Model")(config), processor)
    for name, changes in OPEN_CLIP.items():
        checkpoints.open_clip_folder(folder / name, model=changes)


def read(folder: Path) -> Iterator[dict[str, Any]]:
    """Name, digests and lines of every checkpoint and of every family."""
    import families

    from biobench.models.load import load_model
    from biobench.models.program_change import lines_of
    from biobench.models.program_model import make_program

    for path in sorted(folder.iterdir()):
        loader = "open_clip" if path.name.startswith("open_clip") else "hf"

        def found(path: Path = path, loader: str = loader) -> dict[str, Any]:
            backbone = load_model(f"{loader}:{path}", {})
            program, _ = make_program(backbone)
            return {
                "weights": backbone.info.weights,
                "recipe": backbone.recipe.digest,
                "lines": lines_of(program),
            }

        yield {"name": path.name, **_or_error(found)}
    for name in families.FAMILIES:

        def made(name: str = name) -> dict[str, Any]:
            program, _ = families.made(name)
            return {"program": program.digest, "lines": lines_of(program)}

        yield {"name": f"timm, {name}", **_or_error(made)}


def _or_error(function: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return function()
    except Exception as error:  # noqa: BLE001 - a library raises anything
        return {"error": f"{type(error).__name__}: {str(error).splitlines()[0]}"}


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(Path(sys.argv[2]))
    else:
        for line in read(Path(sys.argv[2])):
            print(json.dumps(line), flush=True)
