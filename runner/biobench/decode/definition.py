"""The definition of the pixels in plain Python, with Pillow (SPEC.md, section "Pixels").

In: a file and a recipe. Out: uint8 (height, width, 3). Slow; the native layer is compared with it.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from biobench.decode.decode_error import DecodeError
from biobench.decode.limits import MAX_PIXELS
from biobench.decode.recipe import CropRounding, Recipe
from biobench.errors import DataError


def decode_reference(path: str | os.PathLike[str], recipe: Recipe) -> npt.NDArray[np.uint8]:
    """One file through a recipe's geometry, uint8, shape (*recipe.crop, 3).

    Raises:
        DataError: :mod:`biobench.decode.pillow` refuses the file, or its resize would have more
            than :data:`MAX_PIXELS` pixels.
    """
    from PIL import Image

    from biobench.decode import pillow

    try:
        image = pillow.decode(Path(path).read_bytes())
    except DecodeError as error:
        raise _bad(path, str(error)) from error
    height, width = target_size(recipe, image.height, image.width)
    if height * width > MAX_PIXELS:
        found = f"the number of pixels after the resize {height * width}"
        raise _bad(path, f"{found} exceeds the limit of {MAX_PIXELS}")
    filters = Image.Resampling
    resized = image.resize((width, height), filters[recipe.filter.upper()])
    return centre_crop(np.asarray(resized), recipe)


def _bad(path: str | os.PathLike[str], message: str) -> DataError:
    return DataError(message, where=os.fspath(path), remedy="replace the file")


def target_size(recipe: Recipe, height: int, width: int) -> tuple[int, int]:
    """(height, width) after the resize of an image of ``height`` x ``width``, each at least 1."""
    if recipe.mode == "none":
        return height, width
    if recipe.mode == "squash":
        return recipe.size
    choose = min if recipe.mode == "shortest" else max
    if recipe.long_side == "floor":
        size, side = recipe.size[0], choose(height, width)
        return max(1, size * height // side), max(1, size * width // side)
    ratio = choose(height / recipe.size[0], width / recipe.size[1])
    return max(1, round(height / ratio)), max(1, round(width / ratio))


def crop_offset(rounding: CropRounding, side: int, crop: int) -> int:
    """First position of the crop in the image; negative where padding comes first."""
    if rounding == "floor":
        return (side - crop) // 2
    if side < crop:
        return -((crop - side) // 2)
    return round((side - crop) / 2)


def centre_crop(pixels: npt.NDArray[np.uint8], recipe: Recipe) -> npt.NDArray[np.uint8]:
    """The centre of an image, padded where it is smaller: uint8, shape (*recipe.crop, 3)."""
    out = np.empty((*recipe.crop, 3), dtype=np.uint8)
    out[:] = recipe.pad
    top, left = (
        crop_offset(recipe.crop_rounding, side, crop)
        for side, crop in zip(pixels.shape[:2], recipe.crop, strict=True)
    )
    inside = pixels[
        max(top, 0) : max(top + recipe.crop[0], 0), max(left, 0) : max(left + recipe.crop[1], 0)
    ]
    y, x = max(-top, 0), max(-left, 0)
    out[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
    return out
