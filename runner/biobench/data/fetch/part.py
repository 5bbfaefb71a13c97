"""A file on its way: ``NAME.part`` and what is known of it, ``NAME.part.json``.

In: bytes as they come. Out: a whole file, by one rename. Only bytes that were synced and noted are
kept over the end of the process; they are hashed again before more is added to them.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

from biobench._common.files import read_regular, write_atomically
from biobench.data.fetch.digests import Digest, Digests, chunks
from biobench.data.fetch.disk import cannot_write
from biobench.errors import BiobenchError

SYNC_BYTES = 64 << 20
"""Most bytes that a killed process or a power cut loses."""
MOST_STATE = 1 << 20


@dataclass(frozen=True)
class PartOrigin:
    """The bytes that a part is the beginning of, as the host named them.

    Attributes:
        etag: A strong one only.
        total: Bytes of the whole, None where the host does not say.
        encoding: The content encoding that the bytes are still in, ``""`` for none.
    """

    url: str
    etag: str | None
    modified: str | None
    total: int | None
    encoding: str = ""

    @property
    def validator(self) -> str | None:
        """Validator that ``If-Range`` can name."""
        return self.etag or self.modified


class PartFile:
    """The part of one file. A context manager: leaving it keeps what is good.

    joined: whether its bytes came in more than one answer.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.origin: PartOrigin | None = None
        self.joined = False
        self._state = path.with_name(path.name + ".json")
        self._digests = Digests()
        self._synced = 0
        self._handle = -1
        self._watch: Callable[[int], None] | None = None

    @property
    def kept(self) -> int:
        """Bytes so far."""
        return self._digests.bytes

    def digest(self) -> Digest:
        """Digests of the bytes so far."""
        return self._digests.now()

    def watch(self, advance: Callable[[int], None] | None) -> None:
        """Call ``advance`` with the number of bytes of each later :meth:`append`."""
        self._watch = advance

    def open(self, advance: Callable[[int], None] | None = None) -> PartFile:
        """Take up what an earlier process left.

        ``advance`` is called with the bytes that were hashed again.

        Raises:
            BiobenchError: Nothing can be written.
        """
        try:
            self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            if not stat.S_ISREG(os.fstat(self._handle).st_mode):
                os.close(self._handle)
                raise OSError(errno.EINVAL, "not a regular file")
        except OSError as error:
            raise cannot_write(self.path, error) from error
        state = self._read_state()
        if state is None or not self._take_up(*state, advance):
            self._clear()
        return self

    def __enter__(self) -> PartFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Keep what is good. A full disk may forbid it: then what was noted before stays good."""
        if self._handle < 0:
            return
        with contextlib.suppress(BiobenchError):
            self.keep()
        os.close(self._handle)
        self._handle = -1
        if not self.kept:
            self._remove()

    def begin(self, origin: PartOrigin) -> None:
        """Drop what there is; what follows are the bytes of ``origin`` from its first."""
        self._clear()
        self.origin = origin

    def discard(self) -> None:
        """Drop what there is."""
        self._clear()
        self.origin = None
        with contextlib.suppress(OSError):
            self._state.unlink(missing_ok=True)

    def append(self, chunk: bytes) -> None:
        """Write bytes at the end.

        Raises:
            BiobenchError: The disk takes no more.
        """
        try:
            rest = memoryview(chunk)
            while rest:
                rest = rest[os.write(self._handle, rest) :]
        except OSError as error:
            raise cannot_write(self.path, error) from error
        self._digests.update(chunk)
        if self._watch is not None:
            self._watch(len(chunk))
        if self.kept - self._synced >= SYNC_BYTES:
            self.keep()

    def keep(self) -> None:
        """Sync, and note what is there."""
        if self.origin is None or self.kept == self._synced:
            return
        try:
            os.fsync(self._handle)
        except OSError as error:
            raise cannot_write(self.path, error) from error
        state = {**asdict(self.origin), "kept": self.kept, "sha256": self.digest().sha256}
        write_atomically(self._state, json.dumps(state, indent=1).encode() + b"\n")
        self._synced = self.kept

    def finish(self, target: Path) -> None:
        """Give the whole file its name."""
        try:
            os.fsync(self._handle)
            os.close(self._handle)
            self._handle = -1
            os.replace(self.path, target)
            folder = os.open(target.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise cannot_write(target, error) from error
        self._remove()

    def _clear(self) -> None:
        try:
            os.ftruncate(self._handle, 0)
            os.lseek(self._handle, 0, os.SEEK_SET)
        except OSError as error:
            raise cannot_write(self.path, error) from error
        self._digests = Digests()
        self._synced = 0
        self.joined = False

    def _remove(self) -> None:
        for path in (self.path, self._state):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    def _read_state(self) -> tuple[PartOrigin, int, str] | None:
        try:
            value = json.loads(read_regular(self._state, MOST_STATE))
            kept, sha256 = value.pop("kept"), value.pop("sha256")
            origin = PartOrigin(**value)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None
        return (origin, kept, sha256) if isinstance(kept, int) and kept >= 0 else None

    def _take_up(
        self, origin: PartOrigin, kept: int, sha256: str, advance: Callable[[int], None] | None
    ) -> bool:
        if os.fstat(self._handle).st_size < kept:
            return False
        try:
            os.ftruncate(self._handle, kept)
        except OSError as error:
            raise cannot_write(self.path, error) from error
        for chunk in chunks(self.path):
            self._digests.update(chunk)
            if advance is not None:
                advance(len(chunk))
        if self.digest().sha256 != sha256:
            return False
        os.lseek(self._handle, 0, os.SEEK_END)
        self.origin = origin
        self.joined = kept > 0
        self._synced = kept
        return True
