"""One process at a time works on a data set."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from biobench.data.fetch.disk import cannot_write
from biobench.errors import DataError


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of ``folder``, which is made; it ends with the process whatever happens.

    Raises DataError where another process holds it, BiobenchError where it cannot be made.
    """
    path = folder / ".lock"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise cannot_write(folder, error) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataError(
                "another process is at work on this data set",
                where=str(folder),
                remedy="wait until it has ended",
            ) from None
        except OSError:
            pass  # a network disk without locks
        yield
    finally:
        os.close(handle)
