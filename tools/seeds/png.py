"""PNG: every colour type and depth, plain and interlaced, and sizes that lie."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from images import CHANNELS, DEPTHS, chunk, picture, png

from seeds import Seeds

PICTURE = picture(19, 37, 3)


def seeds() -> Seeds:
    """Yield (name, content) of each fuzz seed."""
    palette = bytes(range(0, 192)) + b"\xff" * 3
    for colour, depths in DEPTHS.items():
        for bits in depths:
            random = np.random.Generator(np.random.PCG64(colour * 16 + bits))
            shape = (7, 9, CHANNELS[colour])
            samples = random.integers(0, 1 << bits, shape).astype(np.uint16)
            for interlaced in (False, True):
                name = f"colour-{colour}-{bits}{'-interlaced' if interlaced else ''}"
                yield (
                    name,
                    png(
                        samples,
                        colour,
                        bits,
                        interlaced=interlaced,
                        palette=palette,
                        transparency=b"\0\1" if colour == 0 else b"",
                        filters=b"\0\1\2\3\4",
                    ),
                )
    colours = PICTURE.astype(np.uint16)
    whole = png(colours, 2, 8, filters=b"\4\3\2\1", split=300)
    yield "split", whole
    yield "half", whole[: len(whole) // 2]
    at = whole.index(b"IDAT") - 4
    frames = (
        chunk(b"acTL", struct.pack(">II", 2, 0)),
        chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 37, 19, 0, 0, 1, 1, 0, 0)),
        chunk(b"fcTL", struct.pack(">IIIIIHHBB", 1, 37, 19, 0, 0, 1, 1, 0, 0)),
        chunk(b"fdAT", struct.pack(">I", 2) + zlib.compress(bytes(19 * 112))),
    )
    yield "animated", whole[:at] + frames[0] + frames[1] + whole[at:-12] + frames[2] + frames[3]
    extra = chunk(b"tEXt", b"a\0b") + chunk(b"iCCP", b"p\0\0" + zlib.compress(b"p" * 9))
    extra += chunk(b"zTXt", b"a\0\0" + zlib.compress(b"x" * 99)) + chunk(b"gAMA", b"\0\0\1\0")
    yield "chunks", whole[:at] + extra + whole[at:]
    for name, size in {"row": (1 << 14, 1), "column": (1, 1 << 14)}.items():
        yield name, lying_png(*size, bits=1, length=(1 + (size[0] + 7) // 8) * size[1])
    yield "longer", lying_png(4, 4, bits=8, length=100_000)
    yield "shorter", lying_png(400, 400, bits=8, length=300)
    yield "too-large", lying_png((1 << 31) - 1, (1 << 31) - 1, bits=8, length=9)
    yield "no-pixels", lying_png(0, 3, bits=8, length=9)
    yield "no-image", png(colours, 2, 8)[:33] + chunk(b"IEND", b"")
    yield "empty-data", whole[:at] + chunk(b"IDAT", b"") * 3 + whole[at:]
    yield "wrong-filter", lying_png(3, 3, bits=8, length=12, fill=b"\7")
    yield "no-palette", png(np.zeros((2, 2, 1), np.uint16), 3, 1, palette=b"")


def lying_png(width: int, height: int, *, bits: int, length: int, fill: bytes = b"\0") -> bytes:
    """A gray PNG whose image data have ``length`` bytes, whatever its header says."""
    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    data = zlib.compress(fill * length, 9)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks
