"""The store: results of a stage under the digest of everything that can change them.

In: a key (digest) and named arrays. Out: the same arrays, or None when absent or damaged. Files
are written under a temporary name, synced and renamed, so that a killed process leaves no half.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import json
import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biobench._common.files import open_regular, write_atomically
from biobench.errors import BiobenchError, UsageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Arrays = Mapping[str, npt.NDArray[Any]]


READ_ONLY = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
"""Errors of a store that may be read and not written."""
_PULLED = "pulled"
"""Text in the metadata of an entry that came from elsewhere. It is in the entry, and not beside it,
so that no process sees the one without the other."""
LEFTOVER_S = 3600.0
"""A temporary file older than this belongs to no running process."""


def default_store() -> Path:
    """The folder ``BIOBENCH_STORE``, else a folder in the user's cache folder.

    Raises:
        UsageError: The user has no home folder.
    """
    named = os.environ.get("BIOBENCH_STORE")
    if named:
        return Path(named)
    import platformdirs

    try:
        folder = Path(platformdirs.user_cache_dir("biobench", appauthor=False))
    except RuntimeError:
        folder = Path("~")
    if folder.is_absolute():
        return folder
    # A user id without an entry, as a container may be started with.
    raise UsageError(
        "this user has no home folder, so the store has no place",
        remedy="give --store a folder, or set BIOBENCH_STORE or HOME",
    )


def may_only_be_read(store: Path) -> bool:
    """True where a store is there and this user, or its disk, lets nothing be written in it."""
    return store.is_dir() and not os.access(store, os.W_OK)


_MOST_HEADER = 1 << 20
"""Bytes of an entry's header; that of a dozen arrays has some thousand."""


def _content_digest(arrays: Arrays) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        header = json.dumps([name, array.dtype.str, list(array.shape)], separators=(",", ":"))
        digest.update(header.encode())
        digest.update(array.tobytes())
    return "sha256:" + digest.hexdigest()


def _read_header(file: io.BufferedReader) -> tuple[int, Any, object]:
    """Return the bytes that an entry has by its own header, where its arrays lie, and the texts
    beside them.

    A file may have been made longer. Raises ValueError, KeyError, TypeError or AttributeError for a
    header that is damaged.
    """
    length = int.from_bytes(file.read(8), "little")
    if length > _MOST_HEADER:
        raise ValueError(f"a header of {length} bytes")
    header = json.loads(file.read(length))
    metadata = header.pop("__metadata__", None)
    size = 8 + length
    for entry in header.values():
        begin, end = entry["data_offsets"]
        if not 0 <= begin <= end:
            raise ValueError(f"an array from {begin} to {end}")
        size = max(size, 8 + length + end)
    if size > os.fstat(file.fileno()).st_size:
        raise ValueError(f"{size} bytes, by its header")
    return size, header, metadata


_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""Errors of reading an entry that is absent or damaged; from KeyError on: what a header states that
is no array."""


@dataclass(frozen=True)
class Mark:
    """The mark of an entry that came from elsewhere, until a sample of it was computed again here.

    Attributes:
        sample: Items of a task to compute again, as the pull was asked; None where it says none.
        content: Digest of its arrays.
    """

    sample: int | None
    content: str


@dataclass(frozen=True, eq=False)
class StoredArrays:
    """An entry: its arrays, and the mark of one that was pulled, else None."""

    arrays: dict[str, np.ndarray[Any, Any]]
    mark: Mark | None


def parse_entry(data: bytes, key: str) -> StoredArrays | None:
    """The entry in these bytes; None where they are not the whole entry of ``key``."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        metadata = _header_of(data)["__metadata__"]
        arrays = {name: array.copy() for name, array in load(data).items()}
        marked = metadata.pop(_PULLED, None)
    except (*_UNREADABLE, SafetensorError):
        return None
    content = _content_digest(arrays)
    if metadata != {"key": key, "content": content}:
        return None
    return StoredArrays(arrays, None if marked is None else Mark(_sample_in(marked), content))


def arrays_of(data: bytes, key: str) -> dict[str, np.ndarray[Any, Any]] | None:
    """The arrays in the bytes of an entry; None where they are not the whole entry of ``key``, or
    are marked as pulled."""
    stored = parse_entry(data, key)
    return None if stored is None or stored.mark is not None else stored.arrays


def _header_of(data: bytes) -> Any:
    return json.loads(data[8 : 8 + min(int.from_bytes(data[:8], "little"), _MOST_HEADER)])


def _sample_in(marked: object) -> int | None:
    try:
        return max(1, int(json.loads(str(marked))["sample"]))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None


def _with_mark(data: bytes, marked: str | None) -> bytes:
    """The bytes of an entry with another mark, or with none; the arrays stay where they are."""
    header = _header_of(data)
    header["__metadata__"].pop(_PULLED, None)
    if marked is not None:
        header["__metadata__"][_PULLED] = marked
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # arrays begin at a multiple of eight bytes
    return len(text).to_bytes(8, "little") + text + data[8 + int.from_bytes(data[:8], "little") :]


@dataclass(frozen=True)
class EntryFile:
    """One file of the store: its kind (folder), path, size in bytes and time of last use."""

    kind: str
    path: Path
    size: int
    used: float


class Store:
    """A folder of content-keyed files: ``<kind>/<first two hex digits>/<key>.safetensors``."""

    def __init__(self, root: Path, say: Callable[[str], None] = lambda line: None) -> None:
        """``say`` is called with one line where a computed value cannot be stored."""
        self.root = root
        self._say = say
        self._read_only_reason: str | None = None
        self._said = False
        if root.exists() and not root.is_dir():
            raise UsageError("is not a folder", where=str(root), remedy="give --store a folder")
        self._began_with = frozenset(os.listdir(root)) if root.is_dir() else frozenset()

    def began_with(self, kind: str) -> bool:
        """True where the store had entries of a kind when this object was made."""
        return kind in self._began_with

    def path(self, kind: str, key: str) -> Path:
        """Path of the entry of a ``sha256:`` key."""
        digits = key.removeprefix("sha256:")
        return self.root / kind / digits[:2] / f"{digits}.safetensors"

    def put(self, kind: str, key: str, arrays: Arrays) -> None:
        """Store named arrays under a key, unless the store is read-only; other errors as
        :func:`write_atomically`."""
        import numpy as np
        from safetensors.numpy import save

        if self.read_only_reason is not None:
            return
        contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        metadata = {"key": key, "content": _content_digest(contiguous)}
        try:
            write_atomically(self.path(kind, key), save(contiguous, metadata=metadata))
        except BiobenchError as error:
            cause = error.__cause__
            if not isinstance(cause, OSError) or cause.errno not in READ_ONLY:
                raise
            self._read_only_reason = cause.strerror or str(cause)
            self.warn("what is computed from here on")

    @property
    def read_only_reason(self) -> str | None:
        """The reason why nothing can be stored; None where no reason is known."""
        if self._read_only_reason is None and may_only_be_read(self.root):
            self._read_only_reason = "this user may only read it"
        return self._read_only_reason

    def warn(self, what: str) -> None:
        """Print a note, before ``what`` is computed, where it cannot be stored; once a store."""
        if self.read_only_reason is not None and not self._said:
            self._said = True
            self._say(f"{what} cannot be kept in the store {self.root}: {self.read_only_reason}")

    def get(
        self, kind: str, key: str, *, pulled: bool = False
    ) -> dict[str, np.ndarray[Any, Any]] | None:
        """The arrays of a key, or None. A damaged entry counts as absent and is computed again.

        So does one that was pulled and of which no sample was computed again yet, unless
        ``pulled`` asks for it.
        """
        stored = self.find(kind, key)
        if stored is None or (stored.mark is not None and not pulled):
            return None
        return stored.arrays

    def find(self, kind: str, key: str) -> StoredArrays | None:
        """The entry of a key, pulled or not; None where it is absent or damaged."""
        data = self.read(kind, key)
        stored = None if data is None else parse_entry(data, key)
        if stored is not None:
            with contextlib.suppress(OSError):
                os.utime(self.path(kind, key))
        return stored

    def read(self, kind: str, key: str) -> bytes | None:
        """The bytes of an entry, as long as its header says; None where it is absent or damaged
        there."""
        try:
            # Read, not mapped: a file that another process cuts off would end this one.
            with open_regular(self.path(kind, key)) as file:
                size, _, _ = _read_header(file)
                file.seek(0)
                # Another length than the stated one is refused by the library.
                return file.read(size + 1)
        except _UNREADABLE:
            return None

    def put_pulled(self, kind: str, key: str, data: bytes, sample: int, source: str) -> None:
        """Store the bytes of an entry that came from elsewhere, marked.

        Args:
            kind: Its kind.
            key: Its key.
            data: Bytes that :func:`arrays_of` takes.
            sample: Items of a task to compute again before it is used.
            source: Where it came from, for people.

        Raises:
            BiobenchError: As :func:`write_atomically`.
        """
        marked = json.dumps({"sample": sample, "from": source})
        write_atomically(self.path(kind, key), _with_mark(data, marked))

    def release(self, kind: str, key: str, mark: Mark) -> None:
        """Take the mark from an entry, where it is still the one that was looked at.

        Raises:
            BiobenchError: As :func:`write_atomically`.
        """
        data = self.read(kind, key)
        stored = None if data is None else parse_entry(data, key)
        if data is None or stored is None or stored.mark is None:
            return
        # Another process may have pulled another entry to this place since.
        if stored.mark.content == mark.content:
            write_atomically(self.path(kind, key), _with_mark(data, None))

    def is_pulled(self, kind: str, key: str) -> bool:
        """True where an entry came from elsewhere and no sample of it was computed again yet."""
        try:
            with open_regular(self.path(kind, key)) as file:
                return _PULLED in _read_header(file)[2]  # type: ignore[operator]
        except _UNREADABLE:
            return False

    def keys(self, kind: str) -> list[str]:
        """The keys of all entries of a kind, sorted."""
        folder = self.root / kind
        return [
            f"sha256:{path.stem}" for path in sorted(folder.glob("[0-9a-f][0-9a-f]/*.safetensors"))
        ]

    def rows_of_bytes(
        self, kind: str, name: str, width: int
    ) -> Iterator[tuple[str, npt.NDArray[np.uint8]]]:
        """The array ``name``, uint8 (rows, width), of each entry of a kind that has it, with the
        entry's key, in order of the keys.

        Nothing else of an entry is read, so its content is not checked.
        """
        import numpy as np

        for path in sorted((self.root / kind).glob("[0-9a-f][0-9a-f]/*.safetensors")):
            with contextlib.suppress(*_UNREADABLE), open_regular(path) as file:
                _, header, _ = _read_header(file)
                begin, end = header[name]["data_offsets"]
                file.seek(begin, os.SEEK_CUR)
                rows = np.frombuffer(file.read(end - begin), np.uint8).reshape(-1, width)
                yield f"sha256:{path.stem}", rows

    def entries(self) -> Iterator[EntryFile]:
        """Every entry, in order of kind and name; only plain files count."""
        if not self.root.is_dir():
            return
        for path in self._paths():
            try:
                status = path.stat()
            except OSError:
                continue  # collected by another process in the meantime, or a link to nothing
            if not stat.S_ISREG(status.st_mode):
                continue
            yield EntryFile(path.parents[1].name, path, status.st_size, status.st_mtime)

    def _paths(self) -> list[Path]:
        """Every path at the place of an entry, of any file type, in order of kind and name."""
        return sorted(self.root.glob("*/[0-9a-f][0-9a-f]/*.safetensors"))

    def damaged(self) -> list[Path]:
        """Paths whose content does not match what was written, and those that are not plain
        files."""
        return [
            path
            for path in self._paths()
            if self.get(path.parents[1].name, f"sha256:{path.stem}", pulled=True) is None
            and path.exists()
        ]

    def collect(self, limit: int) -> list[EntryFile]:
        """Delete the least recently used entries until at most ``limit`` bytes are left.

        Temporary files that killed processes left are deleted as well, once they are an hour old.
        """
        for leftover in sorted(self.root.glob("*/[0-9a-f][0-9a-f]/.*")):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - leftover.stat().st_mtime > LEFTOVER_S:
                    leftover.unlink()
        entries = sorted(self.entries(), key=lambda entry: (entry.used, str(entry.path)))
        excess = sum(entry.size for entry in entries) - limit
        removed = []
        for entry in entries:
            if excess <= 0:
                break
            with contextlib.suppress(FileNotFoundError):
                entry.path.unlink()
            removed.append(entry)
            excess -= entry.size
        return removed
