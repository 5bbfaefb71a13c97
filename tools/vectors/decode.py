"""Section 8.1: files to pixels.

The files lie in images/ and are not drawn anew: another encoder would write other bytes. Those of
drawn_jpeg and drawn_png are written without an encoder.
"""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from biobench.decode.pillow import FORMATS
from vectors import drawn_jpeg, drawn_jpeg_segments, drawn_png
from vectors.case import Case, VectorFile, refused
from vectors.drawn import array

IMAGES = Path(__file__).parent / "images"

REFUSED = "refused-"
"""With what the name of a file begins that Pillow reads and section 8.1 does not."""


def pillow(given: Any, output: Any) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(base64.b64decode(given["file"])), formats=FORMATS) as image:
                pixels = np.asarray(image.convert("RGB"))
    # Pillow's refusals have no common class below Exception.
    except Exception:  # noqa: BLE001
        return bool(output == {"error": "value"})
    return "rgb" in output and bool(np.array_equal(array(output), pixels))


def cases(folder: str, *endings: str) -> list[Case]:
    return [
        Case(
            f"{folder}/{path.name}",
            {"file": base64.b64encode(path.read_bytes()).decode()},
            refused if path.name.startswith(REFUSED) else pillow,
        )
        for path in sorted(IMAGES.iterdir())
        if path.suffix in endings
    ]


def files() -> Iterator[VectorFile]:
    jpeg = "JPEG: sampling, progressive, restarts, gray, CMYK; damaged ones are errors."
    png = "PNG: depths, palettes, alpha, checksums."
    others = "Files of formats that no implementation reads."
    for name, about, endings in (
        ("jpeg", jpeg, [".jpg"]),
        ("png", png, [".png"]),
        ("others", others, [".ico", ".ppm"]),
    ):
        found = cases("decode", *endings)
        yield VectorFile(
            "decode", name, "8.1", "D", "pixels.decode", about, found, source="Pillow 13"
        )
    for name, about, found in (
        (
            "drawn_jpeg",
            "JPEG: every sampling, restarts, scans, tables, colours.",
            drawn_jpeg.pictures(),
        ),
        (
            "jpeg_segments",
            "JPEG: segments that are passed over or bad, limits.",
            drawn_jpeg_segments.pictures(),
        ),
        ("drawn_png", "PNG: every depth, interlace and filter.", drawn_png.pictures()),
    ):
        drawn = [
            Case(
                f"decode/{key}",
                {"file": base64.b64encode(content).decode()},
                refused if key.startswith(REFUSED) else pillow,
            )
            for key, content in found
        ]
        yield VectorFile(
            "decode", name, "8.1", "D", "pixels.decode", about, drawn, source="Pillow 13"
        )
    for name, about, ending in (
        ("webp", "WebP: lossy, lossless, opacity, a frame on a canvas.", ".webp"),
        ("gif", "GIF: palettes, rows in any order, a part of the screen, several frames.", ".gif"),
        ("bmp", "BMP: headers, depths, bit fields, run lengths, order of rows, palettes.", ".bmp"),
        ("tiff", "TIFF: samples, compressions, strips, tiles, planes, orientation.", ".tif"),
    ):
        yield VectorFile(
            name,
            "files",
            "8.1",
            "D",
            f"pixels.decode_{name}",
            about,
            cases(name, ending),
            source="Pillow 13",
            optional=True,
        )
