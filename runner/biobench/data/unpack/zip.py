"""Zip archives, also those that came in parts.

In: bytes that can be sought in. Out: entries in a tree. Sizes are in the directory at the end, so
what does not fit is refused before anything is written.
"""

from __future__ import annotations

import lzma
import stat
import struct
import zipfile
import zlib
from typing import IO, cast

from biobench.data.fetch.disk import require_space
from biobench.data.unpack.archive_error import ArchiveError
from biobench.data.unpack.joined import Joined
from biobench.data.unpack.limits import UnpackLimits
from biobench.data.unpack.names import entry_parts
from biobench.data.unpack.tree import Parts, Tree
from biobench.data.unpack.trees import Trees
from biobench.data.unpack.zip_headers import ENCRYPTED, refuse_behind, refuse_differences
from biobench.errors import shown

MOST_LINK = 4095
END, END64 = 22, 76
"""Sizes of the records at the end of an archive; between them and the end is a comment."""
_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, ValueError)
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
"""Compression that Python reads. An archive with another one is sound: a new copy is the same."""
OTHER = "unpack it with another program, such as unzip"
_EXTRAS = "__MACOSX"
"""Entries that macOS adds to a zip: attributes of its own, one file for each real one."""


def unpack_zip(archive: Joined, trees: Trees, limits: UnpackLimits) -> None:
    """Unpack the entries that are meant.

    Raises:
        ArchiveError: The archive is damaged, beyond the limits, or has an entry that is not
            allowed.
    """
    try:
        with zipfile.ZipFile(cast(IO[bytes], archive)) as content:
            _refuse_hidden(archive, len(content.infolist()))
            _unpack(archive, content, trees, limits)
    except NotImplementedError as error:  # a form that zipfile knows of and does not read
        raise ArchiveError(
            f"it is packed in a way that is not read here ({error})", OTHER
        ) from error
    except _DAMAGED as error:
        raise ArchiveError(f"it is damaged or no zip archive ({error})") from error


def _unpack(archive: Joined, content: zipfile.ZipFile, trees: Trees, limits: UnpackLimits) -> None:
    entries = content.infolist()
    chosen: list[tuple[zipfile.ZipInfo, Tree, Parts]] = []
    for entry in entries:
        parts = entry_parts(entry.orig_filename)
        if entry.flag_bits & ENCRYPTED:
            raise ArchiveError(f"{shown(entry.filename)} is encrypted")
        if entry.compress_type not in METHODS:
            what = f"{shown(entry.filename)} is packed by compression method {entry.compress_type}"
            raise ArchiveError(f"{what}, which is not read here", OTHER)
        limits.promise(entry.file_size)
        if parts[:1] == (_EXTRAS,):
            continue
        place = trees.find(parts, is_folder=entry.is_dir())
        if place is not None:
            chosen.append((entry, *place))
    # The order of the data, so that a disk reads it in one go.
    entries.sort(key=lambda entry: entry.header_offset)
    chosen.sort(key=lambda one: one[0].header_offset)
    refuse_differences(archive, entries, content.start_dir)
    require_space(trees.raw, sum(entry.file_size for entry, _, _ in chosen), "unpacking")
    for entry, tree, parts in chosen:
        _entry(archive, content, entry, parts, tree)


def _refuse_hidden(archive: Joined, entries: int) -> None:
    """Compare with the number at the archive's end: Python's reader does not, and a damaged length
    in the directory makes it skip entries."""
    archive.seek(max(0, archive.size - END - 0xFFFF - END64))
    tail = archive.read()
    end = tail.rfind(b"PK\x05\x06")
    stated = int.from_bytes(tail[end + 10 : end + 12], "little")
    end64 = tail.rfind(b"PK\x06\x06", 0, end)
    if stated == 0xFFFF and end64 >= 0:
        stated = int.from_bytes(tail[end64 + 32 : end64 + 40], "little")
    elif stated == entries & 0xFFFF:
        return  # old writers count modulo 65,536
    if stated != entries:
        raise ArchiveError(
            f"it is damaged (it says it has {stated} entries, and {entries} are found)"
        )


def _entry(
    archive: Joined, content: zipfile.ZipFile, entry: zipfile.ZipInfo, parts: Parts, tree: Tree
) -> None:
    mode = entry.external_attr >> 16
    kind = stat.S_IFMT(mode)
    if entry.is_dir():
        if entry.file_size:
            raise ArchiveError(f"{shown(entry.filename)} is a folder and has content")
        refuse_behind(archive, entry, entry.compress_size)
        tree.folder(parts)
    elif kind == stat.S_IFLNK:
        if entry.file_size > MOST_LINK:
            raise ArchiveError(f"the link {shown(entry.filename)} is too long")
        with content.open(entry) as data:
            target = data.read()
            refuse_behind(archive, entry, _unread(data))
        tree.link(parts, target.decode("utf-8", "surrogateescape"))
    elif kind not in {0, stat.S_IFREG}:
        raise ArchiveError(f"{shown(entry.filename)} is a device or another special file")
    else:
        with content.open(entry) as data:
            tree.file(parts, data, entry.file_size)
            refuse_behind(archive, entry, _unread(data))


def _unread(data: IO[bytes]) -> int:
    """The number of packed bytes that nothing came of. Python's reader drops them in silence, and
    tells of them in attributes of its own alone; a test holds every version to them."""
    decompressor = getattr(data, "_decompressor", None)
    kept = [getattr(decompressor, name, b"") for name in ("unused_data", "unconsumed_tail")]
    return int(getattr(data, "_compress_left")) + sum(map(len, kept))  # noqa: B009
