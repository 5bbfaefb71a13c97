"""The log of a worker, found by its task of the array or by a part that it has or had.

In: the launches and the state of a plan. Out: text.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from biobench._common.files import open_regular
from biobench.errors import DataError, UsageError
from biobench.launch.record import Launch
from biobench.work.overview import Status

MOST_BYTES = 1 << 20
"""The end of a log that is shown."""
_TASK = re.compile(r"(?:([0-9]+)_)?([0-9]{1,6})")
_PART = re.compile("[0-9a-f]{6,64}")


def find(asked: str, folder: Path, launches: Sequence[Launch], status: Status) -> Path:
    """The log of ``asked``: a task (``3`` of the last job, ``1234_3``), or the first digits of a
    part's name.

    Raises:
        UsageError: It is neither, or no part has that name.
        DataError: It has no log.
    """
    task = _TASK.fullmatch(asked)
    if task is not None:
        if not launches:
            raise DataError("nothing was launched", where=str(folder), remedy="launch it first")
        job = task[1] or launches[-1].job
        return _there(folder / f"{job}_{task[2]}.log", "the task has no log yet")
    if _PART.fullmatch(asked) is None:
        raise UsageError(
            f"{asked!r} is neither a task nor a part",
            where="--log",
            remedy="give a number, JOB_NUMBER, or the first digits of a part of --status --json",
        )
    parts = [part for part in status.parts if part.part.name.startswith(asked)]
    if len(parts) != 1:
        raise UsageError(
            f"{len(parts)} parts have a name that begins with {asked!r}",
            where="--log",
            remedy="give the name of one, as in --status --json",
        )
    owner = parts[0].owner
    if _TASK.fullmatch(owner) is None or "_" not in owner:
        raise DataError(
            "no worker of a launch has or had it" + (f", but {owner!r}" if owner else ""),
            where=f"part {asked}",
            remedy="see --status",
        )
    return _there(folder / f"{owner}.log", "the worker has no log here")


def end_of(path: Path) -> str:
    """The text of a log; of a long one its last lines."""
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        file.seek(max(0, size - MOST_BYTES))
        text = file.read(MOST_BYTES).decode("utf-8", errors="replace")
    return text if size <= MOST_BYTES else text.partition("\n")[2]


def _there(path: Path, what: str) -> Path:
    if not path.is_file():
        raise DataError(what, where=str(path), remedy="see --status")
    return path
