"""Clocks, memory, threads and locks that are not what a process expects."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import NET, OTHER, USER, Bench, Launcher, cold, times

from biobench._common.store import Store

pytestmark = [pytest.mark.slow, pytest.mark.faults]
Tally = Callable[[str, int, int], None]


def test_the_clock_runs_backwards(
    bench: Bench, faulty: Launcher, tmp_path: Path, tally: Tally
) -> None:
    """Each look at the clock of the day is a second before the last one."""
    out, store = tmp_path / "out", tmp_path / "store"
    for model in (NET, OTHER, NET):
        faulty.start(
            bench.arguments(out, store, model), bench.root, FAULTS_CLOCK="back"
        ).done().good()
        bench.check(out, model)
    faulty.start(
        ["store", "gc", "--size", "0", "--store", str(store)], bench.root, FAULTS_CLOCK="back"
    )
    faulty.start(bench.arguments(out, store), bench.root).done().good()
    bench.check(out)
    tally("runs while the clock goes backwards", 4, 0)


def test_files_from_the_future(
    bench: Bench, launcher: Launcher, tmp_path: Path, tally: Tally
) -> None:
    """Images and store entries whose dates are to come, and of the year 1970."""
    mine = bench.copy(tmp_path / "bench")
    out, store = tmp_path / "out", tmp_path / "store"
    for date in (0, 1, 4_000_000_000):
        for path in (*mine.images, *store.rglob("*")):
            os.utime(path, (date, date))
        launcher.start(mine.arguments(out, store), mine.root).done().good()
        bench.check(out)
    tally("runs with dates of files to come or long gone", 3, 0)


def test_a_folder_without_locks(
    bench: Bench, faulty: Launcher, tmp_path: Path, tally: Tally
) -> None:
    """Locks fail as on NFS without them: the run ends well, or says so in one line before work."""
    out, store = tmp_path / "out", tmp_path / "store"
    for model in (OTHER, NET):
        faulty.start(bench.arguments(out, store, model), bench.root, FAULTS_NO_LOCKS="1").done(
            60
        ).good()
        bench.check(out, model)
    assert not Store(store).damaged()
    tally("runs in folders without locks", 2, 0)


def test_little_memory(bench: Bench, launcher: Launcher, tmp_path: Path, tally: Tally) -> None:
    """Address space from too little for Python to enough: no wrong result, and no half one."""
    out, store = tmp_path / "out", tmp_path / "store"
    launcher.start(bench.arguments(out, store, OTHER), bench.root).done().good()
    wrong, ended, count = [], [], times(5, 60)
    for number in range(count):
        shutil.rmtree(store, ignore_errors=True)
        limit = 60_000_000 + 5_000_000_000 * number // count
        done = cold(bench.arguments(out, store), bench.root, before=("prlimit", f"--as={limit}"))
        ended.append(done.code)
        try:
            # Python, the linker or a library that gets no memory may abort: as good as a kill.
            if done.code > 0 and "biobench" in done.err:
                done.refused(1, 2, 5)
            holder = bench.holder(out)
            assert holder == (OTHER if done.code else NET), f"the folder holds {holder}"
            if not done.code:
                launcher.start(bench.arguments(out, store, OTHER), bench.root).done().good()
        except (AssertionError, OSError, ValueError, KeyError) as error:
            wrong.append(f"{limit} bytes: {error}")
        if damaged := Store(store).damaged():
            wrong.append(f"{limit} bytes: damaged {damaged}")
    launcher.start(bench.arguments(out, store), bench.root).done().good()
    bench.check(out)
    tally("runs with limited memory", count, len(wrong))
    assert not wrong, "\n".join(wrong)
    assert 0 in ended or count < 20


@pytest.mark.parametrize("workers", [1, 8])
def test_few_threads(
    workers: int, bench: Bench, launcher: Launcher, ground: Path, tally: Tally
) -> None:
    """A user who may have so many threads and no more: done, or one line that says what to do."""
    if os.geteuid() != 0:
        pytest.skip("another user can only be had by root")
    wrong, count = [], times(5, 24)
    for number in range(count):
        limit = 1 + number * (1 if count > 10 else 3)
        place = ground / f"threads-{workers}-{limit}"
        place.mkdir()
        os.chown(place, USER, USER)
        done = launcher.start(
            bench.arguments(place / "out", place / "store", workers=workers), bench.root,
            user=USER, limits={"RLIMIT_NPROC": limit}, HOME=str(place),
        ).done()  # fmt: skip
        try:
            if done.code:
                line = done.refused(1, 2)
                assert not (place / "out").exists(), f"{line}: and yet something was written"
            else:
                bench.check(place / "out")
        except (AssertionError, OSError, ValueError, KeyError) as error:
            wrong.append(f"{limit} threads: {error}")
    tally("runs with limited threads", count, len(wrong))
    assert not wrong, "\n".join(wrong)


def test_few_open_files(bench: Bench, launcher: Launcher, tmp_path: Path, tally: Tally) -> None:
    """From a handful of descriptors to enough."""
    wrong, count = [], times(4, 40)
    for number in range(count):
        out, store = tmp_path / f"out-{number}", tmp_path / f"store-{number}"
        limit = 6 + 60 * number // count
        done = launcher.start(
            bench.arguments(out, store), bench.root, limits={"RLIMIT_NOFILE": limit}
        ).done()
        try:
            if done.code:
                done.refused(1, 2, 3)
                assert bench.holder(out) is None
            else:
                bench.check(out)
        except (AssertionError, OSError, ValueError, KeyError) as error:
            wrong.append(f"{limit} files: {error}")
    tally("runs with limited open files", count, len(wrong))
    assert not wrong, "\n".join(wrong)
