"""The tool that draws the demo suite, run as a person runs it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def make_demo(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    tool = repository / "tools" / "make_demo.py"
    return subprocess.run(
        [sys.executable, str(tool), *arguments], capture_output=True, text=True, check=False
    )


SAMPLES = [
    "demo-beluga/beluga.coco/annotations", "demo-beluga/beluga.coco/images/train2022/00000000",
    "demo-fishnet/t", "demo-fishnet/Image_Library/Piscesbidae/Piscis_species2",
    "demo-fungiclef/FungiCLEF2023", "demo-fungiclef/DF20_300/220000",
    "demo-herbarium19/train/3", "demo-iwildcam/metadata.csv", "demo-iwildcam/train/0",
    "demo-kabr/annotation", "demo-kabr/dataset/image/G0006",
    "demo-mammalnet/annotation", "demo-mammalnet/frames/1a", "demo-plankton/val/Ce",
    "demo-plantnet/images/val/1355936",
]  # fmt: skip
"""Tables and some images of every task."""


@pytest.mark.parametrize(
    "parts",
    [pytest.param(SAMPLES, id="samples"), pytest.param([""], id="all", marks=pytest.mark.depth)],
)
def test_the_committed_images_are_those_that_the_tool_draws(
    repository: Path, parts: list[str]
) -> None:
    """Nobody edits an image by hand, and the tool that made them still makes them."""
    done = make_demo(repository, "--check", "--only", *parts)
    assert done.returncode == 0, done.stderr
    assert "0 differ" in done.stdout


def test_drawing_twice_gives_equal_bytes(repository: Path, tmp_path: Path) -> None:
    """No clock, no hash seed and no order of a set reaches a picture."""
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        done = make_demo(repository, "--only", "demo-plankton/val/C", "--out", str(folder))
        assert done.returncode == 0, done.stderr
    first, second = (
        {p.relative_to(f).as_posix(): p.read_bytes() for p in f.rglob("*.png")} for f in folders
    )
    assert len(first) > 10
    assert first == second


@pytest.mark.parametrize("fault", ["swapped", "missing", "added"])
def test_the_check_finds_a_change(repository: Path, tmp_path: Path, fault: str) -> None:
    """A check that cannot fail would let a damaged suite ship."""
    part = "demo-plankton/val/Unclassifiable"
    source = repository / "runner" / "biobench" / "_demo" / part
    target = tmp_path / part
    shutil.copytree(source, target)
    paths = sorted(target.iterdir())
    if fault == "swapped":
        paths[0].write_bytes(paths[1].read_bytes())
    elif fault == "missing":
        paths[0].unlink()
    else:
        (target / "added.png").write_bytes(paths[0].read_bytes())
    done = make_demo(repository, "--check", "--only", part, "--out", str(tmp_path))
    assert done.returncode == 1
    name = "added.png" if fault == "added" else paths[0].name
    assert f"{part}/{name}: " in done.stderr
    assert "1 differ" in done.stdout
