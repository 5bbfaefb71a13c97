"""TIFF files of any layout, written here because Pillow writes few of them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

NONE, LZW, JPEG, DEFLATE, OLD_DEFLATE, PACK_BITS = 1, 5, 7, 8, 32946, 32773
"""Values of the tag Compression."""

LONGS = {256, 257, 273, 278, 279, 322, 323, 324, 325}
"""Tags that are written with 32 bits."""

FLIPPED = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))

Samples = npt.NDArray[Any]


def tiff(
    samples: Samples,
    bits: int,
    photometric: int,
    *,
    compression: int = NONE,
    order: Literal["<", ">"] = "<",
    separate: bool = False,
    tile: tuple[int, int] | None = None,
    rows_per_strip: int | None = None,
    fill_order: int = 1,
    differences: bool = False,
    extra: tuple[int, ...] | None = None,
    sample_format: int | None = None,
    big: bool = False,
    encode: Callable[[Samples], bytes] | None = None,
    shared_tables: bool = False,
    backwards: bool = False,
    tags: Mapping[int, list[int] | bytes | None] | None = None,
) -> bytes:
    """A TIFF of samples (height, width, samples a pixel).

    tile: (height, width), instead of strips. encode: makes a JPEG of the samples of a tile or
    strip. backwards: the last tile or strip lies first. tags: others, or None for one left out.
    """
    height, width, count = samples.shape
    rows, columns = tile or (rows_per_strip or height, width)
    planes = [samples[..., i : i + 1] for i in range(count)] if separate else [samples]
    chunks, tables = [], None
    for plane in planes:
        for y in range(0, height, rows):
            for x in range(0, width, columns):
                part = plane[y : y + rows, x : x + columns]
                if tile:
                    beyond = (rows - part.shape[0], columns - part.shape[1])
                    part = np.pad(part, ((0, beyond[0]), (0, beyond[1]), (0, 0)), mode="edge")
                if encode is not None:
                    data = encode(part)
                    if shared_tables:
                        tables, data = without_tables(data)
                else:
                    data = packed(part, bits, order, compression, differences)
                    data = data.translate(FLIPPED) if fill_order == 2 else data
                chunks.append(data)
    values: dict[int, list[int] | bytes | None] = {
        256: [width],
        257: [height],
        258: [bits] * count,
        259: [compression],
        262: [photometric],
        277: [count],
        284: [2 if separate else 1],
        266: [fill_order] if fill_order != 1 else None,
        317: [2] if differences else None,
        338: list(extra) if extra else None,
        339: [sample_format] * count if sample_format else None,
        347: tables,
        **({322: [columns], 323: [rows]} if tile else {278: [rows]}),
        **(tags or {}),
    }
    return assembled(values, chunks, (324, 325) if tile else (273, 279), order, big, backwards)


def assembled(
    values: Mapping[int, list[int] | bytes | None],
    chunks: list[bytes],
    places: tuple[int, int],
    order: str,
    big: bool,
    backwards: bool,
) -> bytes:
    """Header, directory, then tiles or strips and what does not fit into the directory."""
    kept = {tag: value for tag, value in values.items() if value is not None}
    count = len(kept) + sum(values.get(tag, []) is not None for tag in places)
    inline, start = (8, 24 + 20 * count + 8) if big else (4, 10 + 12 * count + 4)
    body = bytearray()

    def put(data: bytes) -> int:
        place = start + len(body)
        body.extend(data + bytes(len(data) % 2))
        return place

    offsets = [0] * len(chunks)
    for index in sorted(range(len(chunks)), reverse=backwards):
        offsets[index] = put(chunks[index])
    for tag, numbers in zip(places, (offsets, [len(chunk) for chunk in chunks]), strict=True):
        if values.get(tag, []) is not None:
            kept[tag] = numbers
    entries = b""
    for tag, value in sorted(kept.items()):
        if isinstance(value, bytes):
            kind, number, data = (1 if tag == 700 else 7), len(value), value
        else:
            kind, letter = (4, "L") if tag in LONGS else (3, "H")
            number, data = len(value), struct.pack(f"{order}{len(value)}{letter}", *value)
        if len(data) > inline:
            data = struct.pack(order + ("Q" if big else "L"), put(data))
        entries += struct.pack(order + ("HHQ" if big else "HHL"), tag, kind, number)
        entries += data.ljust(inline, b"\0")
    magic = b"II" if order == "<" else b"MM"
    if big:
        head = struct.pack(order + "HHHQQ", 43, 8, 0, 16, count)
        return magic + head + entries + struct.pack(order + "Q", 0) + body
    return magic + struct.pack(order + "HLH", 42, 8, count) + entries + bytes(4) + body


def packed(part: Samples, bits: int, order: str, compression: int, differences: bool) -> bytes:
    """The samples of a strip or tile, row by row, compressed."""
    if differences:
        part = part.astype(np.int64)
        part = np.concatenate([part[:, :1], part[:, 1:] - part[:, :-1]], axis=1)
        part &= (1 << bits) - 1
    data = b"".join(row_bytes(row.reshape(-1), bits, order) for row in part)
    if compression == LZW:
        return lzw(data)
    if compression in {DEFLATE, OLD_DEFLATE}:
        return zlib.compress(data)
    return pack_bits(data) if compression == PACK_BITS else data


def row_bytes(row: Samples, bits: int, order: str) -> bytes:
    """Samples of a row beside each other, the last byte filled with zero bits."""
    if row.dtype.kind == "f":
        return row.astype(f"{order}f4").tobytes()
    if bits in {8, 16, 32}:
        return (row.astype(np.int64) & (1 << bits) - 1).astype(f"{order}u{bits // 8}").tobytes()
    digits = "".join(f"{int(sample):0{bits}b}" for sample in row)
    digits += "0" * (-len(digits) % 8)
    return int(digits, 2).to_bytes(len(digits) // 8, "big")


def lzw(data: bytes) -> bytes:
    """TIFF's LZW: the high bits first, one code wider one code early."""
    codes: list[tuple[int, int]] = []
    table: dict[bytes, int] = {}
    width, text = 9, b""

    def clear() -> None:
        nonlocal table, width
        codes.append((256, width))
        table = {bytes([value]): value for value in range(256)}
        table |= {b"clear": 256, b"end": 257}  # two places that no text takes
        width = 9

    clear()
    for value in data:
        longer = text + bytes([value])
        if longer in table:
            text = longer
            continue
        codes.append((table[text], width))
        table[longer] = len(table)
        width = max(width, len(table).bit_length())
        text = bytes([value])
        if len(table) == 4094:
            codes.append((table[text], width))
            text = b""
            clear()
    if text:
        codes.append((table[text], width))
        width = max(width, (len(table) + 1).bit_length())
    codes.append((257, min(width, 12)))
    digits = "".join(f"{code:0{bits}b}" for code, bits in codes)
    digits += "0" * (-len(digits) % 8)
    return int(digits, 2).to_bytes(len(digits) // 8, "big")


def pack_bits(data: bytes) -> bytes:
    """Runs of at least three equal bytes, and what lies between them."""
    out, literal, at = bytearray(), bytearray(), 0

    def flush() -> None:
        for start in range(0, len(literal), 128):
            part = literal[start : start + 128]
            out.extend(bytes([len(part) - 1]) + part)
        literal.clear()

    while at < len(data):
        run = at
        while run < len(data) and run - at < 128 and data[run] == data[at]:
            run += 1
        if run - at >= 3:
            flush()
            out.extend([257 - (run - at), data[at]])
        else:
            literal.extend(data[at:run])
        at = run
    flush()
    return bytes(out)


def without_tables(data: bytes) -> tuple[bytes, bytes]:
    """The tables of a baseline JPEG as a stream of their own, and the rest without markers."""
    tables, image, at = b"\xff\xd8", b"\xff\xd8", 2
    while True:
        marker, length = struct.unpack(">xBH", data[at : at + 4])
        segment = data[at : at + 2 + length]
        if marker == 0xDA:
            return tables + b"\xff\xd9", image + data[at:]
        if marker in {0xC4, 0xDB}:
            tables += segment
        elif not 0xE0 <= marker <= 0xEF:
            image += segment
        at += 2 + length
