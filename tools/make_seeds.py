"""Writes the files that the fuzz targets start from, native/fuzz/seeds/<target>/ (docs/fuzzing.md).

Small files of every kind that a decoder tells apart, and files made by hand to do harm. `--check`
compares with what is there.
"""

from __future__ import annotations

import argparse
import io
import struct
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
SEEDS = ROOT / "native" / "fuzz" / "seeds"
sys.path.insert(0, str(ROOT / "tests" / "parity"))

from images import (  # noqa: E402
    CHANNELS,
    DEPTHS,
    adobe_transform,
    chunk,
    cmyk_jpeg,
    frame_header,
    jpeg,
    picture,
    png,
    resample_luma,
)

Seeds = Iterator[tuple[str, bytes]]

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


def jpeg_seeds() -> Seeds:
    """JPEG: subsamplings, colour models, codings, markers, and sizes that lie."""
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


def png_seeds() -> Seeds:
    """PNG: every colour type and depth, plain and interlaced, and sizes that lie."""
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


def saved(kind: str, mode: str = "RGB", **options: object) -> bytes:
    """What Pillow writes of a small picture."""
    out = io.BytesIO()
    Image.fromarray(picture(9, 12, 7)).convert(mode).save(out, kind, **options)
    return out.getvalue()


def load_seeds() -> Seeds:
    """Files of every format, read and refused, with the choice of a recipe behind them."""
    random = np.random.Generator(np.random.PCG64(12))
    files = {
        "jpeg": jpeg(PICTURE, quality=60),
        "jpeg-large": jpeg(picture(130, 160, 9), quality=10, subsampling=2),
        "png": png(picture(12, 15, 1).astype(np.uint16), 2, 8),
        "png-row": lying_png(1 << 14, 1, bits=1, length=(1 << 11) + 1),
        "png-column": lying_png(1, 1 << 14, bits=1, length=1 << 15),
        "gif": saved("GIF"),
        "bmp": saved("BMP"),
        "tiff": saved("TIFF"),
        "webp": saved("WEBP", quality=50),
        "ppm": saved("PPM"),
        "ico": b"\0\0\1\0\1\0",
        "empty": b"",
    }
    for name, data in files.items():
        for turn in range(2):
            yield f"{name}-{turn}", data + random.integers(0, 256, 24, np.uint8).tobytes()


def resize_seeds() -> Seeds:
    """Choices of images and recipes: drawn, and those at the ends."""
    random = np.random.Generator(np.random.PCG64(13))
    for length in range(8, 72, 2):
        yield f"drawn-{length}", random.integers(0, 256, length, np.uint8).tobytes()
    yield "zeros", bytes(40)
    yield "ones", b"\xff" * 40


TARGETS: dict[str, Callable[[], Seeds]] = {
    "jpeg": jpeg_seeds,
    "png": png_seeds,
    "load": load_seeds,
    "resize": resize_seeds,
}


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 on a difference"
    )
    check = parser.parse_args().check
    made = {
        SEEDS / target / name: data for target, seeds in TARGETS.items() for name, data in seeds()
    }
    found = {path: path.read_bytes() for path in SEEDS.rglob("*") if path.is_file()}
    if check:
        wrong = sorted(
            str(path.relative_to(ROOT))
            for path in made.keys() | found.keys()
            if made.get(path) != found.get(path)
        )
        for path in wrong:
            print(f"{path} differs from what is made: run tools/make_seeds.py", file=sys.stderr)
        return 1 if wrong else 0
    for path in found.keys() - made.keys():
        path.unlink()
    for path, data in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    print(f"{len(made)} files, {sum(map(len, made.values())):,} bytes in {SEEDS.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
