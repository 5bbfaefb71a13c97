"""Tables and annotation files as they were read (SPEC.md, section "Bad images").

In: files that say what the images are. Out: the digest of the very bytes that were parsed, and at
the end of a task the files that have others by then.
"""

from __future__ import annotations

import hashlib
import io
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from biobench._common.files import open_regular, require_at_most
from biobench.data.file_hashes import FileRead, Identity, identity_in, is_settled, read_files
from biobench.errors import DataError


class Hashing(io.BufferedIOBase):
    """A file that is read from its present place to its end, and the digest of what was read."""

    def __init__(self, file: BinaryIO | io.BytesIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._began = time.time_ns()
        self._first = self._identity()

    @property
    def name(self) -> object:
        """The path or file descriptor that the file was opened by."""
        return getattr(self._file, "name", None)

    def readable(self) -> bool:
        """Return True: text is read from it."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """The next bytes."""
        data = self._file.read(-1 if size is None else size)
        self._digest.update(data)
        return data

    def read1(self, size: int = -1, /) -> bytes:
        """The next bytes, as :meth:`read`."""
        return self.read(1 << 16 if size < 0 else size)

    @property
    def digest(self) -> str:
        """SHA-256 of what was read so far."""
        return f"sha256:{self._digest.hexdigest()}"

    @property
    def outcome(self) -> FileRead:
        """Digest, and the file's identity where a later change would show in it."""
        first, last = self._first, self._identity()
        told = first is not None and first == last and is_settled(first, self._began)
        return FileRead(self.digest, first if told else None)

    def _identity(self) -> Identity | None:
        try:
            return identity_in(os.fstat(self._file.fileno()))
        except OSError:
            # Bytes in memory are no file.
            return None


def read_whole(path: str | os.PathLike[str], limit: int) -> tuple[bytes, FileRead]:
    """The bytes of a regular file, and what to know it by.

    Raises:
        OSError: As :func:`~biobench._common.files.read_regular`.
    """
    with open_regular(path) as file:
        hashing = Hashing(file)
        data = hashing.read(limit + 1)
        require_at_most(data, limit, path)
        return data, hashing.outcome


def changed(root: Path, files: Mapping[str, FileRead]) -> list[str]:
    """Paths, in code-point order, of the files below ``root`` that no longer have the bytes that
    were read. A file is read again only where its identity differs or could not tell."""
    return [path for path in sorted(files) if _is_changed(str(root / path), files[path])]


def _is_changed(path: str, file: FileRead) -> bool:
    try:
        if file.identity is not None and identity_in(os.stat(path)) == file.identity:
            return False
        return read_files([path], 1)[0].digest != file.digest
    except (OSError, DataError):
        return True
