"""Room on the disk, asked before it is taken, and writes that say what to do when it is gone."""

from __future__ import annotations

import os
from pathlib import Path

from biobench._common.byte_sizes import show_size
from biobench.errors import BiobenchError

RESERVE = 64 << 20
"""Bytes that are left to others on the disk."""


def free_bytes(folder: Path) -> int:
    """Bytes that this user may still write below ``folder``, which need not be there yet."""
    nearest = folder.absolute()
    while not nearest.exists():
        nearest = nearest.parent
    status = os.statvfs(nearest)
    return status.f_bavail * status.f_frsize


def require_space(folder: Path, need: int, what: str) -> None:
    """Raise BiobenchError where ``need`` more bytes do not fit below ``folder``."""
    free = free_bytes(folder)
    if need + RESERVE > free:
        raise BiobenchError(
            f"{what} needs {show_size(need)}, and {show_size(max(0, free - RESERVE))} are free",
            where=str(folder),
            remedy="free some space or choose another folder",
        )


def cannot_write(path: Path, error: OSError) -> BiobenchError:
    """The error of a write that failed: a full disk, a quota, a folder that is read-only."""
    return BiobenchError(
        f"cannot be written ({error.strerror or error})",
        where=str(path),
        remedy="free some space or choose another folder; the same command goes on from here",
    )
