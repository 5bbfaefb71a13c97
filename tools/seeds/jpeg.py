"""JPEG: subsamplings, colour models, codings, markers, and sizes that lie."""

from __future__ import annotations

import struct

import numpy as np
from images import adobe_transform, cmyk_jpeg, frame_header, jpeg, picture, resample_luma

from seeds import Seeds

PICTURE = picture(19, 37, 3)

TABLES = b"".join(
    # One quantisation table of ones, and Huffman tables whose only code stands for zero.
    [
        b"\xff\xdb\x00\x43\x00" + b"\1" * 64,
        *(b"\xff\xc4\x00\x14" + bytes([kind, 1, *[0] * 16]) for kind in (0x00, 0x10)),
    ]
)


def bare_jpeg(
    width: int,
    height: int,
    *,
    frame: int = 0xC0,
    precision: int = 8,
    factors: tuple[int, ...] = (0x11,),
    scans: tuple[tuple[int, int, int], ...] = ((0, 63, 0),),
    data: bytes = b"",
    front: bytes = b"",
) -> bytes:
    """A JPEG of tables, one frame header and scans (start, end, approximation) of equal data."""
    count = len(factors)
    parts = b"".join(bytes([i + 1, factor, 0]) for i, factor in enumerate(factors))
    header = struct.pack(">BHHB", precision, height, width, count) + parts
    out = b"\xff\xd8" + front + TABLES
    out += bytes([0xFF, frame]) + struct.pack(">H", len(header) + 2) + header
    selectors = b"".join(bytes([i + 1, 0]) for i in range(count))
    for start, end, approximation in scans:
        out += b"\xff\xda" + struct.pack(">HB", 6 + 2 * count, count) + selectors
        out += bytes([start, end, approximation]) + data
    return out + b"\xff\xd9"


def seeds() -> Seeds:
    """Yield (name, content) of each fuzz seed."""
    plain = jpeg(PICTURE, quality=75, subsampling=0)
    yield "444", plain
    yield "422", jpeg(PICTURE, quality=75, subsampling=1)
    yield "420", jpeg(PICTURE, quality=75, subsampling=2)
    yield "wide", jpeg(picture(9, 200, 4), quality=50, subsampling=2)
    for name, factors in {"440": 0x12, "411": 0x41, "410": 0x42, "441": 0x14, "odd": 0x31}.items():
        yield name, resample_luma(plain, 29, 17, factors)
    yield "gray", jpeg(PICTURE, "L", quality=60)
    yield "restarts", jpeg(PICTURE, quality=60, restart_marker_blocks=1)
    yield "progressive", jpeg(PICTURE, quality=60, progressive=True)
    yield "progressive-gray", jpeg(PICTURE, "L", quality=60, progressive=True)
    yield (
        "progressive-restarts",
        jpeg(PICTURE, quality=60, progressive=True, restart_marker_blocks=2),
    )
    inks = picture(11, 13, 5, 4)
    yield "cmyk", cmyk_jpeg(inks, quality=60)
    yield "ycck", adobe_transform(cmyk_jpeg(inks, quality=60), 2)
    yield "one-pixel", jpeg(picture(1, 1, 6), quality=60)
    yield "two-images", plain + plain
    yield "exif", jpeg(PICTURE, quality=60, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0")
    yield "comment", jpeg(PICTURE, quality=60, comment=b"x" * 40)
    yield "no-end", plain[:-2]
    yield "half", plain[: len(plain) // 2]
    noise = np.random.Generator(np.random.PCG64(8)).integers(0, 255, 90, np.uint8).tobytes()
    noise = noise.replace(b"\xff", b"\xfe")
    for name, frame in {"extended": 0xC1, "lossless": 0xC3, "arithmetic": 0xC9}.items():
        scan = ((1, 0, 0),) if frame == 0xC3 else ((0, 63, 0),)
        yield name, bare_jpeg(24, 16, frame=frame, data=noise, scans=scan)
    progression = ((0, 0, 1), (1, 5, 2), (6, 63, 2), (1, 63, 0x21), (0, 0, 0x10))
    yield "arithmetic-progressive", bare_jpeg(24, 16, frame=0xCA, data=noise, scans=progression)
    yield "coarse", bare_jpeg(40, 40, frame=0xC2, data=noise, scans=((0, 0, 3), (1, 2, 4)))
    yield "components-2", bare_jpeg(8, 8, factors=(0x11, 0x11))
    yield "factors-4", bare_jpeg(40, 40, factors=(0x44, 0x11, 0x22), data=noise)
    yield "twelve-bits", bare_jpeg(8, 8, precision=12)
    yield "zeros", bare_jpeg(127, 129)
    yield "zeros-large", bare_jpeg(60, 10, factors=(0x22, 0x11, 0x11))
    yield "too-large", bare_jpeg(65_500, 65_500)
    yield "scans", bare_jpeg(64, 64, frame=0xC2, scans=((0, 0, 0), *((1, 63, 0),) * 99))
    yield "restart-interval", bare_jpeg(99, 99, front=b"\xff\xdd\x00\x04\xff\xff", data=b"\xff\xd0")
    yield "no-length", bare_jpeg(8, 8, front=b"\xff\xe0\x00\x00")
    yield "cut-table", bare_jpeg(8, 8, front=b"\xff\xdb\x00\x10" + b"\2" * 14)
    yield "many-codes", bare_jpeg(8, 8, front=b"\xff\xc4\x00\x13\x00" + b"\xff" * 16)
    yield "lines-later", bare_jpeg(8, 0, front=b"\xff\xdc\x00\x04\x00\x08")
    header = frame_header(plain) - 4
    length = 2 + struct.unpack(">H", plain[header + 2 : header + 4])[0]
    yield "two-frames", plain[:header] + plain[header : header + length] * 2 + plain[header:]
    yield "fill", b"\xff\xd8\xff" + b"\xff" * 40 + plain[3:]
