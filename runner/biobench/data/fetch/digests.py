"""Digests of bytes while they pass, and how they compare with what a document knows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from biobench._common.files import open_regular
from biobench.data.sources import Known
from biobench.errors import DataError

CHUNK = 1 << 20


@dataclass(frozen=True)
class Digest:
    """Size and digests of a file; both digests in lower-case hex."""

    bytes: int
    sha256: str
    md5: str


class Digests:
    """sha256 and md5 of the bytes so far."""

    def __init__(self) -> None:
        self.bytes = 0
        self._sha256 = hashlib.sha256()
        self._md5 = hashlib.md5(usedforsecurity=False)

    def update(self, chunk: bytes) -> None:
        """Count ``chunk``."""
        self.bytes += len(chunk)
        self._sha256.update(chunk)
        self._md5.update(chunk)

    def now(self) -> Digest:
        """The digests of what has passed; more may follow."""
        return Digest(self.bytes, self._sha256.hexdigest(), self._md5.hexdigest())


def difference(known: Known, found: Digest) -> str | None:
    """The first fact of the document that the bytes do not have, or None."""
    for name in ("bytes", "sha256", "md5"):
        wanted, actual = getattr(known, name), getattr(found, name)
        if wanted is not None and wanted != actual:
            return f"{name} is {actual}, expected {wanted}"
    return None


def chunks(path: Path) -> Iterator[bytes]:
    """A file's bytes.

    Raises:
        DataError: The file cannot be read.
    """
    try:
        with open_regular(path) as handle:
            while chunk := handle.read(CHUNK):
                yield chunk
    except OSError as error:
        raise DataError(
            f"cannot be read ({error.strerror})", where=str(path), remedy="check the folder"
        ) from error


def digest_of(paths: Iterable[Path], advance: Callable[[int], None] | None = None) -> Digest:
    """Digest of files joined in order.

    Raises:
        DataError: A file cannot be read.
    """
    digests = Digests()
    for path in paths:
        for chunk in chunks(path):
            digests.update(chunk)
            if advance is not None:
                advance(len(chunk))
    return digests.now()
