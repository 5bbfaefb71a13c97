"""A place that several laboratories can reach: a folder, or what fsspec opens, such as a bucket.

In: the name of a place, and names of files relative to it. Out: their bytes. A file is written
whole or not at all: a bucket does so by itself, elsewhere it gets a temporary name first.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biobench._common.files import open_regular, require_writable, write_atomically
from biobench.errors import BiobenchError, DataError, UsageError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

OBJECT_STORES = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "az", "oci", "oss"})
"""Protocols that write an object whole or not at all, and that rename by copying."""
EXTRAS = {"s3": "biobench[s3]", "s3a": "biobench[s3]"}
"""The extra that brings the library of a protocol."""


class SharedPlace:
    """A folder of files somewhere."""

    def __init__(self, name: str) -> None:
        """Open a place; nothing is written.

        Args:
            name: A folder, ``file://...``, ``s3://bucket/...`` or another address that fsspec has a
                library for.

        Raises:
            UsageError: No such protocol, its library is not installed, or the place is a file.
        """
        from fsspec.core import split_protocol, url_to_fs

        if not name.strip():
            raise UsageError("the place is empty", remedy="name a folder or an address like s3://")
        protocol = split_protocol(name)[0] or "file"
        self.name = name
        try:
            with _errors(name, "opened"):
                fs, root = url_to_fs(name, skip_instance_cache=True)
        except ImportError as error:
            extra = EXTRAS.get(protocol)
            raise UsageError(
                f"no library for {protocol}:// is installed ({error})",
                where=name,
                remedy=f"pip install '{extra}'" if extra else "install it, or name a folder",
            ) from error
        except ValueError as error:
            raise UsageError(
                str(error), where=name, remedy="name a folder or an address like s3://bucket/folder"
            ) from error
        self._fs: AbstractFileSystem = fs
        self._root: str = root.rstrip("/") or root
        self._local = Path(root) if protocol in ("file", "local") else None
        self._whole = protocol in OBJECT_STORES
        with _errors(name, "read"):
            if fs.isfile(root):
                raise UsageError("is a file", where=name, remedy="name a folder")

    def exists(self) -> bool:
        """True where the place is there. A bucket has a folder as soon as it has a file in it."""
        with _errors(self.name, "read"):
            if self._local is not None:
                return self._local.exists()
            return bool(self._fs.exists(self._root))

    def require_writable(self) -> None:
        """Raise UsageError where this user cannot write into a folder; a bucket says it later."""
        if self._local is not None:
            require_writable(self._local)

    def files(self, folder: str = "") -> dict[str, int]:
        """The bytes of every file below a folder, by its name relative to the place."""
        root = f"{self._root}/{folder}" if folder else self._root
        with _errors(self.name, "read"):
            self._fs.invalidate_cache()
            if self._local is not None and Path(root).is_dir():
                # fsspec takes a folder that cannot be read for an empty one.
                next(Path(root).iterdir(), None)
            try:
                found: dict[str, Any] = self._fs.find(root, detail=True)
            except FileNotFoundError:
                return {}
        begin = len(self._root.rstrip("/")) + 1
        return {path[begin:]: int(entry["size"]) for path, entry in sorted(found.items())}

    def read(self, name: str, limit: int) -> bytes:
        """The bytes of a file, ``limit`` + 1 at most, so that a longer one is seen.

        Raises:
            FileNotFoundError: It is not there.
            DataError: It cannot be read, or is no regular file.
        """
        with _errors(f"{self.name.rstrip('/')}/{name}", "read"):
            if self._local is not None:
                # A named pipe that somebody left in a shared folder would never end.
                with open_regular(self._path(name)) as file:
                    return file.read(limit + 1)
            data: bytes = self._fs.cat_file(self._path(name), start=0, end=limit + 1)
        return data

    def write(self, name: str, data: bytes) -> None:
        """Write a file, whole or not at all."""
        path = self._path(name)
        if self._local is not None:
            write_atomically(Path(path), data)
            return
        where = f"{self.name.rstrip('/')}/{name}"
        try:
            with _errors(where, "written"):
                if self._whole:
                    self._fs.pipe_file(path, data)
                else:
                    self._write_and_rename(path, data)
        except FileNotFoundError as error:
            raise _failed(where, "written", error) from error

    def _write_and_rename(self, path: str, data: bytes) -> None:
        folder, _, last = path.rpartition("/")
        self._fs.makedirs(folder, exist_ok=True)
        temporary = f"{folder}/.{last}.{secrets.token_hex(4)}"
        try:
            self._fs.pipe_file(temporary, data)
            self._fs.mv(temporary, path)
        except BaseException:
            with contextlib.suppress(Exception):
                self._fs.rm_file(temporary)
            raise

    def _path(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"


@contextlib.contextmanager
def _errors(where: str, what: str) -> Iterator[None]:
    """Give what a library raises one line; whoever calls decides on a file that is not there, and
    on libraries and protocols that are missing."""
    try:
        yield
    except (BiobenchError, FileNotFoundError, ImportError):
        raise
    except PermissionError as error:
        raise UsageError(
            f"cannot be {what} by this user ({error.strerror or error})",
            where=where,
            remedy="change its permissions, or give other credentials",
        ) from error
    except ValueError as error:
        if what == "opened":
            raise
        raise _failed(where, what, error) from error
    except NotADirectoryError as error:
        raise UsageError("is below a file", where=where, remedy="name a folder") from error
    except Exception as error:
        raise _failed(where, what, error) from error


def _failed(where: str, what: str, error: Exception) -> BiobenchError:
    kind = DataError if what == "read" else BiobenchError
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return kind(f"cannot be {what} ({reason})", where=where, remedy="check the place and run again")
