"""The first sign of life of a run on a terminal, before libraries and lists of images are read."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from drawn import layout, metric

from biobench._common import progress
from biobench._common.reading import note_read
from biobench.run import reading

pytestmark = pytest.mark.slow

WITHIN_S = 2.0


def test_a_run_says_what_it_does_at_once(small_program: str, tmp_path: Path) -> None:
    """Protects: a terminal shows a line within 2 s, before libraries and lists of images, and one
    for the model. The time is that of the process: another's work on the machine is not counted."""
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "biobench", "run", "--model", small_program]
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


AT_ONCE = """
from biobench.run import reading
from biobench.cli import main
reading.AFTER_S = 0.0
main()
"""
"""The command, which shows what it reads however fast this machine reads it."""


def test_a_large_table_shows_how_far_it_is(small_program: str, tmp_path: Path) -> None:
    """Protects: within 2 s of the process a log has the number of rows or items so far."""
    rows = (f"{i // 500}/{i}.jpg,{'test' if i % 5 else 'train'},c{i % 7}" for i in range(300_000))
    (tmp_path / "all.csv").write_text("\n".join(["image,set,species", *rows]) + "\n")
    task = {
        "task": "large", "dataset": {"id": "drawn", "layout": layout()}, "split": "train-test",
        "protocol": "nearest_centroid", "metrics": metric("macro_f1"),
    }  # fmt: skip
    (tmp_path / "large.yaml").write_text(yaml.safe_dump(task))
    command = [sys.executable, "-c", AT_ONCE, "run", "--model", small_program, "--dry-run"]
    command += ["--task", str(tmp_path / "large.yaml"), "--data", str(tmp_path)]
    command += ["--store", str(tmp_path / "s")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        used = processor_seconds(process.pid)
        rest = process.stderr.read()
    said = "biobench: large: reading the list of images: [1-9][0-9]* (rows|items) so far\n"
    assert re.fullmatch(said, first), first + rest
    assert used < WITHIN_S
    assert process.returncode == 3, "the images are not there"


def test_what_is_read_is_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line at once, and no second one for the next unit; nothing when quiet or soon done."""
    monkeypatch.setattr(reading, "AFTER_S", 0.0)
    monkeypatch.setattr(progress, "LOG_EVERY_S", 0.0)
    with reading.shown_reading("one", quiet=False):
        note_read(1000, "rows")
        note_read(24, "rows")
        note_read(7, "items")
        note_read(7, "items")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "biobench: one: reading the list of images: 1000 rows so far"
    assert [line.partition(",")[0] for line in lines[1:]] == [
        "one: reading the list of images: 1024 rows", "one: reading the list of images: 14 items",
    ]  # fmt: skip
    with reading.shown_reading("two", quiet=True):
        note_read(1000, "rows")
    monkeypatch.setattr(reading, "AFTER_S", 3600.0)
    with reading.shown_reading("three", quiet=False):
        note_read(1000, "rows")
    note_read(1000, "rows")
    assert capsys.readouterr().err == ""


def processor_seconds(pid: int) -> float:
    """Processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_log_and_json_stay_as_they_are(small_program: str, tmp_path: Path) -> None:
    """Protects: what is for terminals alone is in no log, and --json prints a document."""
    command = [sys.executable, "-m", "biobench", "run", "--model", small_program, "--dry-run"]
    done = subprocess.run(
        [*command, "--task", "demo-plankton", "--store", str(tmp_path)], capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert "starting" not in done.stdout + done.stderr
    assert done.stdout.startswith("model ")
