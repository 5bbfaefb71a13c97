"""The files of a task while they are read: their bytes, and whether they changed.

In: paths, the index of known files, and what the loader says of the bytes that it decoded. Out: the
digest of each file that was used, and the rows whose file did not stay the same during the stage
(SPEC.md, section "Features").
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from biobench.data.file_hashes import (
    BLOCK,
    ContentIndex,
    FileRead,
    Identity,
    identity_of,
    is_settled,
    read_files,
)
from biobench.errors import DataError

_SIZE, _MODIFIED, _CHANGED = 0, 2, 3
_ABSENT = -1
"""Size of a file that the system does not give."""
_TRIES = 3
"""Times that a file is read again until it is the one that its name led to just before."""
_PREFIX = "sha256:"


class FileChangeDetector:
    """The known digests of the files of ``rows``, from the start of the stage to its end.

    Args:
        paths: Paths of all rows of the manifest.

    Attributes:
        changed: Rows whose file had different bytes at two times of the stage.
    """

    def __init__(
        self,
        paths: Sequence[str],
        rows: npt.NDArray[np.int64],
        index: ContentIndex,
        workers: int,
    ) -> None:
        self.paths = paths
        self.changed: set[int] = set()
        self._rows = rows
        self._index = index
        self._workers = workers
        # Arrays: the files of a large task are millions.
        self._digest = np.zeros((len(paths), 32), dtype=np.uint8)
        self._known = np.zeros(len(paths), dtype=np.bool_)
        self._recalled = np.zeros(len(paths), dtype=np.bool_)
        self._identity = np.full((len(paths), 4), _ABSENT, dtype=np.int64)
        self._identity_settled = np.zeros(len(paths), dtype=np.bool_)
        self._unwritten: list[tuple[str, FileRead]] = []
        self._began = time.time_ns()
        self._recall()

    @property
    def digests(self) -> npt.NDArray[np.uint8]:
        """SHA-256 of the bytes of each row's file, uint8 (rows, 32); zero where it is not known."""
        return self._digest

    def knows(self, rows: npt.NDArray[np.int64]) -> bool:
        """True where the digests of all of ``rows`` are known."""
        return bool(self.known(rows).all())

    def known(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """For each of ``rows``, true where the digest of its file is known, bool (rows,)."""
        return self._known[rows]

    def contents(self, rows: npt.NDArray[np.int64]) -> list[str]:
        """The digest of each row's file; empty where it is not known."""
        digits = self._digest[rows].tobytes().hex()
        return [
            _PREFIX + digits[64 * i : 64 * i + 64] if known else ""
            for i, known in enumerate(self._known[rows].tolist())
        ]

    def read(self, rows: npt.NDArray[np.int64]) -> None:
        """Hash the files of ``rows`` that are not known, as far as they can be read."""
        unknown = [int(i) for i in rows if not self._known[i]]
        for i, file in zip(unknown, self._read(unknown), strict=True):
            if file is not None:
                self.note(i, file)

    def note(self, row: int, file: FileRead) -> None:
        """Record the bytes that were read of a row's file: these are the ones that are used."""
        digest = _bytes(file.digest)
        if self._known[row]:
            # Where the file is untouched the index was wrong, which costs nothing but this.
            untouched = self._recalled[row] and file.identity == tuple(self._identity[row].tolist())
            if not untouched and self._digest[row].tobytes() != digest:
                self.changed.add(row)
        elif self._moved(row, file.identity):
            self.changed.add(row)
        self._digest[row] = np.frombuffer(digest, dtype=np.uint8)
        self._known[row] = True
        self._recalled[row] = False
        self._identity_settled[row] = file.identity is not None and is_settled(
            file.identity, self._began
        )
        if file.identity is not None:
            self._identity[row] = file.identity
        self._unwritten.append((self.paths[row], file))
        if len(self._unwritten) >= BLOCK:
            self.flush()

    def flush(self) -> None:
        """Write the digests that were read to the index."""
        self._index.remember(self._unwritten, self._began)
        self._unwritten = []

    def check(self) -> None:
        """Add to ``changed`` the rows whose file is no longer the one that was used.

        A file is read again only where its identity differs, or cannot tell yet.
        """
        again: list[int] = []
        for block in _blocks(self._rows):
            known, identities = self._known[block], _look(self._paths_of(block))
            now = _array(identities)
            gone = now[:, _SIZE] == _ABSENT
            differs = (now != self._identity[block]).any(axis=1) | ~self._identity_settled[block]
            self.changed.update(block[known & gone].tolist())
            again += block[known & ~gone & differs].tolist()
            self.changed.update(
                int(row)
                for row, identity, used in zip(block, identities, known, strict=True)
                if not used and self._moved(row, identity)
            )
        for start in range(0, len(again), BLOCK):
            self._read_again(again[start : start + BLOCK])
        self._check_shared()
        self.flush()

    def _check_shared(self) -> None:
        """Add to ``changed`` the rows whose name led to the file of another row, and no longer
        does."""
        rows = self._rows[self._known[self._rows]]
        _, first, of = np.unique(
            self._identity[rows], axis=0, return_index=True, return_inverse=True
        )
        earlier = rows[first[of.reshape(-1)]]
        for row, other in zip(rows.tolist(), earlier.tolist(), strict=True):
            if row != other:
                # Links lead to one file whenever both are looked at.
                one, two = _look([self.paths[row], self.paths[other]])
                if one is None or two is None or one[:_CHANGED] != two[:_CHANGED]:
                    self.changed.update((row, other))

    def _read_again(self, rows: Sequence[int]) -> None:
        """Compare the bytes of known rows' files with those that were used."""
        for _ in range(_TRIES):
            looked = _look([self.paths[row] for row in rows])
            moving: list[int] = []
            for row, before, file in zip(rows, looked, self._read(rows), strict=True):
                if file is None:
                    self.changed.add(row)
                    continue
                self.note(row, file)
                # A name that leads now to one file and now to another can give the bytes that were
                # used each time it is read. A disk that makes up inodes keeps them so long.
                if (
                    before is None
                    or file.identity is None
                    or before[:_CHANGED] != file.identity[:_CHANGED]
                ):
                    moving.append(row)
            rows = moving
            if not rows:
                return
        self.changed.update(rows)

    def _moved(self, row: int, identity: Identity | None) -> bool:
        """True where a file whose bytes are unknown is not the same as at the start."""
        first = self._identity[row]
        if identity is None or first[_SIZE] == _ABSENT:
            return False
        # Not the inode and the time of change: some file systems make up the one, and the other
        # moves with a file's permissions.
        return any(first[i] != identity[i] for i in (_SIZE, _MODIFIED))

    def _recall(self) -> None:
        for block in _blocks(self._rows):
            paths = self._paths_of(block)
            identities = _look(paths)
            digests = self._index.known(paths, identities)
            self._identity[block] = _array(identities)
            found = block[[digest is not None for digest in digests]]
            joined = b"".join(_bytes(digest) for digest in digests if digest is not None)
            self._digest[found] = np.frombuffer(joined, dtype=np.uint8).reshape(-1, 32)
            self._known[found] = self._recalled[found] = True
            self._identity_settled[found] = [
                identity is not None and is_settled(identity, self._began)
                for identity, digest in zip(identities, digests, strict=True)
                if digest is not None
            ]

    def _paths_of(self, rows: npt.NDArray[np.int64]) -> list[str]:
        return [self.paths[row] for row in rows.tolist()]

    def _read(self, rows: Sequence[int]) -> list[FileRead | None]:
        """Read each row's file; None where it cannot be read."""
        paths = [self.paths[row] for row in rows]
        try:
            return list(read_files(paths, self._workers))
        except DataError:
            return [_read_one(path) for path in paths]


def _blocks(rows: npt.NDArray[np.int64]) -> Iterator[npt.NDArray[np.int64]]:
    for start in range(0, len(rows), BLOCK):
        yield rows[start : start + BLOCK]


def _bytes(digest: str) -> bytes:
    return bytes.fromhex(digest.removeprefix(_PREFIX))


def _array(identities: Sequence[Identity | None]) -> npt.NDArray[np.int64]:
    nothing = (_ABSENT,) * 4
    return np.array([identity or nothing for identity in identities], np.int64).reshape(-1, 4)


def _look(paths: Sequence[str]) -> list[Identity | None]:
    """The identity of each file, ``None`` where there is none."""
    found: list[Identity | None] = []
    for path in paths:
        try:
            found.append(identity_of(path))
        except OSError:
            found.append(None)
    return found


def _read_one(path: str) -> FileRead | None:
    try:
        return read_files([os.fspath(path)], 1)[0]
    except DataError:
        return None
