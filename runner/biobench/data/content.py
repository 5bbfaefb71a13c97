"""Digests of image files, remembered as long as a file is untouched (SPEC.md, section "Evidence").

In: paths. Out: the sha256 of each file. A file is read again when its size, inode, modification
or change time differ; the change time cannot be set by a program, so a stale digest is not served.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from biobench import _native
from biobench.errors import DataError

BLOCK = 1024
"""Files between two notes of what is known."""

SETTLED_NS = 2_000_000_000
"""A file changed less than two seconds ago is hashed again next time: its clock may be coarse."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
  path BLOB PRIMARY KEY, size INTEGER, inode INTEGER, modified INTEGER, changed INTEGER, digest TEXT
) WITHOUT ROWID
"""


def _unreadable(path: str, error: OSError) -> DataError:
    return DataError(f"cannot be read ({error.strerror})", where=path, remedy="check the folder")


def file_digests(paths: Sequence[str], workers: int) -> list[str]:
    """``sha256:`` digests of files' bytes, in the order given; raises DataError naming the first
    that cannot be read."""
    try:
        digests = _native.sha256_files(paths, workers=max(1, workers))
    except OSError as error:
        raise _unreadable(os.fspath(error.filename), error) from error
    return ["sha256:" + digest.hex() for digest in digests]


def file_digest(path: str) -> str:
    """:func:`file_digests` of one file."""
    return file_digests([path], 1)[0]


def _identity(path: str) -> tuple[int, int, int, int]:
    try:
        status = os.stat(path)
    except OSError as error:
        raise _unreadable(path, error) from error
    return status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns


def _open(index: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(index, timeout=30)
    try:
        connection.execute(_SCHEMA)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


class ContentIndex:
    """Remembers digests in a SQLite file; works without memory when ``index`` is not writable."""

    def __init__(self, index: Path) -> None:
        self._connection: sqlite3.Connection | None = None
        with contextlib.suppress(sqlite3.Error, OSError):
            index.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._connection = _open(index)
            except sqlite3.OperationalError:
                raise  # busy or not writable: its content may be whole
            except sqlite3.DatabaseError:
                # Not a database any more. It holds nothing that cannot be found again.
                index.unlink()
                self._connection = _open(index)

    def close(self) -> None:
        """Close the index."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def digests(
        self, paths: Sequence[str], workers: int, advance: Callable[[int], None] | None = None
    ) -> list[str]:
        """The sha256 of each file, in the order given; raises DataError for an unreadable one.

        Files are read and remembered in blocks, so that an interruption loses one block.
        ``advance`` is called with the number of files of each.
        """
        found: list[str] = []
        for start in range(0, len(paths), BLOCK):
            block = self._block(
                [os.path.abspath(path) for path in paths[start : start + BLOCK]], workers
            )
            found += block
            if advance is not None:
                advance(len(block))
        return found

    def _block(self, absolute: Sequence[str], workers: int) -> list[str]:
        # Taken before a file is looked at: what changes while it is read is not settled.
        now = time.time_ns()
        identities = [_identity(path) for path in absolute]
        keys = [os.fsencode(path) for path in absolute]
        known = self._recall(keys)
        stale = [i for i, key in enumerate(keys) if known.get(key, ("",))[:-1] != identities[i]]
        fresh = dict(zip(stale, file_digests([absolute[i] for i in stale], workers), strict=True))
        self._remember(
            (keys[i], *identities[i], digest)
            for i, digest in fresh.items()
            if now - max(identities[i][2:]) > SETTLED_NS
        )
        return [fresh.get(i) or str(known[key][-1]) for i, key in enumerate(keys)]

    def _recall(self, paths: Sequence[bytes]) -> dict[bytes, tuple[object, ...]]:
        found: dict[bytes, tuple[object, ...]] = {}
        if self._connection is None:
            return found
        query = "SELECT path, size, inode, modified, changed, digest FROM files WHERE path IN "
        with contextlib.suppress(sqlite3.Error):
            for start in range(0, len(paths), 500):
                block = paths[start : start + 500]
                marks = ",".join("?" * len(block))
                for row in self._connection.execute(f"{query} ({marks})", block):
                    found[row[0]] = tuple(row[1:])
        return found

    def _remember(self, rows: object) -> None:
        if self._connection is None:
            return
        with contextlib.suppress(sqlite3.Error), self._connection:
            self._connection.executemany("REPLACE INTO files VALUES (?,?,?,?,?,?)", rows)  # type: ignore[arg-type]
