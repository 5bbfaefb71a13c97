"""kornia-rs with libjpeg-turbo, in threads."""

import kornia_rs
import numpy as np
from protocol import cut, in_threads, serve, target


def one(file: str) -> np.ndarray:
    image = kornia_rs.io.read_image_jpegturbo(file)
    width, height = target(image.shape[1], image.shape[0])
    return cut(kornia_rs.imgproc.resize(image, (height, width), "bicubic", antialias=True))


serve(in_threads(one), "kornia-rs")
