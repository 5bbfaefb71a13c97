"""Writing files so that none is ever half there."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from biobench.errors import BiobenchError, UsageError


def require_writable(folder: Path) -> None:
    """Raise UsageError where ``folder`` cannot be made or written in, without making it.

    Called before the work, so that nobody waits an hour for a result that has no place.
    """
    nearest = folder.absolute()
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir():
        raise UsageError("is not a folder", where=str(nearest), remedy="choose another folder")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise UsageError(
            f"cannot be written in by this user, so {folder} cannot be filled",
            where=str(nearest),
            remedy="choose another folder or change its permissions",
        )


def write_atomically(path: Path, data: bytes) -> None:
    """Write bytes under a temporary name in the same folder, sync, rename.

    Raises BiobenchError (exit 1) naming the file when the disk is full or not writable.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as handle:
                handle.write(data)
                handle.flush()
                os.fsync(handle.fileno())
            # mkstemp makes private files; results are for others to read.
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
    except OSError as error:
        raise BiobenchError(
            f"cannot be written ({error.strerror or error})",
            where=str(path),
            remedy="free some space or choose another folder",
        ) from error
