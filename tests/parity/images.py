"""Images for the parity tests: drawn from a seed, written as files that Pillow itself cannot write.

The PNG writer covers every colour type, depth, row filter and interlacing. The JPEG patches turn
what Pillow writes into other subsamplings and colour models with the same entropy-coded data.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile

from biobench.decode.pillow import FORMATS
from biobench.decode.recipe import Recipe

# Pillow cannot write a progressive file that does not fit its buffer, as with much noise.
ImageFile.MAXBLOCK = 1 << 22

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Samples of a pixel for each PNG colour type."""

DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
"""Bits of a sample for each PNG colour type."""

PASSES = (
    (0, 0, 8, 8),
    (0, 4, 8, 8),
    (4, 0, 8, 4),
    (0, 2, 4, 4),
    (2, 0, 4, 2),
    (0, 1, 2, 2),
    (1, 0, 2, 1),
)
"""Adam7: first row, first column, row step, column step."""


def picture(height: int, width: int, seed: int, channels: int = 3) -> npt.NDArray[np.uint8]:
    """Smooth waves with noise, hard edges and saturated areas: uint8, (height, width, channels)."""
    random = np.random.Generator(np.random.PCG64(seed))
    y = np.arange(height)[:, None, None]
    x = np.arange(width)[None, :, None]
    speed = random.uniform(0.01, 0.6, (2, channels))
    waves = 128 + 90 * np.sin(y * speed[0]) * np.cos(x * speed[1])
    waves = waves + random.normal(0, random.choice([1, 20, 80]), (height, width, channels))
    top, left = random.integers(0, height + 1), random.integers(0, width + 1)
    waves[top:, left:] = random.choice([0, 255], channels)
    return np.clip(waves, 0, 255).astype(np.uint8)


def recipe(**changes: Any) -> Recipe:
    """A recipe with plain defaults."""
    values: dict[str, Any] = {
        "mode": "shortest",
        "size": (24, 24),
        "long_side": "floor",
        "filter": "bicubic",
        "crop": (24, 24),
        "crop_rounding": "half-even",
        "pad": (1, 2, 3),
        "mean": (0.0, 0.0, 0.0),
        "std": (1.0, 1.0, 1.0),
        "table_bytes": np.linspace(-1, 1, 768, dtype="<f4").tobytes(),
    }
    return Recipe(**{**values, **changes})


def pillow_rgb(data: bytes) -> npt.NDArray[np.uint8]:
    """Pillow's pixels of a file's bytes; raises what Pillow raises."""
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        return np.asarray(image.convert("RGB"))


def pillow_of(data: bytes) -> npt.NDArray[np.uint8] | None:
    """The pixels of :func:`pillow_rgb`, None where Pillow refuses: it raises anything at all for
    damaged and odd files."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return pillow_rgb(data)
    except Exception:  # noqa: BLE001
        return None


def jpeg(pixels: npt.NDArray[np.uint8], mode: str = "RGB", **options: Any) -> bytes:
    """Pillow's own JPEG of an array."""
    out = io.BytesIO()
    Image.fromarray(pixels if pixels.shape[2] > 1 else pixels[..., 0], mode=None).convert(
        mode
    ).save(out, "JPEG", **options)
    return out.getvalue()


def cmyk_jpeg(pixels: npt.NDArray[np.uint8], **options: Any) -> bytes:
    """A CMYK JPEG of an array with four channels."""
    out = io.BytesIO()
    height, width, _ = pixels.shape
    Image.frombytes("CMYK", (width, height), pixels.tobytes()).save(out, "JPEG", **options)
    return out.getvalue()


def frame_header(data: bytes) -> int:
    """Offset of the precision byte in the first frame header."""
    position = 2
    while True:
        marker, length = struct.unpack(">HH", data[position : position + 4])
        if 0xFFC0 <= marker <= 0xFFC2:
            return position + 4
        position += 2 + length


def resample_luma(data: bytes, width: int, height: int, factors: int) -> bytes:
    """The same blocks read as another image size and luma sampling (high nibble horizontal)."""
    at = frame_header(data)
    patched = bytearray(data)
    patched[at + 1 : at + 5] = struct.pack(">HH", height, width)
    patched[at + 7] = factors
    return bytes(patched)


def adobe_transform(data: bytes, transform: int) -> bytes:
    """The same file with another colour transform in its Adobe marker."""
    at = data.index(b"\xff\xee\x00\x0eAdobe") + 4 + 11
    return data[:at] + bytes([transform]) + data[at + 1 :]


def chunk(name: bytes, content: bytes) -> bytes:
    """One PNG chunk with its checksum."""
    return (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
    )


def png(
    samples: npt.NDArray[np.uint16],
    colour: int,
    bits: int,
    *,
    interlaced: bool = False,
    palette: bytes = b"",
    transparency: bytes = b"",
    filters: bytes = b"\0",
    split: int = 1 << 20,
) -> bytes:
    """A PNG of samples (height, width, channels); rows take ``filters`` in turn."""
    height, width, _ = samples.shape
    passes = PASSES if interlaced else ((0, 0, 1, 1),)
    stream = b""
    for top, left, down, right in passes:
        part = samples[top::down, left::right]
        if part.size:
            stream += _filtered(part, bits, filters)
    packed = zlib.compress(stream, 1)
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, int(interlaced))
    chunks = [chunk(b"IHDR", header)]
    if colour == 3:
        chunks.append(chunk(b"PLTE", palette))
    if transparency:
        chunks.append(chunk(b"tRNS", transparency))
    chunks += [chunk(b"IDAT", packed[i : i + split]) for i in range(0, len(packed), split)]
    return b"\x89PNG\r\n\x1a\n" + b"".join([*chunks, chunk(b"IEND", b"")])


def _filtered(part: npt.NDArray[np.uint16], bits: int, filters: bytes) -> bytes:
    height, width, channels = part.shape
    if bits == 16:
        rows = part.astype(">u2").reshape(height, -1).view(np.uint8)
    elif bits == 8:
        rows = part.astype(np.uint8).reshape(height, -1)
    else:
        planes = part.reshape(height, width)[..., None] >> np.arange(bits - 1, -1, -1)
        rows = np.packbits((planes & 1).astype(np.uint8).reshape(height, -1), axis=1)
    step = max(1, bits * channels // 8)
    above = np.zeros(rows.shape[1], dtype=np.int32)
    out = b""
    for y, row in enumerate(rows.astype(np.int32)):
        left = np.concatenate([np.zeros(step, np.int32), row[:-step]])[: len(row)]
        corner = np.concatenate([np.zeros(step, np.int32), above[:-step]])[: len(row)]
        kind = filters[y % len(filters)]
        estimate = left + above - corner
        distances = [abs(estimate - left), abs(estimate - above), abs(estimate - corner)]
        paeth = np.choose(np.argmin(distances, axis=0), [left, above, corner])
        prediction = [0 * row, left, above, (left + above) // 2, paeth][kind]
        out += bytes([kind]) + ((row - prediction) & 255).astype(np.uint8).tobytes()
        above = row
    return out
