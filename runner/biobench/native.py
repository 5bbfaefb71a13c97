"""The native data layer, for use on its own: files to pixels, exact and fast.

In: paths, or the content of files. Out: uint8 or float32 arrays, equal to Pillow's byte for byte
(SPEC.md, "Pixels").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import numpy as np
import numpy.typing as npt

from biobench._native import build_info
from biobench.decode.batches import Batches
from biobench.decode.loader import Batch, ImageLoader, usable_cores
from biobench.decode.native import DecodedBatch, Failure, Item, bad_images, decode_batch
from biobench.decode.recipe import CropRounding, Filter, Mode, Recipe
from biobench.errors import UsageError

__all__ = [
    "Batch",
    "Batches",
    "DecodedBatch",
    "Failure",
    "ImageLoader",
    "build_info",
    "decode_batch",
    "load_batch",
]

_LARGEST_SIDE = 65_535


def load_batch(
    paths: Sequence[Item],
    *,
    resize: Mode = "shortest",
    size: int | tuple[int, int] = 224,
    filter: Filter = "bicubic",
    crop: int | tuple[int, int] = 224,
    crop_rounding: CropRounding = "half-even",
    workers: int | None = None,
) -> npt.NDArray[np.uint8]:
    """Decode, resize and centre-crop files.

    The defaults give the pixels of torchvision's ``Resize(224, BICUBIC)`` and ``CenterCrop(224)``
    on Pillow images.

    Args:
        paths: Image files, each by its path or as bytes.
        resize: Resize mode, such as ``shortest``.
        size: Side or (height, width) of the resize, in pixels.
        filter: Resampling filter.
        crop: Side or (height, width) of the crop, in pixels; an image that is smaller is padded
            with black.
        crop_rounding: Rounding of the crop's offset.
        workers: Threads; by default the usable cores.

    Returns:
        uint8, shape (N, H, W, 3), in the order of the paths.

    Raises:
        DataError: Files cannot be read; gives the count and the first ten names.
        UsageError: An argument has a value that is not allowed.
        MemoryError: The pixels do not fit in memory.
    """
    for name, value, allowed in (
        ("resize", resize, get_args(Mode)),
        ("filter", filter, get_args(Filter)),
        ("crop_rounding", crop_rounding, get_args(CropRounding)),
    ):
        if value not in allowed:
            raise UsageError(f"{name} is {value!r}", remedy=f"use one of {', '.join(allowed)}")
    if workers is not None and workers < 1:
        raise UsageError(f"workers is {workers}", remedy="use 1 or more")
    recipe = Recipe(
        mode=resize,
        size=_pair("size", size),
        long_side="floor",
        filter=filter,
        crop=_pair("crop", crop),
        crop_rounding=crop_rounding,
        pad=(0, 0, 0),
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        table_bytes=np.tile(np.arange(256, dtype="<f4") / np.float32(255), 3).tobytes(),
    )
    batch = decode_batch(paths, recipe, workers=workers or usable_cores())
    if batch.failures:
        raise bad_images(batch.failures)
    return batch.pixels


def _pair(name: str, value: int | tuple[int, int]) -> tuple[int, int]:
    height, width = (value, value) if isinstance(value, int) else value
    if not (1 <= height <= _LARGEST_SIDE and 1 <= width <= _LARGEST_SIDE):
        raise UsageError(f"{name} is {value}", remedy=f"use sides of 1 to {_LARGEST_SIDE}")
    return height, width
