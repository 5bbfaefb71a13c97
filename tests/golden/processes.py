"""Python programs in processes of their own, whose environment libraries read when they load."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from biobench.repro.settings import ALLOCATOR, SETTINGS, UNWANTED

OFFICIAL = {**SETTINGS, **ALLOCATOR}


def lines(
    program: str | Path,
    *arguments: str,
    settings: Mapping[str, str] = OFFICIAL,
    emulator: Sequence[str] = (),
) -> list[Any]:
    """The JSON value of each line that a program prints; a text is its source, a path its file.

    settings: of biobench and its libraries; the process has no others of them.
    """
    own = {*SETTINGS, *ALLOCATOR, *UNWANTED}
    environment = {name: value for name, value in os.environ.items() if name not in own}
    start = [str(program)] if isinstance(program, Path) else ["-c", program]
    done = subprocess.run(
        [*emulator, sys.executable, *start, *arguments],
        capture_output=True,
        text=True,
        env={**environment, **settings},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return [json.loads(line) for line in done.stdout.splitlines()]
