"""A caller may close standard streams: no file takes their place, and no message fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from biobench.data.locate import EMBEDDED

pytestmark = pytest.mark.slow

PROGRAM = """
import os, sys
from biobench.commands.stdio import open_closed_streams
open_closed_streams()
found = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
print("lost"); print("lost", file=sys.stderr); sys.stderr.flush(); sys.stdout.flush()
os.write(2, b"lost")
os.write(found, str([found > 2, sys.stdin.read()]).encode())
"""


@pytest.mark.parametrize("closed", ["2>&-", ">&-", "<&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_later_file_has_a_number_of_its_own(closed: str, tmp_path: Path) -> None:
    """Output to a closed stream lands nowhere, and not in that file."""
    line = f'"{sys.executable}" -c "$1" "$2" {closed}'
    subprocess.run(
        ["sh", "-c", line, "sh", PROGRAM, str(tmp_path / "file")],
        stdin=subprocess.DEVNULL, capture_output=True, check=True,
    )  # fmt: skip
    assert (tmp_path / "file").read_text() == "[True, '']"


def test_a_command_that_shows_progress(tmp_path: Path) -> None:
    """It does its work without anybody to show it to."""
    line = f'"{sys.executable}" -m biobench data verify demo-kabr --data "{EMBEDDED}" 2>&-'
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
    assert "failed unexpectedly" not in done.stdout
    assert done.returncode == 0
