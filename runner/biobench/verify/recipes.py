"""A recipe as a result states it, and the value table that follows from its mean and std.

In: the recipe of a result. Out: the recipe's value, and a table (SPEC.md, sections "Recipes" and
"Value table").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from biobench.decode.limits import MAX_RECIPE_SIDE
from biobench.decode.recipe import Recipe


def recipe_of(document: Mapping[str, Any]) -> Recipe:
    """The geometry of a recipe as a result states it; its value table moves no pixel."""
    return Recipe.from_document(document, b"")


def impossible_sides(recipe: Recipe) -> str | None:
    """Describe sides that no run can have, None where they are possible."""
    if max(*recipe.size, *recipe.crop) <= MAX_RECIPE_SIDE:
        return None
    return (
        f"no run has a recipe with a side above {MAX_RECIPE_SIDE}, and it states size "
        f"{recipe.size[0]} x {recipe.size[1]} and crop {recipe.crop[0]} x {recipe.crop[1]}"
    )


def torchvision_values(mean: Sequence[float], std: Sequence[float]) -> bytes:
    """The output of torchvision's ToTensor and Normalize for each value, float32 little-endian (3,
    256), without torch: bytes / 255, then minus mean, then / std, each rounded to float32."""
    values = np.arange(256, dtype=np.float32) / np.float32(255)
    with np.errstate(all="ignore"):
        channels = [
            (values - np.float32(m)) / np.float32(s) for m, s in zip(mean, std, strict=True)
        ]
    return np.asarray(channels, "<f4").tobytes()
