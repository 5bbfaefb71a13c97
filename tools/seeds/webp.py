"""WebP: lossy, lossless, alpha, animations, and sizes that lie."""

from __future__ import annotations

import struct

from seeds import Seeds
from seeds.pillow import drawn, saved


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    """A WebP of chunks."""
    body = b"WEBP"
    for name, content in chunks:
        body += name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def extended(flags: int, width: int, height: int) -> tuple[bytes, bytes]:
    """The header chunk of a file with more than one image chunk."""
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"VP8X", bytes([flags, 0, 0, 0]) + sides


def inner(file: bytes) -> tuple[bytes, bytes]:
    """The image chunk of a plain file."""
    length = struct.unpack("<I", file[16:20])[0]
    return file[12:16], file[20 : 20 + length]


def seeds() -> Seeds:
    """See the head of the file."""
    lossy = saved("WEBP", drawn(), quality=50)
    lossless = saved("WEBP", drawn(), lossless=True)
    yield "lossy", lossy
    yield "lossless", lossless
    yield "lossy-large", saved("WEBP", drawn(height=70, width=50), quality=10)
    yield "lossless-large", saved("WEBP", drawn(height=20, width=30), lossless=True, quality=100)
    yield "palette", saved("WEBP", drawn().quantize(4).convert("RGB"), lossless=True)
    yield "gray", saved("WEBP", drawn("L"), lossless=True)
    alpha = drawn("RGBA")
    alpha.putalpha(drawn("L", seed=2))
    yield "alpha-lossy", saved("WEBP", alpha, quality=40)
    yield "alpha-lossless", saved("WEBP", alpha, lossless=True, exact=True)
    yield "one-pixel", saved("WEBP", drawn(height=1, width=1), lossless=True)
    yield "one-pixel-lossy", saved("WEBP", drawn(height=1, width=1), quality=5)
    yield "exif", saved("WEBP", drawn(), quality=30, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0")
    frames = [drawn(seed=seed) for seed in (1, 2)]
    yield "animated", saved("WEBP", frames[0], save_all=True, append_images=frames[1:])
    place = struct.pack("<I", 0)[:3]
    sides = (11).to_bytes(3, "little") + (8).to_bytes(3, "little")

    def frame(offset: bytes, image: bytes) -> tuple[bytes, bytes]:
        name, content = inner(image)
        part = name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)
        return b"ANMF", offset * 2 + sides + b"\x64\0\0\0" + part

    canvas = (b"ANIM", b"\x10\x20\x30\x40\0\0")
    yield "placed", riff(extended(2, 20, 20), canvas, frame(b"\2\0\0", lossy))
    yield "beside", riff(extended(2, 12, 9), canvas, frame(b"\1\0\0", lossy))
    yield "no-frames", riff(extended(2, 12, 9), canvas)
    yield "large-canvas", riff(extended(2, 1 << 24, 1 << 8), canvas, frame(place, lossless))
    yield "canvas-of-another-size", riff(extended(0, 99, 99), inner(lossy))
    yield "alpha-beside", riff(extended(16, 12, 9), (b"ALPH", b"\1abc"), inner(lossy))
    yield "chunks", riff(extended(0, 12, 9), *[(b"XYZ ", b"")] * 40, inner(lossy))
    yield "too-large-lossless", riff((b"VP8L", b"\x2f\xff\xff\xff\x0f" + bytes(40)))
    yield "half", lossy[: len(lossy) // 2]
    yield "half-lossless", lossless[: len(lossless) // 2]
    yield "longer", lossy + b"x" * 40
