"""TIFF files that are bad although Pillow gives pixels for them (SPEC.md, section "Decode").

In: an opened TIFF and its bytes. Out: nothing, or :class:`DecodeError`. Pillow fills what a file
lacks with black, and misreads a few kinds of samples.
"""

from __future__ import annotations

from itertools import islice
from math import ceil
from typing import TYPE_CHECKING, Any

from biobench.decode.decode_error import DecodeError
from biobench.decode.limits import MAX_FILE_BYTES, MAX_PIXELS, MAX_TILE_PADDING

if TYPE_CHECKING:
    from PIL.TiffImagePlugin import TiffImageFile

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER = 256, 257, 258, 259, 262, 266
STRIP_OFFSETS, SAMPLES, ROWS_PER_STRIP, STRIP_BYTES, PLANAR = 273, 277, 278, 279, 284
PREDICTOR, TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES = 317, 322, 323, 324, 325
EXTRA_SAMPLES, SAMPLE_FORMAT = 338, 339

NONE, LZW, JPEG = 1, 5, 7
COMPRESSIONS = {NONE, LZW, JPEG, 8, 32946, 32773}
"""Compressions that are read: none, LZW, JPEG, Deflate under its two numbers, PackBits."""

INVERTED, GRAY, PALETTE, YCBCR, CIELAB = 0, 1, 3, 6, 8


def check_tiff(image: TiffImageFile, data: bytes) -> None:
    """Refuse what section 8.1 calls bad all the same.

    Raises:
        DecodeError: Of kind ``unsupported-feature``, ``truncated`` or ``too-large``.
    """
    tags = image.tag_v2
    reason = _feature(tags, str(image.info.get("compression")))
    if reason:
        raise DecodeError("unsupported-feature", f"TIFF {reason} is not read")
    _check_parts(tags, data)


def _feature(tags: Any, name: str) -> str | None:
    """Name what is not read, if anything; ``name`` is that of the compression."""
    compression, in_planes = tags.get(COMPRESSION, NONE), tags.get(PLANAR, 1) == 2
    photometric, samples = tags.get(PHOTOMETRIC, INVERTED), tags.get(SAMPLES, 1)
    bits, form = set(tags.get(BITS, (1,))), set(tags.get(SAMPLE_FORMAT, (1,)))
    packed = compression != NONE
    # A single sample of YCbCr is gray.
    luminance = (compression == JPEG and samples == 3 and not in_planes) or (
        not packed and samples == 1
    )
    alone = bits == {8} or (bits == {1} and photometric in {INVERTED, GRAY})
    unturned = (photometric, bits == {8}) in {(PALETTE, False), (INVERTED, True)}
    turned_twice = bits == {32} or (bits == {16} and form == {2})
    refused = {
        f"that is compressed with {name}": compression not in COMPRESSIONS,
        "in the colours of CIELAB": photometric == CIELAB,
        "of YCbCr that is not compressed with JPEG": photometric == YCBCR and not luminance,
        "with the predictor of floating point": packed and tags.get(PREDICTOR, 1) == 3,
        "with such samples in separate planes": not packed and in_planes and not alone,
        "of such samples with the lowest bit first": (
            not packed and tags.get(FILL_ORDER, 1) == 2 and unturned
        ),
        "of compressed signed, 32-bit or float samples with the high byte first": (
            packed and tags.prefix == b"MM" and turned_twice
        ),
    }
    return next((reason for reason, holds in refused.items() if holds), None)


def _check_parts(tags: Any, data: bytes) -> None:
    """Refuse a file that lacks a strip or tile, or the length of a compressed one."""
    packed = tags.get(COMPRESSION, NONE) != NONE
    tiled = STRIP_OFFSETS not in tags
    width, height = tags[WIDTH], tags[HEIGHT]
    if tiled:
        sides = tags.get(TILE_WIDTH), tags.get(TILE_HEIGHT)
    else:
        sides = width, min(tags.get(ROWS_PER_STRIP, height), height)
    if not all(isinstance(side, int) and side > 0 for side in sides):
        raise DecodeError("unreadable", "the size of the strips or tiles is missing")
    if packed and not tiled and TILE_WIDTH in tags:
        raise DecodeError("unreadable", "the TIFF has both strips and tiles")
    columns, rows = sides
    across, down = ceil(width / columns), ceil(height / rows)
    if tiled:
        _check_tiles(tags, across * down, columns * rows, width * height)
    expected = across * down * _planes(tags, packed)
    offsets = _numbers(tags, TILE_OFFSETS if tiled else STRIP_OFFSETS)
    if len(offsets) < expected:
        raise DecodeError(
            "truncated",
            f"the TIFF has {len(offsets)} strips or tiles where {expected} are expected",
        )
    if not packed:
        return
    lengths = _numbers(tags, TILE_BYTES if tiled else STRIP_BYTES)
    if len(lengths) < expected:
        raise DecodeError("truncated", "the lengths of strips or tiles are missing")
    total = sum(islice(lengths, expected))
    if total > MAX_FILE_BYTES:
        raise DecodeError(
            "too-large",
            f"the number of bytes of all strips or tiles {total} exceeds the limit of "
            f"{MAX_FILE_BYTES}: the file may be a decompression bomb",
        )
    for offset, length in zip(islice(offsets, expected), lengths, strict=False):
        if offset < 0 or length <= 0 or offset + length > len(data):
            raise DecodeError("truncated", "a strip or tile of the TIFF ends behind the file")
        start = data[offset : offset + 2]
        if tags[COMPRESSION] == LZW and len(start) == 2 and start[0] == 0 and start[1] & 1:
            raise DecodeError("unsupported-feature", "TIFF of old-style LZW is not read")


def _planes(tags: Any, packed: bool) -> int:
    """Planes that must be there. Those behind the colours that mean nothing are not looked at where
    Pillow itself reads."""
    if tags.get(PLANAR, 1) != 2:
        return 1
    extra = tags.get(EXTRA_SAMPLES, ())
    unread = len(extra) if not packed and extra and not any(extra) else 0
    return int(tags.get(SAMPLES, 1)) - unread


def _check_tiles(tags: Any, count: int, tile: int, image: int) -> None:
    """Refuse tiles of many times as many pixels as the image has: all of them are decoded."""
    largest = min(4 * image + MAX_TILE_PADDING, 2 * MAX_PIXELS)
    for what, found, limit in (
        ("the number of pixels of all tiles", count * tile, largest),
        ("the number of pixels of a tile", tile, MAX_PIXELS if _is_jpeg(tags) else largest),
    ):
        if found > limit:
            raise DecodeError(
                "too-large",
                f"{what} {found} exceeds the limit of {limit}: "
                "the file may be a decompression bomb",
            )


def _is_jpeg(tags: Any) -> bool:
    return bool(tags.get(COMPRESSION, NONE) == JPEG)


def _numbers(tags: Any, tag: int) -> tuple[int, ...]:
    """The values of a tag of whole numbers."""
    values = tags.get(tag, ())
    values = values if isinstance(values, tuple) else (values,)
    if not all(isinstance(value, int) for value in values):
        raise DecodeError("unreadable", f"tag {tag} of the TIFF has no whole numbers")
    return values
