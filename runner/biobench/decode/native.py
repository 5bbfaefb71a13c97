"""Many files to pixels with the native layer (SPEC.md, section "Pixels").

In: paths and a recipe. Out: uint8 (N, H, W, 3), digests and failures, in the order of the paths.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from biobench import _native
from biobench.decode.recipe import Recipe
from biobench.errors import DataError

NO_DIGEST = bytes(32)
"""Stands for the digest of an item that gave no pixels."""

_NAMED = 10


@dataclass(frozen=True)
class Failure:
    """One item that gave no pixels.

    index: its place among the items. kind: stable name, such as ``truncated``, ``corrupt``,
        ``not-found``, ``unsupported-format``, ``too-large``. message: the reason, without the path.
    """

    index: int
    path: str
    kind: str
    message: str


@dataclass(frozen=True)
class DecodedBatch:
    """Results in the order of the paths.

    pixels: uint8, shape (N, H, W, 3); zero where an item failed.
    digests: BLAKE3 of each crop's bytes, 32 bytes each; :data:`NO_DIGEST` where an item failed.
    """

    pixels: npt.NDArray[np.uint8]
    digests: list[bytes]
    failures: list[Failure]


def decode_batch(
    paths: Sequence[str | os.PathLike[str]],
    recipe: Recipe,
    *,
    workers: int,
    cancel: _native.Cancel | None = None,
) -> DecodedBatch:
    """Decode, resize and crop; the interpreter is free meanwhile.

    One bad file does not lose the others. The result does not depend on ``workers``. ``cancel``
    stops the work from another thread: the items that were not done fail with kind ``cancelled``.

    Raises ValueError for a recipe or a number of workers that cannot be, and MemoryError where
    there is no room for the pixels.
    """
    names = [os.fspath(path) for path in paths]
    pixels, digests, failures = _native.load_batch(
        names,
        mode=recipe.mode,
        size=recipe.size,
        long_side=recipe.long_side,
        filter=recipe.filter,
        crop=recipe.crop,
        crop_rounding=recipe.crop_rounding,
        pad=recipe.pad,
        workers=workers,
        cancel=cancel,
    )
    return DecodedBatch(
        pixels=pixels,
        digests=digests,
        failures=[Failure(index, names[index], kind, text) for index, kind, text in failures],
    )


def bad_images(failures: Sequence[Failure]) -> DataError:
    """One error for all failures: the count, and the first ten with their reasons."""
    listed = [f"{failure.path}: {failure.message}" for failure in failures[:_NAMED]]
    if len(failures) > _NAMED:
        listed.append(f"and {len(failures) - _NAMED} more")
    noun = "image" if len(failures) == 1 else "images"
    return DataError(
        f"{len(failures)} {noun} cannot be read: {'; '.join(listed)}",
        remedy="repair or replace them",
    )
