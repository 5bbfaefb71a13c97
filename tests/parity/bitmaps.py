"""BMP and GIF files of any kind, written here because Pillow writes few of them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

NONE, RLE8, RLE4, BITFIELDS = 0, 1, 2, 3
"""Values of a BMP's compression."""


@dataclass(frozen=True)
class Bmp:
    """The parts of a BMP.

    header: its size, 12 for OS/2, 40 or more for Windows. masks: red, green, blue, alpha.
    offset: of the pixels, or one that is wrong on purpose. gap: bytes before the pixels.
    """

    width: int
    height: int
    bits: int
    pixels: bytes
    header: int = 40
    compression: int = NONE
    top_down: bool = False
    masks: tuple[int, int, int, int] | None = None
    colours: int = 0
    palette: bytes = b""
    offset: int | None = None
    gap: bytes = b""

    def data(self) -> bytes:
        """The file."""
        if self.header == 12:
            head = struct.pack("<IHHHH", 12, self.width, self.height, 1, self.bits)
        else:
            head = struct.pack(
                "<IiiHHIIiiII",
                self.header,
                self.width,
                -self.height if self.top_down else self.height,
                1,
                self.bits,
                self.compression,
                0,
                0,
                0,
                self.colours,
                0,
            )
        masks = struct.pack("<4I", *self.masks) if self.masks else b""
        behind = masks[:12] if self.header == 40 else b""
        if self.header > 40:
            head = (head + masks).ljust(self.header, b"\0")[: self.header]
        front = head + behind + self.palette + self.gap
        offset = 14 + len(front) if self.offset is None else self.offset
        return b"BM" + struct.pack("<IHHI", 0, 0, 0, offset) + front + self.pixels


def stride(width: int, bits: int) -> int:
    """Bytes of a BMP's row."""
    return (width * bits + 31) // 32 * 4


def run_lengths(random: np.random.Generator, width: int, height: int, nibbles: bool) -> bytes:
    """Commands that draw something on each row: runs, literal pixels, jumps and early ends."""
    out = b""

    def some(count: int) -> bytes:
        return random.integers(0, 256, count, dtype=np.uint8).tobytes()

    y = 0
    while y < height:
        x = 0
        while x < width:
            left = min(width - x, 255)
            choice = random.random()
            if choice < 0.45 or left < 3:
                count = int(random.integers(1, left + 1))
                out += bytes([count]) + some(1)
            elif choice < 0.85:
                count = int(random.integers(3, left + 1))
                content = some((count + 1) // 2 if nibbles else count)
                out += bytes([0, count]) + content + bytes(len(content) % 2)
            elif choice < 0.93:
                break
            else:
                count, rows = int(random.integers(0, left)), int(random.integers(0, 2))
                out += bytes([0, 2, count, rows])
                y += rows
            x += count
        out += b"\0\0"
        y += 1
    return out + b"\0\1"


def gif(
    pixels: Sequence[int],
    place: tuple[int, int, int, int],
    *,
    screen: tuple[int, int],
    bits: int,
    interlaced: bool = False,
    global_palette: bytes = b"",
    local_palette: bytes = b"",
    extensions: bytes = b"",
    clears: int = 0,
) -> bytes:
    """A GIF of one image of indices.

    place: left, top, width, height. screen: width, height. Palettes have a power of two entries.
    extensions: blocks between the screen and the image. clears: codes between two empty tables.
    """
    # The format has no codes for one bit: black and white takes two.
    bits = max(bits, 2)
    packed = lzw(pixels, bits, clears)
    blocks = [packed[at : at + 255] for at in range(0, len(packed), 255)]
    return b"".join(
        [
            b"GIF89a" + struct.pack("<HHBBB", *screen, _flags(global_palette), 0, 0),
            global_palette,
            extensions,
            b"," + struct.pack("<HHHHB", *place, _flags(local_palette) | 64 * interlaced),
            local_palette,
            bytes([bits]),
            *(bytes([len(block)]) + block for block in blocks),
            b"\0;",
        ]
    )


def _flags(palette: bytes) -> int:
    return 128 | (len(palette) // 3).bit_length() - 2 if palette else 0


def lzw(values: Sequence[int], bits: int, clears: int = 0) -> bytes:
    """GIF's LZW: the low bits first; with a clear code after every ``clears`` codes, if not 0."""
    end = (1 << bits) + 1
    buffer, filled, out = 0, 0, bytearray()
    table: dict[tuple[int, ...], int] = {}
    width, size, since = bits + 1, end + 1, 0
    text: tuple[int, ...] = ()

    def put(code: int) -> None:
        nonlocal buffer, filled
        buffer |= code << filled
        filled += width
        while filled >= 8:
            out.append(buffer & 255)
            buffer >>= 8
            filled -= 8

    def put_text(new: tuple[int, ...] | None) -> None:
        """A code; the decoder has the text that it makes one code later."""
        nonlocal size, width, since
        put(table[text])
        since += 1
        if size < 4096:
            if new is not None:
                table[new] = size
            size += 1
            if size - 1 == 1 << width and width < 12:
                width += 1

    def clear() -> None:
        nonlocal table, width, size, since
        put(end - 1)
        table = {(value,): value for value in range(end - 1)}
        width, size, since = bits + 1, end + 1, 0

    clear()
    for value in values:
        longer = (*text, value)
        if longer in table:
            text = longer
            continue
        put_text(longer)
        text = (value,)
        if clears and since >= clears:
            put_text(None)
            text = ()
            clear()
    if text:
        put_text(None)
    put(end)
    if filled:
        out.append(buffer & 255)
    return bytes(out)
