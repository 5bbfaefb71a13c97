"""A run that is stopped while its probe trains goes on there: the same command, the same bits."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from drawn import draw_folders, write_task

from biobench import Results, load_results
from biobench.probe.checkpoint import KIND

pytestmark = pytest.mark.slow

PROGRAM = """
import itertools, time
from biobench.probe.checkpoint import Checkpoint
calls, saves, save = itertools.count(), itertools.count(), Checkpoint.save

def save_and_wait(self, state):
    save(self, state)
    if next(saves) < 5:
        time.sleep(0.2)

Checkpoint.due = lambda self: next(calls) % 20 == 0
Checkpoint.save = save_and_wait
from biobench.cli import main
main()
"""
"""Stores a state every few steps, however quick the machine is, and lets the first be seen."""


class Runs:
    """Runs of one command with a store of their own."""

    def __init__(self, model: str, folder: Path, store: str) -> None:
        self.model, self.folder, self.store = model, folder, folder / store
        self.out = folder / f"{store}-out"

    def start(self) -> subprocess.Popen[str]:
        arguments = ["run", "--model", self.model, "--task", str(self.folder / "classes.yaml")]
        arguments += ["--data", str(self.folder / "data"), "--workers", "2"]
        arguments += ["--store", str(self.store), "--out", str(self.out)]
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *arguments],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def states(self) -> dict[str, int]:
        """Stored states of a probe, and when each was written."""
        return {
            path.name: path.stat().st_mtime_ns
            for path in self.store.glob(f"{KIND}/*/*.safetensors")
        }

    def stopped_by(self, sent: signal.Signals) -> tuple[int, str]:
        """Exit code and what was said of a run that is sent a signal once it has a new state."""
        before = self.states()
        process = self.start()
        while self.states() in ({}, before):
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        process.send_signal(sent)
        _, said = process.communicate(timeout=120)
        return process.returncode, said

    def finished(self) -> tuple[Results, str]:
        process = self.start()
        _, said = process.communicate(timeout=240)
        assert process.returncode == 0, said
        return load_results(self.out), said


@pytest.mark.timeout(600)
def test_stopped_again_and_again(small_program: str, tmp_path: Path) -> None:
    """By SIGKILL, SIGINT and SIGTERM; a store without the states gives the same predictions."""
    draw_folders(tmp_path / "data" / "drawn", {"train": 4, "test": 2})
    write_task(tmp_path, "classes")
    runs = Runs(small_program, tmp_path, "store")
    for sent, code, words in (
        (signal.SIGKILL, -9, ""),
        (signal.SIGINT, 130, "the same command goes on from here"),
        (signal.SIGTERM, 143, "the same command goes on from here"),
    ):
        status, said = runs.stopped_by(sent)
        assert status == code
        assert words in said
        assert ("the probe goes on" in said) == (sent != signal.SIGKILL), said
    shutil.copytree(runs.store, tmp_path / "other")
    shutil.rmtree(tmp_path / "other" / KIND)
    results, said = runs.finished()
    assert "the probe goes on" in said
    assert runs.states() == {}
    undisturbed, said = Runs(small_program, tmp_path, "other").finished()
    assert "goes on" not in said
    assert results.digests["result"] == undisturbed.digests["result"]
