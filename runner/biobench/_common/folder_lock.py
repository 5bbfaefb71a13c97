"""A lock that lets one process at a time work on a folder."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from biobench.errors import BiobenchError


@contextlib.contextmanager
def locked(
    folder: Path,
    name: str,
    *,
    busy: Callable[[str], BiobenchError],
    fails: Callable[[OSError], BiobenchError],
) -> Iterator[bool]:
    """Hold the lock file ``name`` of ``folder``; it ends with the process whatever happens. Gives
    False where the disk has no locks, so that another process may work there too.

    The folder is made. Afterwards the file is removed, and folders that were made and are empty.

    Args:
        folder: Folder that one process works on.
        name: Name of the lock file in it.
        busy: The error where another process holds the lock; called with words for that process.
        fails: The error where the lock cannot be made.
    """
    try:
        made = _make(folder)
        handle, held = _hold(folder, folder / name)
    except BlockingIOError:
        raise busy(_holder(folder / name)) from None
    except OSError as error:
        raise fails(error) from error
    try:
        yield held
    finally:
        with contextlib.suppress(OSError):
            if _same(handle, folder / name):
                os.unlink(folder / name)
        os.close(handle)
        with contextlib.suppress(OSError):
            for empty in reversed(made):
                empty.rmdir()


def refuse_locked(folder: Path, name: str, *, busy: Callable[[str], BiobenchError]) -> None:
    """Raise ``busy`` where another process holds the lock now; leaves no trace."""
    try:
        handle = os.open(folder / name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        _lock(handle, fcntl.LOCK_SH)
    except BlockingIOError:
        raise busy(_holder(folder / name)) from None
    finally:
        os.close(handle)


def _make(folder: Path) -> list[Path]:
    """Make a folder and return those that did not exist before, outermost first."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing[::-1]


def _hold(folder: Path, path: Path) -> tuple[int, bool]:
    """Lock the file; returns its descriptor, and whether it is locked. Raises BlockingIOError where
    another process holds it."""
    while True:
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        except FileNotFoundError:
            # Another process ended just now, and took the empty folder with it.
            folder.mkdir(parents=True, exist_ok=True)
            continue
        try:
            held = _lock(handle, fcntl.LOCK_EX)
            if _same(handle, path):
                with contextlib.suppress(OSError):
                    os.truncate(handle, 0)
                    os.write(handle, b"%d\n" % os.getpid())
                return handle, held
        except BaseException:
            os.close(handle)
            raise
        # Its holder removed the file between our opening and locking it.
        os.close(handle)


def _lock(handle: int, how: int) -> bool:
    """Lock an open file; False where a network disk has no locks. Raises BlockingIOError where
    another process holds it."""
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        return False
    return True


def _same(handle: int, path: Path) -> bool:
    """True where the open file is still the one at ``path``."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


def _holder(path: Path) -> str:
    """A description of the process that holds a lock, with its number where the file has it."""
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, ValueError):
        text = ""
    number = re.fullmatch("([0-9]{1,10})\n", text)
    return f"another process ({number[1]})" if number else "another process"
