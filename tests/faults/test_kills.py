"""Runs that are killed, wherever they are: the same command then gives what it would have given."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import (
    NET,
    OTHER,
    Bench,
    Done,
    Launcher,
    Process,
    environment,
    leftovers,
    seeded,
    times,
)

from biobench._common.store import Store

pytestmark = [pytest.mark.slow, pytest.mark.faults]
Tally = Callable[[str, int, int], None]


def afterwards(bench: Bench, launcher: Launcher, out: Path, store: Path, when: str) -> list[str]:
    """Faults after a kill: before the command is given again, and after."""
    wrong = []
    try:
        holder = bench.holder(out)
        if holder is None:
            wrong.append(f"{when}: the earlier result is gone")
    except (AssertionError, OSError, ValueError, KeyError) as error:
        wrong.append(f"{when}: the folder holds no whole result: {error}")
    done = launcher.start(bench.arguments(out, store), bench.root).done()
    if done.code != 0:
        return [*wrong, f"{when}: the same command fails: {done.line}"]
    try:
        bench.check(out)
    except (AssertionError, OSError, ValueError, KeyError) as error:
        wrong.append(f"{when}: the same command gives another result: {error}")
    if damaged := Store(store).damaged():
        wrong.append(f"{when}: damaged entries in the store: {damaged}")
    if left := leftovers(out):
        wrong.append(f"{when}: files of the killed run stay: {left}")
    return wrong


class Ground:
    """A result folder with the result of another model, and the store of that run, made once and
    laid out again for each try."""

    def __init__(self, bench: Bench, launcher: Launcher, root: Path, *warm: str) -> None:
        self.folder = root / "all"
        self.out, self.store = self.folder / "out", self.folder / "store"
        self._kept = root / "kept"
        for model in (*warm, OTHER):
            launcher.start(bench.arguments(self.out, self.store, model), bench.root).done().good()
        self.folder.rename(self._kept)

    def lay(self) -> None:
        """As it was."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self._kept, self.folder)


def worked(pid: int) -> float:
    """Seconds of processor time that the main thread of a process has had.

    Unlike time on the clock it says how far a run is on a machine that does other work too.
    """
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    except (OSError, IndexError):
        return float("inf")


@pytest.mark.parametrize("warm", [False, True], ids=["cold start", "warm start"])
def test_a_run_killed_at_any_time(
    warm: bool, bench: Bench, launcher: Launcher, tmp_path: Path, tally: Tally
) -> None:
    """From the first millisecond of the process on: the earlier result stays until the new one is
    whole, and the same command ends with equal digests.

    Nine tenths of a run from a cold start are imports. Nine tenths of the kills of the long suite
    are those of runs that are forked with the libraries loaded, where every moment is one of work.
    """
    ground, random = Ground(bench, launcher, tmp_path), seeded(f"kills {warm}")
    out, store = ground.out, ground.store
    arguments = bench.arguments(out, store)

    def start() -> Fresh | Process:
        ground.lay()
        return launcher.start(arguments, bench.root) if warm else Fresh(arguments, bench.root)

    run, whole = start(), 0.0
    while run.running():
        whole = max(whole, worked(run.pid))
        time.sleep(0.001)
    assert run.done().code == 0
    count, killed, wrong = times(10, 900 if warm else 100), 0, []
    while killed < count:
        run, moment = start(), whole * (killed + random.random()) / count
        while run.running() and worked(run.pid) < moment:
            time.sleep(0.0005)
        run.kill()
        if run.done().code != -signal.SIGKILL:
            continue
        killed += 1
        wrong += afterwards(bench, launcher, out, store, f"after {moment:.3f} s of work")
    how = "a warm start" if warm else "the first millisecond of a cold start"
    tally(f"runs killed at a random time, from {how} on", killed, len(wrong))
    assert not wrong, "\n".join(wrong)


class Fresh:
    """A run from the first instruction of its process on; its methods are those of ``Process``."""

    def __init__(self, arguments: list[str], folder: Path) -> None:
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(
            [sys.executable, "-m", "biobench", *arguments], cwd=folder, env=environment(),
            start_new_session=True, stdout=quiet, stderr=quiet,
        )  # fmt: skip
        self.pid = self._process.pid

    def running(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def done(self) -> Done:
        return Done(self._process.wait(), "", "")


def steps(bench: Bench, faulty: Launcher, folder: Path, out: Path, store: Path) -> int:
    """Calls of a run that change a file in ``folder``."""
    count = folder.parent / f"{folder.name}-count"
    faulty.start(
        bench.arguments(out, store), bench.root, FAULTS_UNDER=str(folder), FAULTS_COUNT=str(count)
    ).done().good()
    return int(count.read_text())


@pytest.mark.parametrize("warm", [False, True], ids=["cold store", "warm store"])
def test_a_run_killed_before_each_change_of_a_file(
    warm: bool, bench: Bench, faulty: Launcher, tmp_path: Path, tally: Tally
) -> None:
    """Each call that opens, writes, syncs, renames or removes a file in the store or in the result
    folder is the last one once."""
    ground = Ground(bench, faulty, tmp_path, *([NET] if warm else []))
    folder, out, store = ground.folder, ground.out, ground.store
    ground.lay()
    last = steps(bench, faulty, folder, out, store)
    chosen = seeded("steps").sample(range(1, last + 1), min(last, times(25, last)))
    wrong, killed = [], 0
    for number in sorted(chosen):
        ground.lay()
        done = faulty.start(
            bench.arguments(out, store), bench.root,
            FAULTS_UNDER=str(folder), FAULTS_AT=str(number), FAULTS_HOW="kill",
        ).done()  # fmt: skip
        killed += done.code == -signal.SIGKILL
        wrong += afterwards(bench, faulty, out, store, f"before step {number} of {last}")
    tally("runs killed before a change of a file", killed, len(wrong))
    assert not wrong, "\n".join(wrong)
    assert killed >= len(chosen) - 1


@pytest.mark.parametrize("errno", ["EIO", "ENOSPC", "EROFS", "ESTALE"])
def test_a_change_of_a_file_fails(
    errno: str, bench: Bench, faulty: Launcher, tmp_path: Path, tally: Tally
) -> None:
    """Each such call fails once: the run ends well or in one line, and nothing wrong stays."""
    import errno as numbers

    ground = Ground(bench, faulty, tmp_path)
    folder, out, store = ground.folder, ground.out, ground.store
    ground.lay()
    last = steps(bench, faulty, folder, out, store)
    chosen = seeded(f"steps {errno}").sample(range(1, last + 1), min(last, times(8, last)))
    wrong = []
    for number in sorted(chosen):
        ground.lay()
        done = faulty.start(
            bench.arguments(out, store), bench.root,
            FAULTS_UNDER=str(folder), FAULTS_AT=str(number),
            FAULTS_HOW=str(getattr(numbers, errno)),
        ).done()  # fmt: skip
        when = f"{errno} at step {number} of {last}"
        try:
            if done.code:
                done.refused(1, 2, 3)
            else:
                bench.check(out)
        except AssertionError as error:
            wrong.append(f"{when}: {error}")
        wrong += afterwards(bench, faulty, out, store, when)
    tally("calls that change a file and fail", len(chosen), len(wrong))
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_asked_to_end(
    number: signal.Signals,
    bench: Bench,
    launcher: Launcher,
    tmp_path: Path,
    tally: Tally,
) -> None:
    """Ctrl-C and SIGTERM at random times of the work: 130 or 143 with one line, or done."""
    ground, random = Ground(bench, launcher, tmp_path), seeded(f"signals {number}")
    out, store = ground.out, ground.store
    wrong, count = [], times(6, 200)
    for _ in range(count):
        ground.lay()
        process = launcher.start(bench.arguments(out, store), bench.root)
        moment = 0.02 + random.random() * 0.3
        time.sleep(moment)
        process.kill(number)
        done, when = process.done(), f"{number.name} after {moment:.3f} s"
        if done.code not in (0, 128 + number, -number):
            wrong.append(f"{when}: exit {done.code}: {done.err[-300:]}")
        # A run says first, and once, what computes the features.
        said = done.err.splitlines()
        if said and " computes its features, " in said[0]:
            del said[0]
        if done.code > 0 and len(said) != 1:
            wrong.append(f"{when}: not one line: {done.err[-300:]}")
        wrong += afterwards(bench, launcher, out, store, when)
    tally("runs that were interrupted or terminated", count, len(wrong))
    assert not wrong, "\n".join(wrong)


def test_kills_on_kills(bench: Bench, faulty: Launcher, tmp_path: Path, tally: Tally) -> None:
    """The command that goes on is killed too, many times, until one comes through."""
    ground, random = Ground(bench, faulty, tmp_path), seeded("kills on kills")
    folder, out, store = ground.folder, ground.out, ground.store
    count, killed = times(10, 300), 0
    ground.lay()
    for _ in range(count):
        done = faulty.start(
            bench.arguments(out, store, random.choice([NET, OTHER])), bench.root,
            FAULTS_UNDER=str(folder), FAULTS_AT=str(random.randint(1, 70)), FAULTS_HOW="kill",
        ).done()  # fmt: skip
        killed += done.code == -signal.SIGKILL
        if random.random() < 0.2:
            shutil.rmtree(store, ignore_errors=True)
    wrong = afterwards(bench, faulty, out, store, f"after {killed} kills")
    tally("kills of runs that went on from a killed one", killed, len(wrong))
    assert not wrong, "\n".join(wrong)
