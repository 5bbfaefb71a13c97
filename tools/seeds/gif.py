"""GIF: numbers of colours, frames, places, codes of every width, and sizes that lie."""

from __future__ import annotations

import struct

import numpy as np
from PIL import Image

from seeds import Seeds
from seeds.pillow import drawn, saved

COLOURS = b"\0\0\0\xff\0\0\0\xff\0\0\0\xff"


def gif(
    screen: tuple[int, int],
    place: tuple[int, int, int, int],
    codes: bytes,
    *,
    bits: int = 2,
    flags: int = 0,
    palette: bytes = COLOURS,
    front: bytes = b"",
) -> bytes:
    """A GIF of one frame at left, top, width, height, with LZW codes as they are."""
    head = b"GIF89a" + struct.pack("<HHBBB", *screen, 0x80 | 1, 0, 0) + palette
    frame = b"," + struct.pack("<HHHHB", *place, flags) + bytes([bits])
    blocks = b"".join(
        bytes([len(part)]) + part
        for part in (codes[i : i + 255] for i in range(0, len(codes), 255))
    )
    return head + front + frame + blocks + b"\0;"


def seeds() -> Seeds:
    """See the head of the file."""
    for colours in (2, 4, 16, 256):
        image = drawn().quantize(colours)
        yield f"colours-{colours}", saved("GIF", image, interlace=0)
    image = drawn(height=19, width=21).quantize(16)
    yield "interlaced", saved("GIF", image, interlace=1)
    yield "transparent", saved("GIF", image, transparency=3)
    yield "gray", saved("GIF", drawn("L"))
    yield "comment", saved("GIF", image, comment=b"x" * 300)
    frames = [drawn(seed=seed).quantize(8) for seed in (1, 2, 3)]
    yield (
        "animated",
        saved("GIF", frames[0], save_all=True, append_images=frames[1:], disposal=2, loop=0),
    )
    noise = np.random.Generator(np.random.PCG64(3)).integers(0, 256, (40, 60), np.uint8)
    yield "full-table", saved("GIF", Image.fromarray(noise, "P"))
    yield "one-pixel", saved("GIF", drawn(height=1, width=1).quantize(2))
    # Clear, one pixel, end: with two bits a pixel codes of three bits 4, 1, 5.
    codes = bytes([0b01_001_100, 0b1])
    yield "bare", gif((3, 2), (0, 0, 3, 2), codes)
    yield "beside", gif((3, 2), (2, 1, 3, 2), codes)
    yield "no-area", gif((3, 2), (0, 0, 0, 0), codes)
    yield "large-screen", gif((65535, 65535), (0, 0, 1, 1), codes)
    yield "large-frame", gif((1, 1), (0, 0, 65535, 65535), codes)
    yield "row", gif((16384, 1), (0, 0, 16384, 1), codes)
    for bits in (0, 1, 8, 11, 12, 255):
        yield f"bits-{bits}", gif((3, 2), (0, 0, 3, 2), codes * 9, bits=bits)
    # A code that its own table does not have yet, and one far behind it.
    yield "own-code", gif((9, 9), (0, 0, 9, 9), bytes([0b10_001_100, 0b1, 0xB5, 0x6D, 0xDB]))
    yield "no-clear", gif((9, 9), (0, 0, 9, 9), b"\x49\x92\x24" * 9)
    yield "never-cleared", gif((99, 99), (0, 0, 99, 99), codes[:1] + b"\x11\x22\x33\x44" * 900)
    extensions = b"!\xf9\4\1\0\0\1\0!\xffNETSCAPE2.0\3\1\0\0\0!\xfe\3abc\0".replace(
        b"\xffN", b"\xff\x0bN"
    )
    yield "extensions", gif((3, 2), (0, 0, 3, 2), codes, front=extensions)
    yield "local-colours", gif((3, 2), (0, 0, 3, 2), COLOURS[:6] + codes, flags=0x80)
    yield "no-end", gif((3, 2), (0, 0, 3, 2), codes)[:-3]
    yield "no-frame", gif((3, 2), (0, 0, 3, 2), codes)[:25] + b";"
