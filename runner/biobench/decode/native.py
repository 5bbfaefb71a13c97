"""Many files to pixels with the native layer (SPEC.md, section "Pixels").

In: paths, or the content of files, and a recipe. Out: uint8 (N, H, W, 3), digests and failures, in
their order.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from biobench._native import Loader, decode
from biobench.decode.recipe import Recipe
from biobench.errors import DataError, UsageError

if TYPE_CHECKING:
    from biobench.decode.pillow import PillowDecoder

Item = str | os.PathLike[str] | bytes
"""An image file: its path, or its content."""
Layout = Literal["NHWC", "NCHW"]
Dtype = Literal["uint8", "float32"]

NO_DIGEST = bytes(32)
"""Stands for the digest of an item that gave no pixels."""

_MAX_NAMED = 10


@dataclass(frozen=True)
class Failure:
    """One item that gave no pixels.

    Attributes:
        index: Its place among the items.
        path: That of the file; of content that was given as bytes its place and size.
        kind: A stable name, such as ``truncated``, ``corrupt``, ``not-found``,
            ``unsupported-format``, ``too-large``.
        message: The reason, without the path.
    """

    index: int
    path: str
    kind: str
    message: str


@dataclass(frozen=True)
class DecodedBatch:
    """Results in the order of the items.

    Attributes:
        pixels: uint8, shape (N, H, W, 3); zero where an item failed.
        digests: BLAKE3 of each crop's bytes, 32 bytes each; :data:`NO_DIGEST` where an item failed.
    """

    pixels: npt.NDArray[np.uint8]
    digests: list[bytes]
    failures: list[Failure]


def names_of(items: Sequence[Item]) -> list[str]:
    """Names of items for messages: the path, or the place and size of content.

    Raises:
        UsageError: An item is neither.
    """
    for item in items:
        if not isinstance(item, str | bytes | os.PathLike):
            raise UsageError(
                f"an item is {type(item).__name__}",
                remedy="give a path, or a file's content as bytes",
            )
    return [
        f"item {place} ({len(item):,} bytes)" if isinstance(item, bytes) else os.fspath(item)
        for place, item in enumerate(items)
    ]


def open_loader(
    items: Sequence[Item],
    recipe: Recipe,
    *,
    batch_size: int,
    workers: int,
    ahead: int,
    layout: Layout = "NHWC",
    dtype: Dtype = "uint8",
    allocate: Callable[[int], npt.NDArray[np.uint8]] | None = None,
    kernel: str | None = None,
    hash_files: bool = False,
    decoder: PillowDecoder | None = None,
) -> Loader:
    """The native loader of items by a recipe.

    Args:
        items: Image files, by path or content.
        recipe: The crop of each, and the table of float32 values.
        batch_size: Items of a batch; the last may have fewer.
        workers: Threads that load.
        ahead: Batches at most that wait or are being loaded.
        layout: ``NHWC`` or ``NCHW``.
        dtype: ``uint8`` for pixels, ``float32`` for the recipe's value of each.
        allocate: Gives a new writable uint8 array of a number of bytes, which nobody else uses; by
            default memory is the loader's own, and used again.
        kernel: One of ``biobench._native.kernels()``, for tests; pixels do not depend on it.
        hash_files: Hash the bytes that are decoded.
        decoder: Decodes other formats than JPEG and PNG; by default those of the specification.

    Raises:
        ValueError: An argument has a value that it cannot have.
        MemoryError: There is no room for the batches.
        OSError: There are no threads.
    """
    from biobench.decode.pillow import DECODER

    return Loader(
        items,
        mode=recipe.mode,
        size=recipe.size,
        long_side=recipe.long_side,
        filter=recipe.filter,
        crop=recipe.crop,
        crop_rounding=recipe.crop_rounding,
        pad=recipe.pad,
        layout=layout,
        table=recipe.table if dtype == "float32" else None,
        batch_size=batch_size,
        workers=workers,
        ahead=ahead,
        allocate=allocate,
        kernel=kernel,
        hash_files=hash_files,
        decoder=decoder or DECODER,
    )


def decode_file(
    path: str | os.PathLike[str],
    *,
    max_pixels: int | None = None,
    decoder: PillowDecoder | None = None,
) -> npt.NDArray[np.uint8]:
    """All pixels of a file; arguments and errors are those of :func:`biobench._native.decode`.
    Without a decoder the formats are those of the specification."""
    from biobench.decode.pillow import DECODER

    return decode(path, max_pixels=max_pixels, decoder=decoder or DECODER)


def decode_batch(
    items: Sequence[Item],
    recipe: Recipe,
    *,
    workers: int,
    kernel: str | None = None,
    decoder: PillowDecoder | None = None,
) -> DecodedBatch:
    """Decode, resize and crop; the interpreter is free meanwhile. One bad file does not lose the
    others.

    Args:
        items: Image files, each by its path or its content.
        recipe: From a decoded image to the crop.
        workers: Threads; the result does not depend on it.
        kernel: One of :func:`biobench._native.kernels`, for tests; the result does not depend on
            it.
        decoder: Decodes the formats beside JPEG and PNG; None takes those of the specification.

    Raises:
        ValueError: A recipe or a number of workers that cannot be.
        MemoryError: There is no room for the pixels.
    """
    items = list(items)
    names = names_of(items)
    count = max(1, len(names))
    loader = open_loader(
        items, recipe, batch_size=count, workers=workers, ahead=1, kernel=kernel, decoder=decoder
    )
    try:
        loaded = loader.next()
    finally:
        loader.close()
    if loaded is None:
        return DecodedBatch(np.zeros((0, *recipe.crop, 3), dtype=np.uint8), [], [])
    _, pixels, digests, reports, _ = loaded
    return DecodedBatch(pixels, digests, failures_of(reports, names, 0))


def failures_of(
    reports: Sequence[tuple[int, str, str]], names: Sequence[str], start: int
) -> list[Failure]:
    """Description by the native loader of a batch that begins with item ``start`` of ``names``."""
    return [Failure(start + i, names[start + i], kind, message) for i, kind, message in reports]


def bad_images(failures: Sequence[Failure]) -> DataError:
    """One error for all failures: the count, and the first ten with their reasons."""
    listed = [f"{failure.path}: {failure.message}" for failure in failures[:_MAX_NAMED]]
    if len(failures) > _MAX_NAMED:
        listed.append(f"and {len(failures) - _MAX_NAMED} more")
    noun = "image" if len(failures) == 1 else "images"
    return DataError(
        f"{len(failures)} {noun} cannot be read: {'; '.join(listed)}",
        remedy="repair or replace them",
    )
