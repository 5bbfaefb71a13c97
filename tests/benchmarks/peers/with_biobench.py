"""biobench.native.ImageLoader as users get it; with "scalar" the kernel without SIMD."""

import sys
from collections.abc import Iterator, Sequence

import numpy as np
from protocol import BATCH, SIDE, serve

from biobench.models.recipes import image_recipe
from biobench.native import ImageLoader, build_info, decode_batch

RECIPE = image_recipe(size=SIDE, crop=SIDE, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))


def load(files: Sequence[str], workers: int) -> Iterator[np.ndarray]:
    for batch in ImageLoader(files, RECIPE, batch_size=BATCH, workers=workers):
        yield batch.array


def scalar(files: Sequence[str], workers: int) -> Iterator[np.ndarray]:
    for start in range(0, len(files), BATCH):
        part = decode_batch(files[start : start + BATCH], RECIPE, workers=workers, kernel="scalar")
        yield part.pixels


libjpeg_turbo = str(build_info()["libjpeg_turbo"])
serve(scalar if "scalar" in sys.argv else load, "biobench", **{"libjpeg-turbo": libjpeg_turbo})
