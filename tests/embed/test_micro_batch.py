"""The micro-batch that memory has room for: found out once, before the first image."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "pipeline"))

from backbones import MeanColour

from biobench.embed import micro_batch
from biobench.embed.embedded import Execution
from biobench.embed.micro_batch import possible
from biobench.models.base import Backbone

pytestmark = pytest.mark.slow

WIDE = """
import torch
from biobench.models.recipes import image_recipe

class Wide:
    # 17 MB of float32 an image, which are let go after each.
    recipe = image_recipe(size=64)

    def embed(self, batch):
        wide = batch.mean((1, 2, 3)).reshape(-1, 1).repeat(1, 1 << 22)
        return torch.cat([wide[:, :8] + batch[:, 0, :8, 0], wide.amax(1, keepdim=True)], 1)
"""
RUN = """
import json, resource, sys
from pathlib import Path
import torch
from biobench.embed.forward import choose_device
from biobench.models.load import load_model
from biobench.pipeline import run
from biobench.run.options import Options

more, size, out = int(sys.argv[1]), int(sys.argv[2]) or None, Path(sys.argv[3])
model = load_model("py:wide:Wide", {})
options = Options(
    model=model, tasks=("demo-beluga",), out=out, store=out / "store", workers=1,
    micro_batch=size, pictures=False,
)
if more:
    # What a first run loads and keeps is no shortage.
    run(Options(model="demo", tasks=("demo-beluga",), store=out / "first", quiet=True, save=False))
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + (more << 20),) * 2)
results = run(options)
print(json.dumps({
    "micro_batch": results.document["model"]["micro_batch"],
    "reasons": results.document["unofficial_reasons"],
    "digests": results.digests,
}))
"""


def run_beside(folder: Path, more: int, size: int) -> tuple[dict[str, object], str]:
    """Run the wide model in a process of its own, with ``more`` MiB beyond what it has."""
    (folder / "wide.py").write_text(WIDE)
    (folder / "run.py").write_text(RUN)
    done = subprocess.run(
        [sys.executable, "run.py", str(more), str(size), str(folder / f"out-{more}-{size}")],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found, done.stderr


def test_memory_that_is_short(tmp_path: Path) -> None:
    """The run goes on with smaller micro-batches, says so, and the result states them; features
    are those of a run that was asked for this size."""
    found, said = run_beside(tmp_path, 375, 0)
    size = found["micro_batch"]
    assert size in possible(32)[1:]
    assert f"memory is short: micro-batches of {size} images in place of 32" in said
    assert f"micro-batches of {size} rows" in " ".join(found["reasons"])  # type: ignore[arg-type]
    asked, _ = run_beside(tmp_path, 0, int(str(size)))
    for stage in ("pixels", "features", "predictions"):
        assert asked["digests"][stage] == found["digests"][stage]  # type: ignore[index]


def test_nothing_is_tried_where_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A trial would cost a pass and prove nothing."""
    tried: list[Execution] = []

    def fits(backbone: Backbone, execution: Execution) -> bool:
        tried.append(execution)
        return True

    monkeypatch.setattr(micro_batch, "_fits", fits)
    asked = Execution(device="cpu", precision="float32", micro_batch=32, workers=1, engine={})
    for refuses in (False, True):
        monkeypatch.setattr(micro_batch, "can_be_refused", lambda refuses=refuses: refuses)
        assert micro_batch.fitting(MeanColour(), asked) is asked
        assert tried == [asked] * refuses


def test_sizes_are_halves() -> None:
    assert possible(256) == (256, 128, 64, 32, 16, 8, 4, 2, 1)
    assert possible(1) == (1,)
