"""Digests of image files, remembered as long as a file is untouched (SPEC.md, section "Evidence").

In: paths. Out: the sha256 of each file. A file is read again when its size, inode, modification
or change time differ; the change time cannot be set by a program, so a stale digest is not served.
A digest is remembered with the identity that the open file had while it was read, never with that
of another file that had the name before or after.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from biobench._native import read_files as native_read_files
from biobench.errors import DataError

Identity = tuple[int, int, int, int]
"""Size, inode, modification and change time (ns) of a file, wrapped to 64 bits with a sign."""

BLOCK = 1024
"""Files that are read between two writes of the index."""

BUSY_S = 5.0
"""Most seconds to wait for another process, or for a disk without locks, on which SQLite waits as
long: hashing a file again may be the quicker way."""

SETTLED_NS = 2_000_000_000
"""A file changed less than two seconds ago is hashed again next time: its clock may be coarse."""

_ERRORS = (sqlite3.Error, UnicodeDecodeError)
"""Errors of an index. SQLite's messages quote a damaged schema; Python decodes them as UTF-8."""

_DIGEST = re.compile("sha256:[0-9a-f]{64}")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
  path BLOB PRIMARY KEY, size INTEGER, inode INTEGER, modified INTEGER, changed INTEGER, digest TEXT
) WITHOUT ROWID
"""


class FileRead(NamedTuple):
    """A file as it was read: the digest of its bytes, and the identity that the open file had
    before and after; None where the file changed meanwhile."""

    digest: str
    identity: Identity | None


def file_read(sha256: bytes, identity: Identity | None) -> FileRead:
    """The native layer's outcome of reading a file, as a :class:`FileRead`."""
    return FileRead("sha256:" + sha256.hex(), identity)


def _unreadable(path: str, error: OSError) -> DataError:
    return DataError(f"cannot be read ({error.strerror})", where=path, remedy="check the folder")


def read_files(paths: Sequence[str], workers: int) -> list[FileRead]:
    """Digests of files' bytes, in the order given.

    Raises:
        DataError: A file cannot be read; names the first.
    """
    try:
        files = native_read_files(paths, workers=max(1, workers))
    except OSError as error:
        if error.filename is None:
            # Of no file: there are no threads.
            raise
        raise _unreadable(os.fspath(error.filename), error) from error
    return [file_read(*file) for file in files]


def file_digests(paths: Sequence[str], workers: int) -> list[str]:
    """``sha256:`` digests of files' bytes; the rest as :func:`read_files`."""
    return [file.digest for file in read_files(paths, workers)]


def file_digest(path: str) -> str:
    """:func:`file_digests` of one file."""
    return file_digests([path], 1)[0]


def identity_of(path: str) -> Identity:
    """The identity of the file that a path names now.

    Raises:
        OSError: There is no such file.
    """
    return identity_in(os.stat(path))


def identity_in(status: os.stat_result) -> Identity:
    """The identity that the status of a file has."""
    return (
        _signed(status.st_size),
        _signed(status.st_ino),
        _signed(status.st_mtime_ns),
        _signed(status.st_ctime_ns),
    )


def _signed(number: int) -> int:
    """A number wrapped to 64 bits with a sign, as the index stores it."""
    return ((number + (1 << 63)) & ((1 << 64) - 1)) - (1 << 63)


def is_settled(identity: Identity, began: int) -> bool:
    """True where a later change would show in the identity of a file that was read after ``began``,
    a time in nanoseconds."""
    return began - identity[3] > SETTLED_NS


class ContentIndex:
    """Digests remembered in a SQLite file, or in this process alone where ``index`` is None.
    Without memory where it cannot be opened; only with its present entries where it cannot be
    written."""

    def __init__(self, index: Path | None) -> None:
        self._connection: sqlite3.Connection | None = None
        with contextlib.suppress(*_ERRORS, OSError):
            self._connection = _connect(":memory:") if index is None else _open(index)

    def close(self) -> None:
        """Close the index."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def digests(
        self, paths: Sequence[str], workers: int, advance: Callable[[int], None] | None = None
    ) -> list[str]:
        """The sha256 of each file, in the order given.

        Files are read and remembered in blocks, so that an interruption loses one block.
        ``advance`` is called with the number of files of each.

        Raises:
            DataError: A file cannot be read.
        """
        digests: list[str] = []
        for start in range(0, len(paths), BLOCK):
            block = self._block(paths[start : start + BLOCK], workers)
            digests += block
            if advance is not None:
                advance(len(block))
        return digests

    def known(
        self, paths: Sequence[str], identities: Sequence[Identity | None]
    ) -> list[str | None]:
        """The digest of each file that is remembered with this identity."""
        keys = [_key(path) for path in paths]
        rows = self._recall(keys)
        found: list[str | None] = []
        for key, identity in zip(keys, identities, strict=True):
            *remembered, digest = rows.get(key, (None,))
            same = tuple(remembered) == identity and _DIGEST.fullmatch(str(digest))
            found.append(str(digest) if same else None)
        return found

    def remembered(self, paths: Sequence[str]) -> list[FileRead | None]:
        """The remembered reading of each file, whatever it is now; None where there is none."""
        keys = [_key(path) for path in paths]
        rows = self._recall(keys)
        found: list[FileRead | None] = []
        for key in keys:
            match rows.get(key):
                case (int(size), int(inode), int(modified), int(changed), str(digest)):
                    found.append(FileRead(digest, (size, inode, modified, changed)))
                case _:
                    found.append(None)
        return found

    def add(self, files: Iterable[tuple[str, FileRead]]) -> None:
        """Remember what another index had, whose files were settled when they were read."""
        self._write(
            (_key(path), *file.identity, file.digest)
            for path, file in files
            if file.identity is not None
        )

    def remember(self, files: Iterable[tuple[str, FileRead]], began: int) -> None:
        """Store the digests of files read at or after ``began``, a time in nanoseconds, where they
        stay true until a file's identity differs."""
        self._write(
            (_key(path), *file.identity, file.digest)
            for path, file in files
            if file.identity is not None and is_settled(file.identity, began)
        )

    def _block(self, paths: Sequence[str], workers: int) -> list[str]:
        began = time.time_ns()
        identities: list[Identity | None] = []
        for path in paths:
            try:
                identities.append(identity_of(path))
            except OSError as error:
                raise _unreadable(os.path.abspath(path), error) from error
        digests = self.known(paths, identities)
        stale = [i for i, digest in enumerate(digests) if digest is None]
        absolute = [os.path.abspath(paths[i]) for i in stale]
        fresh = dict(zip(stale, read_files(absolute, workers), strict=True))
        self.remember(((paths[i], file) for i, file in fresh.items()), began)
        return [digest or fresh[i].digest for i, digest in enumerate(digests)]

    def _recall(self, keys: Sequence[bytes]) -> dict[bytes, tuple[object, ...]]:
        found: dict[bytes, tuple[object, ...]] = {}
        if self._connection is None:
            return found
        query = "SELECT path, size, inode, modified, changed, digest FROM files WHERE path IN "
        with contextlib.suppress(*_ERRORS):
            for start in range(0, len(keys), 500):
                block = keys[start : start + 500]
                marks = ",".join("?" * len(block))
                for row in self._connection.execute(f"{query} ({marks})", block):
                    found[row[0]] = tuple(row[1:])
        return found

    def _write(self, rows: Iterable[tuple[object, ...]]) -> None:
        if self._connection is None:
            return
        with contextlib.suppress(*_ERRORS), self._connection:
            self._connection.executemany("REPLACE INTO files VALUES (?,?,?,?,?,?)", rows)


def _key(path: str) -> bytes:
    return os.fsencode(os.path.abspath(path))


def _open(index: Path) -> sqlite3.Connection:
    """Open the index, or create it; raises OSError or one of _ERRORS where that fails."""
    for suffix in ("", "-journal", "-wal", "-shm"):
        place = index.with_name(index.name + suffix)
        if place.exists() and not place.is_file():
            # SQLite would wait for the writer of a named pipe.
            raise OSError(errno.EINVAL, "not a regular file", str(place))
    try:
        index.parent.mkdir(parents=True, exist_ok=True)
        return _connect(index)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
            raise
        # Nothing can be written there. Not "immutable": what a killed process left half written
        # would be taken for whole.
        return sqlite3.connect(f"{index.absolute().as_uri()}?mode=ro", timeout=BUSY_S, uri=True)
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        # No longer a database. All of its contents can be computed again.
        index.unlink()
        return _connect(index)


def _connect(index: Path | str) -> sqlite3.Connection:
    connection = sqlite3.connect(index, timeout=BUSY_S)
    try:
        connection.execute(_SCHEMA)
    except _ERRORS:
        connection.close()
        raise
    return connection
