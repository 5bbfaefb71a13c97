"""Images that change while a run reads them: no feature is kept for other bytes than its own."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from drawn import draw
from harness import Bench, Launcher, outcome, reached, seeded, times

pytestmark = [pytest.mark.slow, pytest.mark.faults]
Tally = Callable[[str, int, int], None]


@pytest.fixture(scope="module")
def many(ground: Path) -> Bench:
    """More images than are loaded ahead of the first forward pass."""
    return Bench.draw(ground / "many", train=160, test=40)


def _replaced(image: Path) -> None:
    """Another image under the name."""
    draw(image.with_suffix(".new.png"), 3, (len(image.name) + 1) % 3)
    os.replace(image.with_suffix(".new.png"), image)


def _rewritten(image: Path) -> None:
    """Another image in the same file."""
    draw(image, 5, 2)


def _truncated(image: Path) -> None:
    os.truncate(image, image.stat().st_size // 2)


def _emptied(image: Path) -> None:
    os.truncate(image, 0)


def _removed(image: Path) -> None:
    image.unlink()


def _grown(image: Path) -> None:
    with image.open("ab") as file:
        file.write(b"more")


def _pipe(image: Path) -> None:
    image.unlink()
    os.mkfifo(image)


def _folder(image: Path) -> None:
    image.unlink()
    image.mkdir()


def _device(image: Path) -> None:
    image.unlink()
    image.symlink_to("/dev/zero")


CHANGES = (_replaced, _rewritten, _truncated, _emptied, _removed, _grown, _pipe, _folder, _device)


def run(bench: Bench, launcher: Launcher, out: Path, store: Path) -> Any:
    """Result of a run that nothing disturbs; its error where there is one."""
    done = launcher.start(bench.arguments(out, store), bench.root).done(60)
    return outcome(out) if done.good() else None


READABLE = (_replaced, _rewritten, _grown)
"""Changes that leave images which can be read."""


def restore(kept: dict[Path, bytes]) -> None:
    """Write images as they were."""
    for image, data in kept.items():
        if image.is_dir() and not image.is_symlink():
            image.rmdir()
        image.unlink(missing_ok=True)
        image.write_bytes(data)


@pytest.mark.parametrize("change", CHANGES, ids=lambda made: made.__name__[1:])
@pytest.mark.parametrize("back", [True, False], ids=["put back", "left"])
def test_images_change_in_mid_run(
    back: bool,
    change: Callable[[Path], None],
    many: Bench,
    launcher: Launcher,
    tmp_path: Path,
    tally: Tally,
) -> None:
    """A run that ends well gives the result of the images as they were or as they are, and its
    store serves what a fresh one would, for both.

    back: the images are put back before the run ends.
    """
    wrong, count = [], times(1, 12)
    for number in range(count):
        bench = many.copy(tmp_path / f"bench-{number}")
        folder = bench.root
        before = run(bench, launcher, folder / "clean", folder / "clean-store")
        out, store, gate = folder / "out", folder / "store", folder / "gate"
        gate.mkdir()
        process = launcher.start(bench.arguments(out, store), folder, FAULTS_GATE=str(gate))
        reached(gate, process)
        # The first images are in the loader by now, the last ones are not.
        moving = seeded(f"{change.__name__} {number}").sample(bench.images, 150)
        kept = {image: image.read_bytes() for image in moving}
        for image in moving:
            change(image)
        if back:
            # What is loaded now are the changed ones, until the loader waits.
            (gate / "open").touch()
            time.sleep(0.02)
            restore(kept)
        (gate / "open").touch()
        done = process.done(60)
        allowed = [before]
        if not back and change in READABLE:
            allowed.append(run(bench, launcher, folder / "new", folder / "new-store"))
            if run(bench, launcher, folder / "again", store) != allowed[-1]:
                wrong.append(f"{number}: the store serves wrong features for the changed images")
        if done.code:
            done.refused(3)
        elif outcome(out) not in allowed:
            wrong.append(f"{number}: a result of neither the old nor the new images")
        restore(kept)
        if run(bench, launcher, out, store) != before:
            wrong.append(f"{number}: the store serves wrong features for the restored images")
        shutil.rmtree(folder)
    tally("runs whose images changed under them", count, len(wrong))
    assert not wrong, "\n".join(wrong)
