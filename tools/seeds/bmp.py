"""BMP: depths, headers, masks, run lengths, and sizes that lie."""

from __future__ import annotations

import struct

from seeds import Seeds
from seeds.pillow import drawn, saved


def bmp(
    width: int,
    height: int,
    bits: int,
    data: bytes,
    *,
    compression: int = 0,
    palette: bytes = b"",
    masks: bytes = b"",
    colours: int = 0,
    header: int = 40,
    offset: int | None = None,
) -> bytes:
    """A BMP of its parts as they are."""
    if header == 12:
        head = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        head = struct.pack(
            "<IiiHHIIiiII", header, width, height, 1, bits, compression, 0, 0, 0, colours, 0
        )
        head += masks
        head = head.ljust(header, b"\0") if header > 40 else head
    start = 14 + len(head) + len(palette)
    size = start + len(data)
    file = b"BM" + struct.pack("<IHHI", size, 0, 0, start if offset is None else offset)
    return file + head + palette + data


def seeds() -> Seeds:
    """See the head of the file."""
    for mode in ("1", "L", "P", "RGB", "RGBA"):
        yield f"mode-{mode}", saved("BMP", drawn(mode))
    palette = bytes(range(64))
    rows = bytes(range(240))
    for bits in (1, 2, 4, 8, 16, 24, 32):
        table = palette if bits <= 8 else b""
        yield f"bits-{bits}", bmp(5, 4, bits, rows, palette=table, colours=len(table) // 4)
        yield f"down-{bits}", bmp(5, -4, bits, rows, palette=table, colours=len(table) // 4)
    yield "old-header", bmp(5, 4, 8, rows, palette=bytes(768), header=12)
    yield "old-header-24", bmp(5, 4, 24, rows, header=12)
    for name, masks in {
        "565": (0xF800, 0x7E0, 0x1F, 0),
        "555": (0x7C00, 0x3E0, 0x1F, 0),
    }.items():
        packed = struct.pack("<IIII", *masks)
        yield f"masks-{name}", bmp(5, 4, 16, rows, compression=3, masks=packed[:12])
        yield f"masks-{name}-56", bmp(5, 4, 16, rows, compression=3, masks=packed, header=56)
    for name, masks in {
        "bgrx": (0xFF0000, 0xFF00, 0xFF, 0),
        "rgba": (0xFF, 0xFF00, 0xFF0000, 0xFF000000),
        "abgr": (0xFF000000, 0xFF0000, 0xFF00, 0xFF),
        "odd": (0x3FF, 0xFFC00, 0x3FF00000, 0),
    }.items():
        packed = struct.pack("<IIII", *masks)
        for header in (40, 56, 108, 124):
            yield (
                f"masks-{name}-{header}",
                bmp(5, 4, 32, rows, compression=3, masks=packed, header=header),
            )
    # Runs, a move, pixels as they are, ends of lines, the end.
    eight = b"\5\1\0\0\2\7\0\2\1\1\0\3\1\2\3\0\0\0\4\2\0\1"
    four = b"\5\x12\0\0\2\x70\0\2\1\1\0\4\x12\x34\0\0\4\x21\0\1"
    for name, bits, kind, data in [("8", 8, 1, eight), ("4", 4, 2, four)]:
        table = bytes(64)
        yield f"runs-{name}", bmp(6, 5, bits, data, compression=kind, palette=table, colours=16)
        yield (
            f"runs-{name}-no-end",
            bmp(99, 99, bits, data[:-2], compression=kind, palette=table, colours=16),
        )
        yield (
            f"runs-{name}-beyond",
            bmp(2, 2, bits, b"\xff\1" * 9, compression=kind, palette=table, colours=16),
        )
    yield "moves", bmp(9, 9, 8, b"\0\2\xff\xff" * 9, compression=1, palette=bytes(64), colours=16)
    yield "too-large", bmp(0x7FFFFFFF, 0x7FFFFFFF, 24, b"")
    yield "lowest", bmp(5, -0x80000000, 24, rows)
    yield "no-pixels", bmp(0, 5, 24, rows)
    yield "row", bmp(16384, 1, 1, bytes(2048), palette=bytes(8), colours=2)
    yield "many-colours", bmp(5, 4, 8, rows, colours=0xFFFFFFFF)
    yield "offset", bmp(5, 4, 24, rows, offset=0xFFFFFFFF)
    yield "jpeg-inside", bmp(5, 4, 0, rows, compression=4)
    yield "header-length", bmp(5, 4, 24, rows, header=64)
