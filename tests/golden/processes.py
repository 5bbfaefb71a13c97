"""Python programs in processes of their own, whose environment libraries read when they load."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from biobench.repro.variables import recorded


def emulator(processor: str) -> tuple[str, ...]:
    """Words before a command that has an emulated x86-64 processor start it; a skip without
    one."""
    if platform.system() != "Linux" or shutil.which("qemu-x86_64") is None:
        pytest.skip("no qemu-x86_64 (Debian: qemu-user)")
    return "qemu-x86_64", "-cpu", processor


def lines(
    program: str | Path,
    *arguments: str,
    variables: Mapping[str, str] | None = None,
    emulator: Sequence[str] = (),
) -> list[Any]:
    """The JSON value of each line that a program prints; a text is its source, a path its file.

    variables: those that choose other arithmetic; the process has no others of them.
    """
    own = recorded()
    environment = {name: value for name, value in os.environ.items() if name not in own}
    start = [str(program)] if isinstance(program, Path) else ["-c", program]
    done = subprocess.run(
        [*emulator, sys.executable, *start, *arguments],
        capture_output=True,
        text=True,
        env={**environment, **(variables or {})},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return [json.loads(line) for line in done.stdout.splitlines()]
