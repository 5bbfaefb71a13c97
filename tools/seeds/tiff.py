"""TIFF: compressions, layouts, depths, orders of bytes, and directories that lie."""

from __future__ import annotations

import struct
import zlib
from typing import Any

from images import jpeg, picture

from seeds import Seeds
from seeds.pillow import drawn, saved

WIDTH, HEIGHT, BITS, COMPRESSION, KIND, FILL_ORDER = 256, 257, 258, 259, 262, 266
OFFSETS, ORIENTATION, SAMPLES, ROWS, COUNTS, PLANAR = 273, 274, 277, 278, 279, 284
PREDICTOR, COLOURS, TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_COUNTS = (
    317,
    320,
    322,
    323,
    324,
    325,
)
EXTRA, FORMAT, TABLES = 338, 339, 347

Tags = dict[int, tuple[int, ...]]

COLOUR: Tags = {BITS: (8, 8, 8), SAMPLES: (3,), KIND: (2,)}


def tiff(tags: Tags, parts: list[bytes], *, order: str = "<", tiles: bool = False) -> bytes:
    """A TIFF of a directory and its strips or tiles; values that fit are shorts."""
    body = b"".join(parts)
    places = [8 + sum(map(len, parts[:i])) for i in range(len(parts))]
    own: Tags = {
        TILE_OFFSETS if tiles else OFFSETS: tuple(places),
        TILE_COUNTS if tiles else COUNTS: tuple(map(len, parts)),
    }
    entries = sorted({**own, **tags}.items())
    start = 8 + len(body) + len(body) % 2
    beyond = start + 2 + 12 * len(entries) + 4
    directory, values = struct.pack(order + "H", len(entries)), b""
    for tag, numbers in entries:
        kind = 3 if all(0 <= number < 1 << 16 for number in numbers) else 4
        packed = struct.pack(f"{order}{len(numbers)}{'H' if kind == 3 else 'I'}", *numbers)
        if len(packed) > 4:
            place = struct.pack(order + "I", beyond + len(values))
            values += packed
        else:
            place = packed.ljust(4, b"\0")
        directory += struct.pack(order + "HHI", tag, kind, len(numbers)) + place
    mark = b"II*\0" if order == "<" else b"MM\0*"
    head = mark + struct.pack(order + "I", start)
    return head + body + b"\0" * (len(body) % 2) + directory + bytes(4) + values


def gray(width: int, height: int, bits: int = 8, **more: Any) -> Tags:
    """The directory of a gray image; ``more`` by the names above."""
    named = {globals()[name.upper()]: value for name, value in more.items()}
    plain: Tags = {
        WIDTH: (width,),
        HEIGHT: (height,),
        BITS: (bits,),
        COMPRESSION: (1,),
        KIND: (1,),
        SAMPLES: (1,),
        ROWS: (height,),
    }
    return {**plain, **named}


def seeds() -> Seeds:
    """See the head of the file."""
    yield from written()
    yield from laid_out()
    yield from lying()


def written() -> Seeds:
    """As Pillow writes them."""
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F"):
        image = drawn("L" if mode == "I;16" else mode).convert(mode)
        yield f"mode-{mode.replace(';', '-')}", saved("TIFF", image)
    for kind in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        for mode in ("L", "RGB"):
            name = f"{kind.removeprefix('tiff_').replace('_', '-')}-{mode}"
            yield name, saved("TIFF", drawn(mode, 20, 30), compression=kind)
    yield "group4", saved("TIFF", drawn("1"), compression="group4")
    yield (
        "predictor",
        saved("TIFF", drawn("RGB", 20, 30), compression="tiff_lzw", tiffinfo={PREDICTOR: 2}),
    )


def laid_out() -> Seeds:
    """Every layout of the same bytes."""
    rows = bytes(range(256)) * 2
    for order in "<>":
        name = "little" if order == "<" else "big"
        for bits in (1, 2, 4, 8, 12, 16, 32):
            yield f"{name}-{bits}", tiff(gray(5, 4, bits), [rows[:80]], order=order)
    for turn in range(9):
        yield f"orientation-{turn}", tiff(gray(3, 2, orientation=(turn,)), [rows[:6]])
    yield "strips", tiff({**gray(4, 6), **COLOUR, ROWS: (2,)}, [rows[:24]] * 3)
    yield "planes", tiff({**gray(4, 6), **COLOUR, PLANAR: (2,)}, [rows[:24]] * 3)
    tile = {TILE_WIDTH: (16,), TILE_HEIGHT: (16,)}
    tiled = {**gray(20, 20), **tile}
    yield "tiles", tiff(tiled, [rows[:256]] * 4, tiles=True)
    yield (
        "tiles-planes",
        tiff({**gray(9, 9), **COLOUR, **tile, PLANAR: (2,)}, [rows[:256]] * 3, tiles=True),
    )
    yield (
        "tiles-deflate",
        tiff(
            {**tiled, COMPRESSION: (8,), PREDICTOR: (2,)},
            [zlib.compress(rows[:256])] * 4,
            tiles=True,
        ),
    )
    yield "no-tile-size", tiff(gray(9, 9, tile_width=(0,), tile_height=(0,)), [rows], tiles=True)
    yield (
        "large-tile",
        tiff(gray(9, 9, tile_width=(1 << 30,), tile_height=(1 << 30,)), [rows], tiles=True),
    )
    palette = gray(5, 4, 4, kind=(3,), colours=tuple(range(0, 48 * 1365, 1365)))
    yield "palette", tiff(palette, [rows[:12]])
    yield "no-palette", tiff({**palette, COLOURS: (1,)}, [rows[:12]])
    yield "lab", tiff({**gray(4, 4), **COLOUR, KIND: (8,)}, [rows[:48]])
    yield "white-is-zero", tiff(gray(5, 4, kind=(0,)), [rows[:20]])
    yield (
        "extra",
        tiff({**gray(4, 4), BITS: (8,) * 5, SAMPLES: (5,), KIND: (2,), EXTRA: (2, 0)}, [rows[:80]]),
    )
    yield "fill-order", tiff(gray(16, 4, 1, fill_order=(2,)), [rows[:8]])
    yield "float", tiff(gray(4, 4, 32, format=(3,)), [rows[:64]])


def lying() -> Seeds:
    """Streams inside of the file, and directories that promise what is not there."""
    rows = bytes(range(256)) * 2
    file = jpeg(picture(16, 16, 2), quality=40)
    inside = {**gray(16, 16), **COLOUR, KIND: (6,), COMPRESSION: (7,)}
    yield "jpeg-inside", tiff(inside, [file])
    yield "jpeg-of-another-size", tiff({**inside, WIDTH: (9,), HEIGHT: (99,)}, [file])
    yield "deflate", tiff(gray(16, 16, compression=(8,)), [zlib.compress(rows[:256])])
    yield "deflate-bomb", tiff(gray(4, 4, compression=(8,)), [zlib.compress(bytes(1 << 20))])
    yield "packbits-bomb", tiff(gray(4, 4, compression=(32773,)), [b"\x81\0" * 400])
    yield "lzw-old", tiff(gray(4, 4, compression=(5,)), [b"\0\1" + rows[:99]])
    yield "too-large", tiff(gray(0xFFFFFFFF, 0xFFFFFFFF), [rows])
    yield "no-pixels", tiff(gray(0, 4), [rows])
    yield "row", tiff(gray(16384, 1, 1), [bytes(2048)])
    yield "many-strips", tiff(gray(1, 400, rows=(1,)), [b"x"] * 400)
    yield "no-rows", tiff(gray(4, 4, rows=(0,)), [rows[:16]])
    yield "few-strips", tiff(gray(4, 400, rows=(1,)), [rows[:4]])
    yield "far-strip", tiff({**gray(4, 4), OFFSETS: (0xFFFFFFF0,), COUNTS: (0xFFFFFFF0,)}, [rows])
    whole = tiff(gray(4, 4), [rows[:16]])
    yield "half", whole[:30]
    yield "own-directory", whole[:-4] + struct.pack("<I", 24)
    yield "far-directory", b"II*\0\xff\xff\xff\xff"
    many = bytearray(whole)
    many[24:26] = b"\xff\xff"
    yield "many-entries", bytes(many)
    long = bytearray(whole)
    long[24 + 2 + 4 : 24 + 2 + 8] = b"\xff\xff\xff\xff"
    yield "long-entry", bytes(long)
    yield "big-tiff", b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0" + bytes(30)
