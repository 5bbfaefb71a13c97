"""Inputs that begin or end with choices: of a recipe, of an image."""

from __future__ import annotations

import numpy as np
from images import jpeg, picture, png

from seeds import Seeds
from seeds.pillow import drawn, saved
from seeds.png import lying_png


def load() -> Seeds:
    """Files of every format, read and refused, with the choice of a recipe behind them."""
    random = np.random.Generator(np.random.PCG64(12))
    files = {
        "jpeg": jpeg(picture(19, 37, 3), quality=60),
        "jpeg-large": jpeg(picture(130, 160, 9), quality=10, subsampling=2),
        "png": png(picture(12, 15, 1).astype(np.uint16), 2, 8),
        "png-row": lying_png(1 << 14, 1, bits=1, length=(1 << 11) + 1),
        "png-column": lying_png(1, 1 << 14, bits=1, length=1 << 15),
        "gif": saved("GIF", drawn()),
        "bmp": saved("BMP", drawn()),
        "tiff": saved("TIFF", drawn()),
        "webp": saved("WEBP", drawn(), quality=50),
        "ppm": saved("PPM", drawn()),
        "ico": b"\0\0\1\0\1\0",
        "empty": b"",
    }
    for name, data in files.items():
        for turn in range(2):
            yield f"{name}-{turn}", data + random.integers(0, 256, 24, np.uint8).tobytes()


def resize() -> Seeds:
    """Choices of images and recipes: drawn, and those at the ends."""
    random = np.random.Generator(np.random.PCG64(13))
    for length in range(8, 72, 2):
        yield f"drawn-{length}", random.integers(0, 256, length, np.uint8).tobytes()
    yield "zeros", bytes(40)
    yield "ones", b"\xff" * 40
