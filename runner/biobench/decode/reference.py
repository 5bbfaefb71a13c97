"""The definition of the pixels in plain Python, with Pillow (SPEC.md, section "Pixels").

In: a file and a recipe. Out: uint8 (height, width, 3). Slow; the native layer is compared with it.
"""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from biobench.decode.recipe import CropRounding, Recipe
from biobench.errors import DataError

if TYPE_CHECKING:
    from PIL import Image


FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
"""Pillow's names of the formats that are read."""

MAX_PIXELS = 178_956_970
"""Largest height times width after the resize; of the image itself Pillow has the same limit."""

MAX_SIDE = 1_000_000
"""Longest side of an image."""


def decode_reference(path: str | os.PathLike[str], recipe: Recipe) -> npt.NDArray[np.uint8]:
    """One file through a recipe's geometry, uint8, shape (*recipe.crop, 3).

    Raises DataError for a file that Pillow cannot read as one of :data:`FORMATS`, for one with a
    side of more than :data:`MAX_SIDE`, and for one whose resize would have more than
    :data:`MAX_PIXELS` pixels.
    """
    from PIL import Image

    image = open_rgb(path)
    height, width = target_size(recipe, image.height, image.width)
    for what, found, limit in [
        ("the longer side in pixels", max(image.size), MAX_SIDE),
        ("the number of pixels after the resize", height * width, MAX_PIXELS),
    ]:
        if found > limit:
            raise DataError(
                f"{what} {found} exceeds the limit of {limit}",
                where=os.fspath(path),
                remedy="replace the file",
            )
    filters = Image.Resampling
    resized = image.resize((width, height), filters[recipe.filter.upper()])
    return centre_crop(np.asarray(resized), recipe)


def open_rgb(path: str | os.PathLike[str]) -> Image.Image:
    """The image as Pillow's ``convert("RGB")`` gives it; of orientation tags Pillow applies those
    of TIFF alone.

    Raises DataError for a file that Pillow cannot read as one of :data:`FORMATS`.
    """
    from PIL import Image

    # Pillow's refusals have no common class below Exception: OSError, SyntaxError, ValueError,
    # zlib's and struct's own, and DecompressionBombError all mean that the file is bad.
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Not by its name: then Pillow maps the pixels of some TIFFs into memory, with height
            # and width exchanged where the orientation exchanges them.
            with open(path, "rb") as file, Image.open(file, formats=FORMATS) as image:
                return image.convert("RGB")
    except Exception as error:
        raise DataError(
            f"Pillow cannot read it: {error}", where=os.fspath(path), remedy="replace the file"
        ) from error


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
