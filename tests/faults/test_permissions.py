"""Modes that change while a user without rights runs: one line, and nothing is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness import NET, OTHER, USER, Bench, Nursery, reached

pytestmark = pytest.mark.faults
Tally = Callable[[str, int, int], None]


def own(folder: Path) -> Path:
    """A folder of that user, with all that is in it."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, USER, USER, follow_symlinks=False)
    return folder


@pytest.fixture
def place(ground: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder of a user without rights, who can run biobench."""
    if os.geteuid() != 0:
        pytest.skip("another user can only be had by root")
    line = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", sys.executable]
    if subprocess.run(
        [*line, "-c", "import biobench"], capture_output=True, check=False
    ).returncode:
        pytest.skip("the checkout cannot be read by another user")
    folder = ground / "".join(c if c.isalnum() else "-" for c in request.node.name)
    yield own(folder)
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir():
            path.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.parametrize("mode", [0o000, 0o500])
@pytest.mark.parametrize("which", ["store", "out", "both"])
def test_a_folder_becomes_closed_in_mid_run(
    which: str, mode: int, bench: Bench, nursery: Nursery, place: Path, tally: Tally
) -> None:
    """The store or the result folder cannot be read or written any more when the embedding ends."""
    out, store, gate = place / "out", place / "store", own(place / "gate")
    home = str(place)
    nursery.start(
        bench.arguments(out, store, OTHER), bench.root, user=USER, HOME=home
    ).done().good()
    process = nursery.start(
        bench.arguments(out, store), bench.root, user=USER, HOME=home, FAULTS_GATE=str(gate)
    )
    reached(gate, process)
    closed = [path for path in (store, out) if which in (path.name, "both")]
    folders = [path for root in closed for path in (root, *root.rglob("*")) if path.is_dir()]
    for path in folders:
        path.chmod(mode)
    (gate / "open").touch()
    done = process.done()
    if done.code:
        assert "ermission denied" in done.refused(1, 2)
        for path in folders:
            path.chmod(0o755)
        assert bench.holder(out) == OTHER, "the earlier result is gone"
    for path in folders:
        path.chmod(0o755)
    nursery.start(bench.arguments(out, store), bench.root, user=USER, HOME=home).done().good()
    bench.check(out)
    tally("permissions flipped in mid-run", 1, 0)


def test_images_become_closed_in_mid_run(
    bench: Bench, nursery: Nursery, place: Path, tally: Tally
) -> None:
    """Images that cannot be opened any more are named, exit 3; once they can be, all is as ever."""
    many = Bench.draw(place / "many", train=160, test=20)
    own(place)
    out, store, gate = place / "out", place / "store", own(place / "gate")
    process = nursery.start(
        many.arguments(out, store), many.root, user=USER, HOME=str(place), FAULTS_GATE=str(gate)
    )
    reached(gate, process)
    for image in many.images[-100:]:
        image.chmod(0)
    (gate / "open").touch()
    done = process.done()
    assert done.code == 0 or ".png" in done.refused(3)
    for image in many.images:
        image.chmod(0o644)
    clean, fresh = place / "clean", place / "fresh"
    for folder, kept in ((out, store), (clean, fresh)):
        nursery.start(
            many.arguments(folder, kept), many.root, user=USER, HOME=str(place)
        ).done().good()
    from harness import outcome

    assert outcome(out) == outcome(clean)
    tally("permissions flipped in mid-run", 1, 0)


@pytest.mark.parametrize("index", [True, False], ids=["with index", "without index"])
def test_a_store_that_is_only_read(
    index: bool, bench: Bench, nursery: Nursery, place: Path, tally: Tally
) -> None:
    """A warm store of somebody else is enough for a run that needs nothing else."""
    out, store = place / "out", place / "store"
    nursery.start(bench.arguments(place / "first", store), bench.root).done().good()
    if not index:
        (store / "files.sqlite").unlink(missing_ok=True)
    before = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    own(place)
    for path in [store, *store.rglob("*")]:
        os.chown(path, 0, 0)
        path.chmod(0o555 if path.is_dir() else 0o444)
    done = nursery.start(bench.arguments(out, store), bench.root, user=USER, HOME=str(place)).done()
    done.good()
    bench.check(out, NET)
    assert {path: path.read_bytes() for path in store.rglob("*") if path.is_file()} == before
    other = nursery.start(
        bench.arguments(out, store, OTHER), bench.root, user=USER, HOME=str(place)
    ).done()
    if other.code:
        assert str(store) in other.refused(1, 2)
        bench.check(out, NET)
    tally("runs with a store that is only read", 2, 0)


def test_no_home(bench: Bench, nursery: Nursery, place: Path, tally: Tally) -> None:
    """A user without a name and without a home runs like others where the folders are given."""
    nursery.start(
        bench.arguments(place / "out", place / "store"), bench.root, user=USER, HOME="/nonexistent"
    ).done().good()
    bench.check(place / "out")
    tally("runs of a user without a home", 1, 0)
