"""Pillow, or pillow-simd in its place, in threads. The argument names the installed package."""

import sys

import numpy as np
from PIL import Image
from protocol import SIDE, centre, in_threads, serve, target


def one(file: str) -> np.ndarray:
    with Image.open(file) as image:
        pixels = image.convert("RGB")
    pixels = pixels.resize(target(*pixels.size), Image.Resampling.BICUBIC)
    left, top = centre(*pixels.size)
    return np.asarray(pixels.crop((left, top, left + SIDE, top + SIDE)))


serve(in_threads(one), sys.argv[1])
