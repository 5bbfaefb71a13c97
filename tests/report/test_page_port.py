"""The specification's port in a page is the one of spec/ports/javascript."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_it_is_fresh(repository: Path) -> None:
    """The script of a page is written from the port as it is."""
    program = [sys.executable, str(repository / "tools/make_page_port.py"), "--check"]
    done = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
