"""A torch module and its transform as a backbone, for calls from Python (docs/models.md).

In: a module that gives a row of features for each image, and the transform that it was trained
with. Out: a backbone whose recipe gives the values of the transform, bit for bit.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from biobench.decode.recipe import Recipe
from biobench.errors import ModelError, UsageError
from biobench.models import recipes
from biobench.models.module_backbone import ModuleBackbone, WeightsOrigin, described, finish
from biobench.models.names import ModelName

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch

PROBES = ((211, 160), (97, 401), (640, 427))
"""Sides of the images, in pixels, on which transform and recipe must agree."""
NO_CHANGE = ("RGB", "MaybeConvertMode", "ToPureTensor")
"""Steps that leave an RGB image, or its values, as they are; crops are of RGB images."""
TO_TENSOR = ("ToTensor", "MaybeToTensor", "PILToTensor", "MaybePILToTensor", "ToImage")
TO_FLOAT = ("ConvertImageDtype", "ToDtype")


def own_backbone(
    module: torch.nn.Module, transform: Callable[..., Any] | Recipe, *, name: str | None = None
) -> ModuleBackbone:
    """A backbone from a module and its transform; both stay as they are.

    The module is copied, put into eval mode and float32. The result is never official, because the
    code is the caller's own.

    Args:
        module: ``module(batch)`` takes float32 (N, 3, H, W) and gives (N, features); called from
            several threads at once.
        transform: The evaluation transform of torchvision, timm or open_clip: a ``Compose`` of
            ``Resize``, ``CenterCrop``, a conversion to a tensor, and ``Normalize``. Or a recipe, as
            :func:`biobench.models.recipes.image_recipe` makes one.
        name: Name in the result; by default the class of the module.

    Raises:
        UsageError: An argument is of another kind.
        ModelError: No recipe can express the transform, or the module does not give one row of
            features for an image.
    """
    import torch

    if not isinstance(module, torch.nn.Module):
        raise UsageError(
            f"{type(module).__name__} is not a torch module", remedy="give (module, transform)"
        )
    kind = type(module)
    full = f"py:{kind.__module__}:{kind.__qualname__}"
    parsed = ModelName(name or full, full, "py", f"{kind.__module__}:{kind.__qualname__}", "class")
    try:
        recipe = transform if isinstance(transform, Recipe) else recipe_of_transform(transform)
    except ModelError as error:
        raise ModelError(
            error.what,
            where=f"model {parsed.given!r}",
            remedy="give a recipe in its place, made with biobench.models.recipes.image_recipe",
        ) from error
    origin = WeightsOrigin("python", None, None, pinned=False, trusted=False)
    own = copy.deepcopy(module)
    return finish(parsed, own, own.__call__, recipe, feature="forward", origin=origin)


@dataclass
class _Parts:
    """The recipe that the steps of a transform amount to, as far as they have been read."""

    size: tuple[int, int] | None = None
    shortest: bool = False
    resample: str = "bilinear"
    crop: tuple[int, int] | None = None
    mean: Any = (0.0, 0.0, 0.0)
    std: Any = (1.0, 1.0, 1.0)
    tensor: bool = False
    scaled: bool = False
    tail: list[Any] = field(default_factory=list)


def recipe_of_transform(transform: Callable[..., Any]) -> Recipe:
    """The recipe of an evaluation transform on Pillow images.

    Its steps are read as values, and the recipe is compared with the transform on drawn images.

    Raises:
        ModelError: A step cannot be expressed, or the recipe does not give the transform's values.
    """
    parts = _Parts()
    for step in _steps(transform):
        _read(step, parts)
    if parts.size is None or not parts.tensor or not parts.scaled:
        lacking = "no Resize" if parts.size is None else "no conversion to values from 0 to 1"
        raise recipes.unsupported(lacking)
    mean, std = recipes.three(parts.mean), recipes.three(parts.std)
    recipe = recipes.build(
        mode="shortest" if parts.shortest else "squash",
        size=parts.size,
        crop=parts.crop or parts.size,
        resample=parts.resample,
        table=_table(parts.tail),
        mean=mean,
        std=std,
    )
    if parts.shortest and parts.crop is None:
        raise recipes.unsupported(
            "Resize to a side without CenterCrop, which gives images of any shape"
        )
    _compare(transform, recipe)
    return recipe


def _steps(transform: Any) -> Iterator[Any]:
    inner = getattr(transform, "transforms", None)
    if inner is None:
        yield transform
        return
    for step in inner:
        yield from _steps(step)


def _read(step: Any, parts: _Parts) -> None:
    """Add one step of a transform to what is known."""
    kind = type(step).__name__
    if kind in NO_CHANGE or getattr(step, "__name__", "") == "_convert_to_rgb":
        return
    if kind == "Resize" and parts.size is None and not parts.tensor:
        size = step.size
        parts.shortest = isinstance(size, int) or len(size) == 1
        if getattr(step, "max_size", None) is not None:
            raise recipes.unsupported("Resize with max_size")
        parts.size = recipes.extents(size)
        parts.resample = str(getattr(step.interpolation, "value", step.interpolation))
    elif kind == "CenterCrop" and parts.size is not None and parts.crop is None:
        parts.crop = recipes.extents(step.size)
    elif kind in TO_TENSOR and not parts.tensor:
        parts.tensor, parts.scaled = True, kind in ("ToTensor", "MaybeToTensor")
    elif kind in TO_FLOAT and parts.tensor:
        parts.scaled = True
    elif kind == "Normalize" and parts.scaled:
        parts.mean, parts.std = step.mean, step.std
    else:
        raise recipes.unsupported(f"the step {kind} at its place")
    if parts.tensor:
        parts.tail.append(step)


def _table(steps: Sequence[Callable[..., Any]]) -> npt.NDArray[np.float32]:
    """Values that the steps from the conversion to a tensor on make of pixel values, float32, shape
    (3, 256): libraries divide by 255 with other roundings."""
    import numpy as np
    from PIL import Image

    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    values: Any = Image.fromarray(ramp)
    for step in steps:
        values = step(values)
    return np.ascontiguousarray(np.asarray(values)[:, 0, :], dtype=np.float32)


def _compare(transform: Callable[..., Any], recipe: Recipe) -> None:
    """Raise ModelError where the recipe gives other values than the transform."""
    import numpy as np
    from PIL import Image

    from biobench.decode.definition import decode_reference

    for height, width in PROBES:
        rows, columns = np.mgrid[:height, :width]
        noise = (rows * 7919 + columns * 104729 + rows * columns * 31) % 251
        drawn = np.stack([noise, (noise * 3 + rows) % 256, (noise + columns * 5) % 256], axis=2)
        image = Image.fromarray(drawn.astype(np.uint8))
        try:
            theirs = np.asarray(transform(image), dtype=np.float32)
        except Exception as error:  # the caller's code raises anything
            raise ModelError(f"its transform fails: {described(error)}") from error
        with TemporaryDirectory(prefix="biobench-") as folder:
            image.save(Path(folder) / "drawn.png")
            crop = decode_reference(Path(folder) / "drawn.png", recipe)
        ours = np.stack([recipe.table[channel][crop[:, :, channel]] for channel in range(3)])
        if theirs.shape != ours.shape or not np.array_equal(theirs, ours):
            raise recipes.unsupported(
                f"an image of {width} x {height} pixels becomes other values than its steps say"
            )
