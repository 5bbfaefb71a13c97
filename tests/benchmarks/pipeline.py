"""Speed of the embed stage beside what its parts allow on this machine's processors.

    python tests/benchmarks/pipeline.py [FOLDER ...] [--workers N] [--rounds N] [--quick]

With the same cores for all, embedding cannot be faster than 1 / (1 / decode + 1 / forward). In
each round decoding alone, the forward pass alone over inputs that are ready, and the whole stage
run in turn; shares are medians of the rounds' own: of the bound, and of the CPU time that the parts
alone take, which says more where others compute. The stage reads files, decodes, normalises,
embeds, checks, and stores features under its keys; the
weights are drawn, which changes no time. Without FOLDER the images are drawn.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from side_by_side import Way, alternate, ratio, table, versions

from biobench._common.progress import Progress
from biobench._common.store import Store
from biobench.data.manifest import Manifest, Row
from biobench.embed.features import Execution, embed
from biobench.embed.forward import deterministic
from biobench.models.base import Backbone
from biobench.models.load import load_model
from biobench.models.module_backbone import WeightsOrigin
from biobench.models.names import parse_name
from biobench.native import ImageLoader
from biobench.repro.environment import available_cores
from biobench.spec.load import load_spec

MODELS = ["demo", "timm:vit_tiny_patch16_224", "timm:mobilenetv3_small_100"]
"""Slow to fast: the faster the model, the more of the time is decoding."""

MICRO_BATCH = 32
SUFFIXES = {".jpg", ".jpeg", ".png"}


def load(name: str) -> Backbone:
    """The demo model, or an architecture of timm with drawn weights."""
    entries = load_spec().models
    if name == "demo":
        return load_model(name, entries)
    import timm
    import torch

    from biobench.models.canonical_recipes import RecipeRules
    from biobench.models.timm_model import wrap

    parsed = parse_name(name, entries)
    torch.manual_seed(0)
    module = timm.create_model(parsed.target, pretrained=False)
    origin = WeightsOrigin("local", None, None, pinned=False)
    return wrap(parsed, module, [], origin=origin, rules=RecipeRules())


def drawn(folder: Path, count: int) -> None:
    """Smooth images with some noise, 0.35 million pixels, as JPEG."""
    from PIL import Image

    random = np.random.Generator(np.random.PCG64(2))
    for index in range(count):
        coarse = random.integers(0, 256, (12, 16, 3), dtype=np.uint8)
        image = np.asarray(Image.fromarray(coarse).resize((680, 510), Image.Resampling.BICUBIC))
        noise = random.integers(-12, 13, image.shape)
        pixels = np.clip(image + noise, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{index:03}.jpg", quality=85)


def manifest_of(files: Sequence[Path], root: Path, count: int) -> Manifest:
    """``count`` rows over the files, again from the first where they are fewer."""
    rows = [
        Row(f"{i:05}", str(files[i % len(files)].relative_to(root)), 0, "train", False)
        for i in range(count)
    ]
    return Manifest(root, ("one",), tuple(rows), {}, ("one",))


def ways(manifest: Manifest, backbone: Backbone, workers: int, scratch: Path) -> list[Way]:
    """Decoding alone, the forward pass alone, the embed stage."""
    import torch

    paths = [str(manifest.root / row.path) for row in manifest.rows]
    execution = Execution("cpu", "float32", MICRO_BATCH, workers, {"benchmark": True})
    ready = torch.randn(MICRO_BATCH, 3, *backbone.recipe.crop)

    def decode() -> None:
        with ImageLoader(paths, backbone.recipe, batch_size=MICRO_BATCH, workers=workers) as loader:
            for _ in loader:
                pass

    def one(_: int) -> None:
        with torch.inference_mode():
            backbone.embed(ready)

    def forward() -> None:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(one, range(0, len(paths), MICRO_BATCH)))

    def stage() -> None:
        store = Store(Path(tempfile.mkdtemp(dir=scratch)))
        embed(
            manifest, backbone, store, execution,
            keep_bad=False, progress=Progress("", 0, quiet=True),
        )  # fmt: skip

    return [
        Way.here("decode", decode),
        Way.here("forward", forward),
        Way.here("embed", stage),
    ]


def measured(name: str, what: str, found: Sequence[Way], count: int) -> list[str]:
    """One row of the table."""
    decode, forward, stage = found
    bound = [sum(pair) for pair in zip(decode.wall, forward.wall, strict=True)]
    work = [sum(pair) for pair in zip(decode.cpu, forward.cpu, strict=True)]
    rates = [
        f"{count / statistics.median(wall):.0f}"
        for wall in (decode.wall, forward.wall, bound, stage.wall)
    ]
    shares = [f"{ratio(bound, stage.wall):.2f}", f"{ratio(work, stage.cpu):.2f}"]
    return [name.removeprefix("timm:"), what, *rates, *shares]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="*", type=Path)
    parser.add_argument("--model", action="append")
    parser.add_argument("--workers", type=int, default=available_cores())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--quick", action="store_true", help="one round of 128 images, two models")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds, arguments.images = 1, 128
    names = arguments.model or (["demo", MODELS[-1]] if arguments.quick else MODELS)
    lines = []
    with tempfile.TemporaryDirectory() as scratch:
        folders = arguments.folder
        if not folders:
            folders = [Path(scratch, "drawn")]
            folders[0].mkdir()
            drawn(folders[0], 64)
        for name in names:
            backbone = load(name)
            for folder in folders:
                files = sorted(f for f in folder.rglob("*") if f.suffix.lower() in SUFFIXES)
                manifest = manifest_of(files, folder, arguments.images)
                with deterministic():
                    found = ways(manifest, backbone, arguments.workers, Path(scratch))
                    alternate(found, 1)  # warms file cache and allocator
                    for way in found:
                        way.wall.clear()
                        way.cpu.clear()
                    alternate(found, arguments.rounds)
                lines.append(measured(name, folder.name, found, arguments.images))
    print(
        f"{arguments.images} images, micro-batches of {MICRO_BATCH}; {arguments.workers} workers, "
        f"{arguments.rounds} rounds; {versions('torch', 'timm')}",
        end="\n\n",
    )
    table(
        [
            "model",
            "images",
            "decode alone, images/s",
            "forward alone",
            "bound",
            "embed",
            "share of the bound",
            "share of CPU time",
        ],
        lines,
    )


if __name__ == "__main__":
    main()
