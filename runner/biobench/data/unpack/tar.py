"""Tar archives, plain and compressed by gzip, read as a stream.

In: bytes. Out: entries in a tree. Python's reader ends in silence at a damaged header, so what lies
after the last entry is looked at: it must be zeros.
"""

from __future__ import annotations

import gzip
import tarfile
import zlib
from typing import IO, cast

from biobench.data.unpack.archive_error import ArchiveError
from biobench.data.unpack.joined import Joined
from biobench.data.unpack.limits import UnpackLimits
from biobench.data.unpack.names import entry_parts
from biobench.data.unpack.tree import Parts, Tree
from biobench.data.unpack.trees import Trees

BLOCK = tarfile.BLOCKSIZE
CHUNK = 1 << 20
MOST_PADDING = 64 << 20
MOST_HEADER = 1 << 20
_EXTENDED = {
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
}


class _Header(tarfile.TarInfo):
    """A header whose extensions are of a sane size: they are read into memory."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in _EXTENDED and not 0 <= self.size <= MOST_HEADER:
            raise ArchiveError("it has a header of absurd size")
        return super()._proc_member(archive)  # type: ignore[misc, no-any-return]


class _TarStream:
    """Counts the bytes and remembers where the last one lies that is not zero."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self.count = 0
        self.last = 0

    def read(self, size: int) -> bytes:
        """Read at most ``size`` bytes, as a file does."""
        chunk = self._source.read(size)
        used = len(chunk.rstrip(b"\0"))
        if used:
            self.last = self.count + used
        self.count += len(chunk)
        return chunk


def unpack_tar(archive: Joined, trees: Trees, limits: UnpackLimits) -> None:
    """Unpack the entries that are meant.

    Raises:
        ArchiveError: The archive is damaged, beyond the limits, or has an entry that is not
            allowed.
    """
    magic = archive.read(2)
    archive.seek(0)
    try:
        if magic == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=archive) as content:
                _unpack(cast(IO[bytes], content), trees, limits)
        else:
            _unpack(cast(IO[bytes], archive), trees, limits)
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, ValueError) as error:
        raise ArchiveError(f"it is damaged ({error})") from error
    except RecursionError:
        raise ArchiveError("it is damaged (headers without end)") from None


def _unpack(content: IO[bytes], trees: Trees, limits: UnpackLimits) -> None:
    stream = _TarStream(content)
    with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Header, bufsize=CHUNK) as archive:  # type: ignore[call-overload]
        while (member := archive.next()) is not None:
            # The reader keeps all entries for random access, which a stream does not have.
            archive.members.clear()
            parts = entry_parts(member.name)
            limits.promise(member.size if member.isreg() else 0)
            place = trees.find(parts, is_folder=member.isdir())
            if place is not None:
                _member(archive, member, *place, trees)
        end = archive.offset
    while stream.read(CHUNK):
        if stream.count - end > MOST_PADDING:
            raise ArchiveError("it is followed by too much padding")
    # Python's reader stops at the first block that is no header, damaged ones included.
    if stream.last > end or stream.count < end + BLOCK:
        raise ArchiveError("it is damaged (it does not end as an archive does)")


def _member(
    archive: tarfile.TarFile, member: tarfile.TarInfo, tree: Tree, parts: Parts, trees: Trees
) -> None:
    if member.isdir():
        tree.folder(parts)
    elif member.isreg():
        content = archive.extractfile(member)
        assert content is not None  # a regular file has content
        tree.file(parts, content, member.size)
    elif member.issym():
        tree.link(parts, member.linkname)
    elif member.islnk():
        target = trees.same(tree, entry_parts(member.linkname))
        if target is None:
            raise ArchiveError(f"the link {member.name!r} leads out of the folder that is meant")
        tree.same(parts, target)
    else:
        raise ArchiveError(f"{member.name!r} is a device or another special file")
