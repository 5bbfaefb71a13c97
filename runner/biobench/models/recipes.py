"""Building recipes from a framework's configuration (SPEC.md, section "Recipes").

In: sizes, names and numbers as a framework states them. Out: a :class:`Recipe`, or a ModelError
with the reason why no recipe can express the transform.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, get_args

from biobench.decode.limits import MAX_RECIPE_SIDE
from biobench.decode.recipe import CropRounding, Filter, LongSide, Mode, Recipe
from biobench.errors import ModelError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def unsupported(reason: str) -> ModelError:
    """The error for a transform outside what recipes express; ``reason`` names the setting."""
    return ModelError(
        f"its preprocessing cannot be written as a recipe: {reason}",
        remedy="wrap it as py:package.module:Class with a recipe of your own",
    )


def check_sides(size: tuple[int, int], crop: tuple[int, int]) -> None:
    """Raise ModelError for sides, in pixels, that no recipe may have."""
    if min(*size, *crop) < 1 or max(*size, *crop) > MAX_RECIPE_SIDE:
        raise unsupported(f"size {size} and crop {crop}, sides from 1 to {MAX_RECIPE_SIDE}")


def build(
    *,
    mode: Mode,
    size: tuple[int, int],
    crop: tuple[int, int],
    resample: str,
    table: npt.NDArray[np.float32],
    mean: Sequence[float],
    std: Sequence[float],
    long_side: LongSide = "floor",
    crop_rounding: CropRounding = "half-even",
    pad: tuple[int, int, int] = (0, 0, 0),
) -> Recipe:
    """A recipe from the numbers and names of a framework.

    Args:
        mode: How ``size`` is meant; see :class:`Recipe`.
        size: Sides of the scaled image, in pixels.
        crop: (height, width) of the output, in pixels.
        resample: The resampling filter.
        table: float32, shape (3, 256): value of channel c for pixel v.
        mean: Mean of each channel, or one for all.
        std: Standard deviation of each channel, or one for all.
        long_side: How the other side is rounded.
        crop_rounding: How the offset of the crop is rounded.
        pad: Red, green and blue of the padding, 0 to 255.

    Raises:
        ModelError: The filter is unknown, a side is not one that recipes have, or the table holds
            NaN or an infinity.
        ValueError: The table has another shape or dtype.
    """
    import numpy as np

    if resample not in get_args(Filter):
        raise unsupported(f"interpolation {resample!r}")
    check_sides(size, crop)
    if table.shape != (3, 256) or table.dtype != np.float32:
        raise ValueError(f"value table of shape {table.shape}, {table.dtype}")
    if not np.isfinite(table).all():
        raise unsupported(f"mean {list(mean)} and std {list(std)} give values that are not finite")
    filter_name: Filter = resample  # type: ignore[assignment]  # checked above
    return Recipe(
        mode=mode,
        size=size,
        long_side=long_side,
        filter=filter_name,
        crop=crop,
        crop_rounding=crop_rounding,
        pad=pad,
        mean=three(mean),
        std=three(std),
        table_bytes=np.ascontiguousarray(table, dtype="<f4").tobytes(),
    )


def three(values: Sequence[float]) -> tuple[float, float, float]:
    """Three channel values from one or three.

    Raises:
        ModelError: There is another count of values.
    """
    numbers = [float(v) for v in values]
    if len(numbers) == 1:
        numbers *= 3
    if len(numbers) != 3:
        raise unsupported(f"{len(numbers)} channel values where an RGB image has 3")
    return numbers[0], numbers[1], numbers[2]


def extents(value: Any) -> tuple[int, int]:
    """(height, width) from a number or a pair.

    Raises:
        ModelError: The value is neither.
    """
    if isinstance(value, int):
        return value, value
    pair = [int(v) for v in value]
    if len(pair) == 1:
        pair *= 2
    if len(pair) != 2:
        raise unsupported(f"image size {value!r}")
    return pair[0], pair[1]


def torchvision_table(mean: Any, std: Any) -> npt.NDArray[np.float32]:
    """``Normalize(mean, std)(ToTensor()(image))`` of every pixel value, float32, shape (3, 256).

    torchvision divides bytes by 255 in float32, then subtracts and divides, each of them rounded
    once; so does NumPy, and torchvision need not be installed.

    Args:
        mean: Mean of each channel, or one for all.
        std: Standard deviation of each channel, or one for all.

    Raises:
        ModelError: A standard deviation is zero in float32, or a number of channels is not 3.
    """
    import numpy as np

    with np.errstate(all="ignore"):  # `build` refuses what is not finite
        low, high = (
            np.array(three(np.ravel(v).tolist()), dtype=np.float32)[:, None] for v in (mean, std)
        )
        if not high.all():
            raise unsupported(f"std {list(three(np.ravel(std).tolist()))} is zero in float32")
        ramp = np.arange(256, dtype=np.float32) / np.float32(255)
        return np.ascontiguousarray((ramp[None, :] - low) / high)


def image_recipe(
    *,
    size: int | tuple[int, int],
    crop: int | tuple[int, int] | None = None,
    mode: Mode = "shortest",
    resample: Filter = "bicubic",
    mean: Sequence[float] = (0.0, 0.0, 0.0),
    std: Sequence[float] = (1.0, 1.0, 1.0),
) -> Recipe:
    """A recipe for an own model: torchvision's Resize, CenterCrop, ToTensor and Normalize.

    Args:
        size: The scaled side (``shortest``) or the shape (``squash``), in pixels.
        crop: The shape that reaches the model; by default ``size``.
        mode: ``shortest`` or ``squash``.
        resample: Resampling filter.
        mean: Mean of each channel, or one for all.
        std: Standard deviation of each channel, or one for all.

    Raises:
        ModelError: A size, filter or normalisation has a value that is not allowed.
    """
    if mode not in ("shortest", "squash"):
        raise unsupported(f"mode {mode!r}; shortest and squash are offered here")
    scaled, low, high = extents(size), three(mean), three(std)
    if mode == "shortest" and scaled[0] != scaled[1]:
        raise unsupported(f"mode 'shortest' with two sides {scaled}")
    return build(
        mode=mode,
        size=scaled,
        crop=scaled if crop is None else extents(crop),
        resample=resample,
        table=torchvision_table(low, high),
        mean=low,
        std=high,
    )
