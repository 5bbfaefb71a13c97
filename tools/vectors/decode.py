"""Section 8.1: files to pixels.

The files lie in images/ and are not drawn anew: another encoder would write other bytes.
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

from vectors.case import Case, VectorFile
from vectors.drawn import array

FORMATS = ("JPEG", "PNG")
IMAGES = Path(__file__).parent / "images"


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


def files() -> Iterator[VectorFile]:
    found = sorted(IMAGES.iterdir())
    for name, about in (
        ("jpeg", "JPEG: sampling, progressive, restarts, gray, CMYK; damaged ones are errors."),
        ("png", "PNG: depths, palettes, alpha, checksums."),
        ("others", "Files that are neither by their first bytes."),
    ):
        suffix = {"jpeg": [".jpg"], "png": [".png"]}.get(name, [".gif", ".bmp"])
        cases = [
            Case(
                f"decode/{path.name}",
                {"file": base64.b64encode(path.read_bytes()).decode()},
                pillow,
            )
            for path in found
            if path.suffix in suffix
        ]
        yield VectorFile(
            "decode", name, "8.1", "D", "pixels.decode", about, cases, source="Pillow 13"
        )
