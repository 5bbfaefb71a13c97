"""simplejpeg (libjpeg-turbo) and Pillow's resize, in threads; with "alone" decoding and no more."""

import sys
from pathlib import Path

import numpy as np
import simplejpeg
from PIL import Image
from protocol import cut, in_threads, serve, target


def decoded(file: str) -> np.ndarray:
    return simplejpeg.decode_jpeg(Path(file).read_bytes())


def one(file: str) -> np.ndarray:
    image = Image.fromarray(decoded(file))
    return cut(np.asarray(image.resize(target(*image.size), Image.Resampling.BICUBIC)))


def alone(file: str) -> np.ndarray:
    return np.array(decoded(file).shape)


if "alone" in sys.argv:
    serve(in_threads(alone), "simplejpeg")
else:
    serve(in_threads(one), "simplejpeg", "pillow")
