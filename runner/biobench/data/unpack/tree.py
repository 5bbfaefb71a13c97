"""The folder that an archive is unpacked to. Nothing is ever written outside of it.

Entries are made as new files of this user: owners, modes and times in the archive are of no use to
a benchmark. Links come last and only where they end inside, so no entry is written through one.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO

from biobench.data.fetch.disk import cannot_write
from biobench.data.unpack.archive_error import ArchiveError
from biobench.data.unpack.limits import UnpackLimits
from biobench.errors import shown

CHUNK = 1 << 20
Parts = tuple[str, ...]


class Tree:
    """New files and folders below ``root``, which is an empty folder."""

    def __init__(self, root: Path, limits: UnpackLimits) -> None:
        self.root = root
        self._base = str(root)
        self._limits = limits
        self._folders: set[Parts] = {()}
        self._links: list[tuple[Parts, str]] = []

    def folder(self, parts: Parts) -> None:
        """A folder, and those above it.

        Raises:
            ArchiveError: A file has its name.
        """
        if parts in self._folders:
            return
        self.folder(parts[:-1])
        place = self._place(parts)
        try:
            os.mkdir(place)
        except FileExistsError:
            raise ArchiveError(self._clash(parts)) from None
        except OSError as error:
            raise cannot_write(Path(place), error) from error
        self._folders.add(parts)

    def file(self, parts: Parts, content: IO[bytes], size: int) -> None:
        """A file of exactly ``size`` bytes read from ``content``.

        Raises:
            ArchiveError: The content has more or fewer bytes, or the place is taken.
        """
        self._must_be_named(parts)
        self.folder(parts[:-1])
        place = self._place(parts)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            handle = os.open(place, flags, 0o644)
        except FileExistsError:
            raise ArchiveError(self._clash(parts)) from None
        except OSError as error:
            raise cannot_write(Path(place), error) from error
        try:
            left = size
            while chunk := content.read(min(CHUNK, left + 1)):
                left -= len(chunk)
                if left < 0:
                    raise ArchiveError(f"{_name(parts)} is longer than the archive says")
                self._write(handle, chunk, place)
        finally:
            os.close(handle)
        if left:
            raise ArchiveError(f"{_name(parts)} ends early")

    def link(self, parts: Parts, target: str) -> None:
        """A symbolic link, made by :meth:`finish`."""
        self._must_be_named(parts)
        if not target or target.startswith("/") or "\0" in target or len(target) > 4095:
            raise ArchiveError(f"the link {_name(parts)} leads out of its folder")
        self.folder(parts[:-1])
        self._links.append((parts, target))

    def same(self, parts: Parts, target: Parts) -> None:
        """A second name of a file that was unpacked before (a hard link).

        Raises:
            ArchiveError: The file was not unpacked before, or the place is taken.
        """
        self._must_be_named(parts)
        self.folder(parts[:-1])
        try:
            os.link(self._place(target), self._place(parts), follow_symlinks=False)
        except FileExistsError:
            raise ArchiveError(self._clash(parts)) from None
        except OSError:
            raise ArchiveError(f"the link {_name(parts)} leads to no file of the archive") from None

    def finish(self) -> None:
        """Make the links.

        Raises:
            ArchiveError: A link does not end at something inside.
        """
        for parts, target in self._links:
            try:
                os.symlink(target, self._place(parts))
            except FileExistsError:
                raise ArchiveError(self._clash(parts)) from None
            except OSError as error:
                raise cannot_write(Path(self._place(parts)), error) from error
        inside = os.path.realpath(self._base) + os.sep
        for parts, _ in self._links:
            end = os.path.realpath(self._place(parts))
            if not (end.startswith(inside) and os.path.exists(end)):
                raise ArchiveError(f"the link {_name(parts)} leads out of its folder or to nothing")

    def _write(self, handle: int, chunk: bytes, place: str) -> None:
        try:
            rest = memoryview(chunk)
            while rest:
                rest = rest[os.write(handle, rest) :]
        except OSError as error:
            raise cannot_write(Path(place), error) from error
        self._limits.written += len(chunk)

    def _place(self, parts: Parts) -> str:
        return os.path.join(self._base, *parts)

    def _must_be_named(self, parts: Parts) -> None:
        if not parts:
            raise ArchiveError("an entry has no name")

    def _clash(self, parts: Parts) -> str:
        if parts[-1] in os.listdir(os.path.dirname(self._place(parts))):
            return f"{_name(parts)} is twice in it"
        return f"{_name(parts)} differs from another entry only in case, and this disk ignores case"


def _name(parts: Parts) -> str:
    return shown("/".join(parts))
