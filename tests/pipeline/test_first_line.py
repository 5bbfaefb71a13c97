"""The first sign of life of a run on a terminal, before libraries and lists of images are read."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

WITHIN_S = 2.0


def test_a_run_says_what_it_does_at_once(demo_program: str, tmp_path: Path) -> None:
    """Protects: a terminal shows a line within 2 s, before libraries and lists of images, and one
    for the model. The time is that of the process: another's work on the machine is not counted."""
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "biobench", "run", "--model", demo_program]
    more = ["--task", "demo-plankton", "--store", str(tmp_path / "s"), "--out", str(tmp_path / "o")]
    process = subprocess.Popen([*command, *more], stdout=follower, stderr=follower)
    os.close(follower)
    first = os.read(leader, 4096)
    used = processor_seconds(process.pid)
    shown = first
    try:
        while block := os.read(leader, 65536):
            shown += block
    except OSError:  # the other end is closed
        pass
    os.close(leader)
    assert process.wait(timeout=250) == 0
    assert first.startswith(b"biobench: starting")
    assert used < WITHIN_S
    lines = [line for line in shown.decode().splitlines() if line.startswith("biobench: ")]
    assert lines[1].startswith("biobench: loading model 'program:")


def processor_seconds(pid: int) -> float:
    """Processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_log_and_json_stay_as_they_are(demo_program: str, tmp_path: Path) -> None:
    """Protects: what is for terminals alone is in no log, and --json prints a document."""
    command = [sys.executable, "-m", "biobench", "run", "--model", demo_program, "--dry-run"]
    done = subprocess.run(
        [*command, "--task", "demo-plankton", "--store", str(tmp_path)], capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert "starting" not in done.stdout + done.stderr
    assert done.stdout.startswith("model ")
