"""The headers before the entries of a zip archive, against the directory at its end.

In: an archive and the entries of its directory, which is read here. Out: nothing, or ArchiveError.
Other programs read the headers alone, or names in extra fields: where these differ from the
directory, or where there are entries that it does not list, two people unpack two data sets.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator, Sequence

from biobench.data.unpack.archive_error import ArchiveError
from biobench.data.unpack.joined import Joined
from biobench.errors import shown

ENCRYPTED, DESCRIPTOR, UTF8 = 0x1, 0x8, 0x800
"""Flags of an entry. With a descriptor its size and checksum follow its data."""
IN_EXTRA = 0xFFFFFFFF
"""A size that stands in an extra field, since it takes more than 32 bits."""
ZIP64, UNICODE_PATH = 0x0001, 0x7075
"""Extra fields (PKWARE's APPNOTE.TXT, 4.5.3 and 4.6.9): sizes of 64 bits, and another name."""
HEADER, LISTED = 30, 46
"""Sizes of an entry's header and of its record in the directory, without what varies."""
_SIGNATURE = b"PK\x03\x04"
_BLOCK = 1 << 20


def refuse_differences(archive: Joined, entries: Sequence[zipfile.ZipInfo], directory: int) -> None:
    """Compare each header with its record, and look for headers that no record is of.

    Refuses entries that share their data, too: how a small archive holds petabytes.

    Args:
        archive: The archive.
        entries: Its entries in the order of their headers.
        directory: Place of the directory.

    Raises:
        ArchiveError: They differ, overlap, or an entry is hidden.
    """
    end, after = 0, directory
    for entry in entries:
        if entry.header_offset < end:
            raise ArchiveError(f"{shown(entry.filename)} overlaps another entry")
        _refuse_entry(archive, end, entry.header_offset, f"before {shown(entry.filename)}")
        end, name = _compare(archive, entry)
        end += _descriptor(archive, end, entry)
        after += LISTED + name + len(entry.extra) + len(entry.comment)
    _refuse_entry(archive, end, directory, "before its directory")
    _refuse_entry(archive, after, archive.size, "behind its directory")


def refuse_behind(archive: Joined, entry: zipfile.ZipInfo, unread: int) -> None:
    """Look for an entry in the last ``unread`` bytes of the data of one, which are no part of its
    content: a program that reads a stream takes it for the next.

    Raises:
        ArchiveError: There is such an entry.
    """
    if unread:
        archive.seek(entry.header_offset + HEADER - 4)
        name, more = struct.unpack("<HH", archive.read(4))
        end = entry.header_offset + HEADER + name + more + entry.compress_size
        _refuse_entry(archive, end - unread, end, f"behind the content of {shown(entry.filename)}")


def _compare(archive: Joined, entry: zipfile.ZipInfo) -> tuple[int, int]:
    """The place behind the data of an entry, and the length of its name."""
    archive.seek(entry.header_offset)
    head = archive.read(HEADER)
    if len(head) < HEADER or head[:4] != _SIGNATURE:
        raise ArchiveError(f"it is damaged ({shown(entry.filename)} has no header)")
    flags, method, _, _, crc, packed, size, name, more = struct.unpack("<6xHHHHLLLHH", head)
    called, extra = archive.read(name), archive.read(more)
    if called != entry.orig_filename.encode("utf-8" if entry.flag_bits & UTF8 else "cp437"):
        other = shown(called.decode("utf-8", "backslashreplace")[:200])
        raise ArchiveError(f"{shown(entry.filename)} is called {other} in its own header")
    for field in (extra, entry.extra):
        _refuse_other_path(entry, called, field)
    if entry.compress_type == zipfile.ZIP_STORED and entry.compress_size != entry.file_size:
        both = f"is stored in {entry.compress_size} bytes and has {entry.file_size}"
        raise ArchiveError(f"{shown(entry.filename)} {both}")
    size, packed = _wide(extra, size, packed)
    pairs = [(crc, entry.CRC), (packed, entry.compress_size), (size, entry.file_size)]
    if flags & DESCRIPTOR:  # what was not known yet is 0
        pairs = [(here, there) for here, there in pairs if here]
    pairs += [(method, entry.compress_type), (flags & ENCRYPTED, entry.flag_bits & ENCRYPTED)]
    if any(here != there for here, there in pairs):
        raise ArchiveError(f"{shown(entry.filename)} is another in its own header")
    return entry.header_offset + HEADER + name + more + entry.compress_size, name


def _fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    """Kind and content of each extra field; a cut one is the rest of them."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        yield kind, extra[at + 4 : at + 4 + length]
        at += 4 + length


def _wide(extra: bytes, size: int, packed: int) -> tuple[int, int]:
    """Size and packed size of a header, from its extra field where they stand in it."""
    wide = next((content for kind, content in _fields(extra) if kind == ZIP64), b"")
    values = [number for (number,) in struct.iter_unpack("<Q", wide[: len(wide) // 8 * 8])]
    if size == IN_EXTRA and values:
        size = values.pop(0)
    if packed == IN_EXTRA and values:
        packed = values.pop(0)
    return size, packed


def _refuse_other_path(entry: zipfile.ZipInfo, name: bytes, extra: bytes) -> None:
    """Refuse a name of its own for programs that read Unicode, such as unzip, whatever it is
    guarded by: some look at its checksum and others do not."""
    for kind, content in _fields(extra):
        # One byte of a version and four of a checksum come before the name.
        if kind == UNICODE_PATH and content[5:] not in {name, entry.orig_filename.encode()}:
            other = shown(content[5:].decode("utf-8", "backslashreplace")[:200])
            raise ArchiveError(f"{shown(entry.filename)} is called {other} in an extra field")


def _descriptor(archive: Joined, at: int, entry: zipfile.ZipInfo) -> int:
    """The length of what follows the data of an entry and repeats its checksum and sizes. It may
    look like the beginning of an entry by chance."""
    archive.seek(at)
    found = archive.read(24)
    for form in ("<4sLQQ", "<4sLLL"):
        if max(entry.compress_size, entry.file_size) >= 1 << 32 and form.endswith("L"):
            continue
        values = (entry.CRC, entry.compress_size, entry.file_size)
        whole = struct.pack(form, b"PK\x07\x08", *values)
        for descriptor in (whole, whole[4:]):
            if found.startswith(descriptor):
                return len(descriptor)
    return 0


def _refuse_entry(archive: Joined, start: int, stop: int, where: str) -> None:
    """Refuse the signature of an entry between two places."""
    archive.seek(start)
    kept = b""
    while start < stop:
        block = archive.read(min(_BLOCK, stop - start))
        if _SIGNATURE in kept + block:
            raise ArchiveError(f"an entry that its directory does not list lies {where}")
        if not block:
            return
        kept = block[-3:]
        start += len(block)
