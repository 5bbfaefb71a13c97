"""Modes that change under a run, and stores that are only read: one line, and nothing is lost.

Every process of the launcher has to obey modes, root's too.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from harness import NET, OTHER, USER, Bench, Launcher, grow, mounted, outcome, reached

pytestmark = [pytest.mark.slow, pytest.mark.faults]
Tally = Callable[[str, int, int], None]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder that can be removed whatever a test does to it."""
    yield tmp_path
    for path in [tmp_path, *tmp_path.rglob("*")]:
        if path.is_dir():
            path.chmod(0o755)


@pytest.mark.parametrize("mode", [0o000, 0o500])
@pytest.mark.parametrize("which", ["store", "out", "both"])
def test_a_folder_becomes_closed_in_mid_run(
    which: str, mode: int, bench: Bench, launcher: Launcher, place: Path, tally: Tally
) -> None:
    """The store or the result folder cannot be read or written any more when the embedding ends."""
    out, store, gate = place / "out", place / "store", place / "gate"
    gate.mkdir()
    launcher.start(bench.arguments(out, store, OTHER), bench.root).done().good()
    process = launcher.start(bench.arguments(out, store), bench.root, FAULTS_GATE=str(gate))
    reached(gate, process)
    closed = [path for path in (store, out) if which in (path.name, "both")]
    folders = [path for root in closed for path in (root, *root.rglob("*")) if path.is_dir()]
    for path in reversed(folders):
        path.chmod(mode)
    (gate / "open").touch()
    done = process.done()
    if done.code:
        assert "ermission denied" in done.refused(1, 2)
        for path in folders:
            path.chmod(0o755)
        assert bench.holder(out) is not None, "the earlier result is gone"
    for path in folders:
        path.chmod(0o755)
    launcher.start(bench.arguments(out, store), bench.root).done().good()
    bench.check(out)
    tally("permissions flipped in mid-run", 1, 0)


def test_images_become_closed_in_mid_run(
    bench: Bench, launcher: Launcher, place: Path, tally: Tally
) -> None:
    """Images that cannot be opened any more are named, exit 3; once they can be, all is as ever."""
    many = Bench.draw(place / "many", train=160, test=20)
    out, store, gate = place / "out", place / "store", place / "gate"
    gate.mkdir()
    process = launcher.start(many.arguments(out, store), many.root, FAULTS_GATE=str(gate))
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
        launcher.start(many.arguments(folder, kept), many.root).done().good()
    assert outcome(out) == outcome(clean)
    tally("permissions flipped in mid-run", 1, 0)


@pytest.mark.parametrize("index", [True, False], ids=["with index", "without index"])
@pytest.mark.parametrize("how", ["mounted", "modes"])
def test_a_store_that_is_only_read(
    how: str, index: bool, bench: Bench, launcher: Launcher, place: Path, tally: Tally
) -> None:
    """A warm store of somebody else is enough for a run that needs nothing else of it; for one that
    does there is one line, or all is computed and nothing kept."""
    with mounted(place / "disk", "size=4m") if how == "mounted" else nullcontext():
        out, store = place / "out", place / "disk" / "store"
        launcher.start(bench.arguments(place / "first", store), bench.root).done().good()
        if not index:
            (store / "files.sqlite").unlink(missing_ok=True)
        before = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
        if how == "mounted":
            grow(place / "disk", "ro")
        else:
            for path in reversed([store, *store.rglob("*")]):
                path.chmod(0o555 if path.is_dir() else 0o444)
        launcher.start(bench.arguments(out, store), bench.root).done().good()
        bench.check(out, NET)
        other = launcher.start(bench.arguments(out, store, OTHER), bench.root).done()
        if other.code:
            assert str(store) in other.refused(1, 2)
        bench.check(out, NET if other.code else OTHER)
        assert {path: path.read_bytes() for path in store.rglob("*") if path.is_file()} == before
    tally("runs with a store that is only read", 2, 0)


def test_no_home(bench: Bench, launcher: Launcher, ground: Path, tally: Tally) -> None:
    """A user without a name and without a home runs like others where the folders are given."""
    if os.geteuid() != 0:
        pytest.skip("another user can only be had by root")
    place = ground / "homeless"
    place.mkdir()
    os.chown(place, USER, USER)
    arguments = bench.arguments(place / "out", place / "store")
    launcher.start(arguments, bench.root, user=USER, HOME="/nonexistent").done().good()
    bench.check(place / "out")
    tally("runs of a user without a home", 1, 0)
