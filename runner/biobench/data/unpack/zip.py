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

from biobench._common.text import shown
from biobench.data.fetch.disk import require_space
from biobench.data.unpack.joined import Joined
from biobench.data.unpack.limits import Limits
from biobench.data.unpack.names import entry_parts
from biobench.data.unpack.refused import Refused
from biobench.data.unpack.tree import Parts, Tree

ENCRYPTED = 0x1
MOST_LINK = 4095
HEADER = 30
END, END64 = 22, 76
"""Sizes of the records at the end of an archive; between them and the end is a comment."""
_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, ValueError)
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
"""Compression that Python reads. An archive with another one is sound: a new copy is the same."""
OTHER = "unpack it with another program, such as unzip"
_EXTRAS = "__MACOSX"
"""What macOS adds to a zip: attributes of its own, one file for each real one."""


def unpack_zip(archive: Joined, tree: Tree, limits: Limits, root: Parts) -> int:
    """Unpack the entries below ``root``; returns how many others there are. Raises Refused."""
    try:
        with zipfile.ZipFile(cast(IO[bytes], archive)) as content:
            _refuse_hidden(archive, len(content.infolist()))
            return _unpack(content, tree, limits, root)
    except NotImplementedError as error:  # a form that zipfile knows of and does not read
        raise Refused(f"it is packed in a way that is not read here ({error})", OTHER) from error
    except _DAMAGED as error:
        raise Refused(f"it is damaged or no zip archive ({error})") from error


def _unpack(content: zipfile.ZipFile, tree: Tree, limits: Limits, root: Parts) -> int:
    entries = content.infolist()
    others = 0
    chosen: list[tuple[zipfile.ZipInfo, Parts]] = []
    for entry in entries:
        parts = entry_parts(entry.orig_filename)
        if entry.flag_bits & ENCRYPTED:
            raise Refused(f"{shown(entry.filename)} is encrypted")
        if entry.compress_type not in METHODS:
            what = f"{shown(entry.filename)} is packed by compression method {entry.compress_type}"
            raise Refused(f"{what}, which is not read here", OTHER)
        limits.promise(entry.file_size)
        if parts[:1] == (_EXTRAS,):
            continue
        if parts[: len(root)] == root:
            chosen.append((entry, parts[len(root) :]))
        else:
            others += not entry.is_dir()
    _refuse_overlaps(entries)
    require_space(tree.root, sum(entry.file_size for entry, _ in chosen), "unpacking")
    # The order of the data, so that a disk reads it in one go.
    for entry, parts in sorted(chosen, key=lambda pair: pair[0].header_offset):
        _entry(content, entry, parts, tree)
    tree.finish()
    return others


def _refuse_hidden(archive: Joined, found: int) -> None:
    """Compare with the number at the archive's end: Python's reader does not, and a damaged length
    in the directory makes it skip entries."""
    archive.seek(max(0, archive.size - END - 0xFFFF - END64))
    tail = archive.read()
    end = tail.rfind(b"PK\x05\x06")
    stated = int.from_bytes(tail[end + 10 : end + 12], "little")
    end64 = tail.rfind(b"PK\x06\x06", 0, end)
    if stated == 0xFFFF and end64 >= 0:
        stated = int.from_bytes(tail[end64 + 32 : end64 + 40], "little")
    elif stated == found & 0xFFFF:
        return  # old writers count modulo 65,536
    if stated != found:
        raise Refused(f"it is damaged (it says it has {stated} entries, and {found} are found)")


def _refuse_overlaps(entries: list[zipfile.ZipInfo]) -> None:
    """Entries that share their data: how a small archive holds petabytes."""
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < end:
            raise Refused(f"{shown(entry.filename)} overlaps another entry")
        end = entry.header_offset + HEADER + entry.compress_size


def _entry(content: zipfile.ZipFile, entry: zipfile.ZipInfo, parts: Parts, tree: Tree) -> None:
    mode = entry.external_attr >> 16
    kind = stat.S_IFMT(mode)
    if entry.is_dir():
        tree.folder(parts)
    elif kind == stat.S_IFLNK:
        if entry.file_size > MOST_LINK:
            raise Refused(f"the link {shown(entry.filename)} is too long")
        tree.link(parts, content.read(entry).decode("utf-8", "surrogateescape"))
    elif kind not in {0, stat.S_IFREG}:
        raise Refused(f"{shown(entry.filename)} is a device or another special file")
    else:
        with content.open(entry) as data:
            tree.file(parts, data, entry.file_size)
