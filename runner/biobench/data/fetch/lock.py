"""One process at a time works on a data set."""

from __future__ import annotations

import contextlib
from pathlib import Path

from biobench._common import folder_lock as lock
from biobench.data.fetch.disk import cannot_write
from biobench.errors import DataError


def locked(folder: Path) -> contextlib.AbstractContextManager[bool]:
    """Hold the lock of ``folder``, which is made; it ends with the process whatever happens.

    Raises:
        DataError: Another process holds the lock.
        BiobenchError: The lock cannot be made.
    """

    def busy(process: str) -> DataError:
        return DataError(
            f"{process} is at work on this data set",
            where=str(folder),
            remedy="wait until it has ended",
        )

    return lock.locked(folder, ".lock", busy=busy, fails=lambda error: cannot_write(folder, error))
