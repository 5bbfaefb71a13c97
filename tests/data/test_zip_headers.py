"""Zip archives that two programs would read differently, and ordinary ones of many writers."""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
import zipfile
import zlib
from pathlib import Path

import pytest
from archives import GOOD, PEBBLES, Pipe, content_of, one, refused, zip_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

NAME = GOOD[0][0]
LISTED, LOCAL = b"PK\x01\x02", b"PK\x03\x04"


def parts_of(content: bytes) -> tuple[bytes, list[bytes], int]:
    """The entries of an archive, the records of its directory, and the comment's length."""
    end = content.rfind(b"PK\x05\x06")
    size, at = struct.unpack("<LL", content[end + 12 : end + 20])
    records, place = [], at
    while place < at + size:
        name, extra, comment = struct.unpack("<HHH", content[place + 28 : place + 34])
        records.append(content[place : place + 46 + name + extra + comment])
        place += len(records[-1])
    return content[:at], records, end


def joined(entries: bytes, records: list[bytes], comment: bytes = b"") -> bytes:
    """An archive of these entries, with a directory of these records."""
    directory, count = b"".join(records), len(records)
    end = (b"PK\x05\x06", 0, 0, count, count, len(directory), len(entries), len(comment))
    return entries + directory + struct.pack("<4sHHHHLLH", *end) + comment


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(hidden=st.integers(0, len(GOOD) - 1), stored=st.booleans())
def test_an_entry_that_the_directory_does_not_list(
    tmp_path_factory: pytest.TempPathFactory, hidden: int, stored: bool
) -> None:
    """Before others, between them or behind them: a program that reads a stream unpacks it."""
    entries, records, _ = parts_of(zip_of(*GOOD, stored=stored))
    content = joined(entries, records[:hidden] + records[hidden + 1 :])
    folder = tmp_path_factory.mktemp("hidden")
    refused(folder, "a.zip", content, "an entry that its directory does not list lies before")


def test_an_archive_around_another(tmp_path: Path) -> None:
    """One before it, and one in its comment, whose end is the last that readers find."""
    content, other = zip_of(*GOOD), zip_of((NAME, b"other"))
    for name, both in {
        "before": other + content,
        "comment": joined(*parts_of(content)[:2], other),
        "headers": joined(*parts_of(content)[:2], other[: other.find(LISTED)]),
    }.items():
        word = "behind its directory" if name == "headers" else f"before {NAME}"
        refused(
            tmp_path / name, "a.zip", both, f"an entry that its directory does not list lies {word}"
        )
    script = b"#!/bin/sh\nexit 1\n" + content
    assert content_of(one(tmp_path / "script", "a.zip", script)) == PEBBLES


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
@pytest.mark.parametrize("gap", [0, 5000])
def test_an_entry_behind_the_content_of_another(tmp_path: Path, method: int, gap: int) -> None:
    """Its packed size in the directory spans both; its own header says that it comes later."""
    names = [NAME, GOOD[1][0]]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name in names:
            archive.writestr(name, name.encode() * 9)
    entries, (first, _), _ = parts_of(buffer.getvalue())
    inner = entries.find(LOCAL, 4)
    entries = entries[:inner] + b"x" * gap + entries[inner:]
    data = inner - 30 - len(NAME)
    span = len(entries) - 30 - len(NAME)
    changed = bytearray(entries)
    changed[6:8] = struct.pack("<H", 8)
    changed[14:26] = bytes(12)
    assert struct.unpack("<L", first[20:24]) == (data,)
    record = bytearray(first)
    record[20:24] = struct.pack("<L", span)
    content = joined(bytes(changed), [bytes(record)])
    word = f"not list lies behind the content of {NAME}"
    if method == zipfile.ZIP_STORED:
        word = f"{NAME} is stored in {span} bytes and has {data}"
    refused(tmp_path, "a.zip", content, word)


def unicode_path(name: bytes, field: bytes, *, crc: int | None = None) -> bytes:
    """The extra field of Info-ZIP that gives an entry another name."""
    crc = zlib.crc32(name) if crc is None else crc
    return struct.pack("<HHBL", 0x7075, 5 + len(field), 1, crc) + field


@pytest.mark.parametrize("place", ["both", "header", "directory"])
@pytest.mark.parametrize("crc", [None, 1])
def test_another_name_in_an_extra_field(tmp_path: Path, place: str, crc: int | None) -> None:
    """unzip takes it where its checksum fits; some programs do not look at that."""
    name, length = NAME.encode(), 5 + len(NAME)
    info = zipfile.ZipInfo(NAME)
    info.extra = unicode_path(name, name)
    content = bytearray(zip_of((info, b"1"), *GOOD[1:]))
    field = struct.pack("<HHB", 0x7075, length, 1)
    first = content.find(field)
    for at in {"both": [first, content.rfind(field)], "header": [first]}.get(
        place, [content.rfind(field)]
    ):
        content[at + 9 : at + 4 + length] = name.replace(b"train", b"evil0")
        if crc is not None:
            content[at + 5 : at + 9] = struct.pack("<L", crc)
    refused(tmp_path, "a.zip", bytes(content), f"{NAME} is called evil0", "in an extra field")


def test_the_same_name_in_an_extra_field(tmp_path: Path) -> None:
    """Writers repeat a name that is not of ASCII, whatever its encoding is said to be."""
    names = ["train/flint/\u00e9.png", "train/flint/plain.png"]
    infos = [zipfile.ZipInfo(name) for name in names]
    for info, name in zip(infos, names, strict=True):
        info.extra = unicode_path(name.encode(), name.encode())
    content = zip_of(*((info, b"1") for info in infos))
    assert set(content_of(one(tmp_path / "flag", "a.zip", content))) == set(names)
    bare = bytearray(content)
    for signature, flags in ((LOCAL, 6), (LISTED, 8)):
        at = bare.find(signature)
        bare[at + flags + 1] &= ~0x08
    assert len(content_of(one(tmp_path / "bare", "a.zip", bytes(bare)))) == 2


@pytest.mark.parametrize("at", [14, 18, 22])
@pytest.mark.parametrize("value", [3, 0xFFFFFFFF])
def test_a_header_that_lies_and_says_that_sizes_follow(tmp_path: Path, at: int, value: int) -> None:
    """Checksum and sizes are 0 where they follow, or they are right."""
    content = bytearray(zip_of(*GOOD, stored=True))
    content[6] |= 8
    assert content_of(one(tmp_path / "right", "a.zip", bytes(content))) == PEBBLES
    content[at : at + 4] = struct.pack("<L", value)
    refused(tmp_path / "lie", "a.zip", bytes(content), f"{NAME} is another in its own header")


@pytest.mark.parametrize("known", [True, False])
def test_a_header_whose_wide_sizes_lie(tmp_path: Path, known: bool) -> None:
    """Those of its extra field, whether or not they are said to follow."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in GOOD:
            with archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as file:
                file.write(text)
    content = bytearray(buffer.getvalue())
    content[6] |= 0 if known else 8
    assert content_of(one(tmp_path / "right", "a.zip", bytes(content))) == PEBBLES
    content[30 + len(NAME) + 4] ^= 1
    refused(tmp_path / "lie", "a.zip", bytes(content), f"{NAME} is another in its own header")


def test_a_checksum_that_looks_like_an_entry(tmp_path: Path) -> None:
    """A descriptor after an entry holds its checksum, which may be the mark of an entry."""
    wanted = int.from_bytes(LOCAL, "little")
    tail = forged_tail(b"flint", wanted)
    assert zlib.crc32(b"flint" + tail) == wanted

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w") as archive:
        archive.writestr(NAME, b"flint" + tail)
        archive.writestr(GOOD[1][0], b"1")
    content = pipe.getvalue()
    assert content.count(LOCAL) == 4  # two headers, a descriptor and a record
    assert content_of(one(tmp_path, "a.zip", content))[NAME] == b"flint" + tail


def forged_tail(start: bytes, wanted: int) -> bytes:
    """Four bytes that bring the CRC-32 of ``start`` to ``wanted``."""
    steps, value = [], wanted ^ 0xFFFFFFFF
    for _ in range(4):
        index = next(i for i in range(256) if entry_of(i) >> 24 == value >> 24)
        steps.append(index)
        value = ((value ^ entry_of(index)) << 8) & 0xFFFFFFFF
    state, out = zlib.crc32(start) ^ 0xFFFFFFFF, b""
    for index in reversed(steps):
        out += bytes([(state ^ index) & 0xFF])
        state = (state >> 8) ^ entry_of(index)
    return out


def entry_of(index: int) -> int:
    """One value of the table that CRC-32 is computed with."""
    for _ in range(8):
        index = index >> 1 ^ (0xEDB88320 if index & 1 else 0)
    return index


WRITERS = {
    "Info-ZIP": "zip -qr - train val | cat > a.zip",
    "Info-ZIP, to a file": "zip -qr a.zip train val",
    "Info-ZIP, stored in a stream": "zip -qr0 - train val | cat > a.zip",
    "Info-ZIP, with descriptors": "zip -qr -fd a.zip train val",
    "Info-ZIP, zip64": "zip -qr -fz a.zip train val",
    "7-Zip": "7zz a -bso0 a.zip train val",
    "7-Zip, to a stream": "7zz a -bso0 -tzip -so x train val > a.zip",
    "libarchive": "bsdtar -a -cf a.zip train val",
    "libarchive, stored in a stream": (
        "bsdtar -c --format zip --options zip:compression=store train val | cat > a.zip"
    ),
    "libarchive, zip64": "bsdtar -c --format zip --options zip:zip64 train val | cat > a.zip",
    "Java": "jar cfM a.zip train val",
    "macOS": "ditto -c -k --sequesterRsrc . ../a.zip && mv ../a.zip .",
}


@pytest.mark.slow
@pytest.mark.parametrize("writer", WRITERS)
def test_ordinary_archives(tmp_path: Path, writer: str) -> None:
    """Those of other programs, as far as they are installed, and in streams."""
    command = WRITERS[writer]
    program = command.split()[0]
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    source = tmp_path / "source"
    for path, text in PEBBLES.items():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_bytes(text)
    (source / "train" / "flint" / "empty.png").touch()
    subprocess.run(command, shell=True, cwd=source, check=True, timeout=60)
    found = content_of(one(tmp_path / "data", "a.zip", (source / "a.zip").read_bytes()))
    assert found == {**PEBBLES, "train/flint/empty.png": b""}


def test_an_archive_as_the_finder_writes_it(tmp_path: Path) -> None:
    """Sizes behind the data, descriptors with a mark, attributes of its own, UTF-8 unmarked."""
    entries, records = b"", []
    members = [*GOOD, ("__MACOSX/train/._flint", b"attributes")]
    for name, text in members:
        packer = zlib.compressobj(wbits=-15)
        data = packer.compress(text) + packer.flush()
        facts = (zlib.crc32(text), len(data), len(text))
        extra = struct.pack("<HH8s", 0x5855, 8, b"\0" * 8)
        head = struct.pack("<HHHHHLLLHH", 20, 8, 8, 0, 0, 0, 0, 0, len(name), len(extra))
        record = struct.pack("<HHHHHHLLLHHHHHLL", 0x315, 20, 8, 8, 0, 0, *facts, len(name),
                             len(extra), 0, 0, 0, 0o100644 << 16, len(entries))  # fmt: skip
        records.append(LISTED + record + name.encode() + extra)
        entries += LOCAL + head + name.encode() + extra + data
        entries += struct.pack("<4sLLL", b"PK\x07\x08", *facts)
    assert content_of(one(tmp_path, "a.zip", joined(entries, records))) == PEBBLES
