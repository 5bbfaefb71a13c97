"""Batches of pixels, loaded ahead by native threads (SPEC.md, section "Pixels").

In: paths, or the content of files, and a recipe. Out: an ordered iterator over batches, uint8 or
float32.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Integral
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from biobench._common.optional_dependencies import require_torch
from biobench.decode.native import (
    Dtype,
    Failure,
    Item,
    Layout,
    bad_images,
    failures_of,
    names_of,
    open_loader,
)
from biobench.decode.recipe import Recipe
from biobench.errors import UsageError

if TYPE_CHECKING:
    from biobench.data.file_hashes import Identity
    from biobench.decode.pillow import PillowDecoder

OnError = Literal["raise", "report"]

MOST = {"batch_size": 1_000_000, "workers": 1024, "prefetch": 1024}
"""Beyond these an argument is a mistake: memory or threads would end first."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Consecutive items. NumPy and DLPack read it without a copy: ``torch.from_dlpack(batch)``.

    The array is the caller's, to keep or to write to. Its memory holds a later batch once nothing
    refers to it any more: no array, no view, no tensor.

    Attributes:
        start: Index of the first one.
        array: uint8 or float32, (N, H, W, 3) or (N, 3, H, W).
        digests: BLAKE3 of each uint8 (H, W, 3) crop, whatever the array's form; 32 zero bytes for a
            bad item.
        failures: Bad items of this batch; ``index`` counts from the first item of the loader.
        files: With ``hash_files``, the SHA-256 of the very bytes that were decoded, and size,
            inode, modification and change time of the file that they were read from (``None`` where
            these changed meanwhile); ``None`` for an item whose file could not be read.
    """

    start: int
    array: npt.NDArray[Any]
    digests: list[bytes]
    failures: list[Failure]
    files: list[tuple[bytes, Identity | None] | None]

    def __len__(self) -> int:
        """Number of items."""
        return len(self.array)

    def __array__(
        self, dtype: npt.DTypeLike | None = None, copy: bool | None = None
    ) -> npt.NDArray[Any]:
        return np.asarray(self.array, dtype=dtype, copy=copy)

    def __dlpack__(self, **options: Any) -> Any:
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.array.__dlpack_device__()


class ImageLoader:
    """An ordered iterator over batches of images, passed through once; a context manager.

    Native threads load ahead while the caller works on the last batch: at most ``prefetch`` batches
    wait and one more is being loaded. Every thread takes the next item of all of these, so that a
    huge file holds up its own batch alone. The arrays depend only on files and recipe, never on
    ``workers``, ``prefetch`` or ``batch_size``. The threads end when the iterator ends, is closed
    or is no longer referred to. In a forked process the loader raises UsageError: a loader is made
    where it is iterated.

    Args:
        items: Paths, or the content of image files as bytes.
        recipe: From a decoded image to the crop.
        batch_size: Images of a batch; the last one may have fewer.
        layout: ``NHWC`` or ``NCHW``.
        dtype: ``uint8``, the pixels; ``float32``, the recipe's value table applied to them.
        workers: Threads; None takes one for each usable core.
        prefetch: Batches that may wait.
        on_error: ``raise`` a DataError that names the bad files of a batch, or ``report`` them in
            :attr:`Batch.failures` and give a black image in their place.
        max_bytes: Bound on the batches that the loader itself holds; fewer are prefetched where it
            asks for that.
        pin_memory: Load into memory that CUDA can copy from while the program goes on, as long as
            the system gives such memory; torch has to see a CUDA device.
        hash_files: Give :attr:`Batch.files`.
        more_formats: Decode every format that Pillow and its installed plugins read here, not those
            of the specification alone.

    Raises:
        UsageError: An argument has a value that is not allowed.
        ModelError: ``pin_memory`` without torch.
        MemoryError: There is no room for the batches.
    """

    def __init__(
        self,
        items: Sequence[Item],
        recipe: Recipe,
        *,
        batch_size: int,
        layout: Layout = "NHWC",
        dtype: Dtype = "uint8",
        workers: int | None = None,
        prefetch: int = 2,
        on_error: OnError = "raise",
        max_bytes: int | None = None,
        pin_memory: bool = False,
        hash_files: bool = False,
        more_formats: bool = False,
    ) -> None:
        if isinstance(items, str | bytes | os.PathLike):
            raise UsageError("items is one path or file", remedy="give a list of them")
        if not isinstance(recipe, Recipe):
            raise UsageError(
                f"recipe is {type(recipe).__name__}", remedy="use image_recipe or a model's recipe"
            )
        for name, value, allowed in (
            ("layout", layout, get_args(Layout)),
            ("dtype", dtype, get_args(Dtype)),
            ("on_error", on_error, get_args(OnError)),
        ):
            if value not in allowed:
                raise UsageError(f"{name} is {value!r}", remedy=f"use one of {', '.join(allowed)}")
        workers = usable_cores() if workers is None else workers
        for name, number in (
            ("batch_size", batch_size),
            ("workers", workers),
            ("prefetch", prefetch),
        ):
            if not isinstance(number, Integral) or not 1 <= int(number) <= MOST[name]:
                raise UsageError(f"{name} is {number!r}", remedy=f"use 1 to {MOST[name]:,}")
        items = list(items)
        self._names = names_of(items)
        self._length = -(-len(self._names) // batch_size)
        self._on_error = on_error
        self._ended = False
        self._process = os.getpid()
        ahead = prefetch + 1
        if max_bytes is not None:
            largest = max(1, min(batch_size, len(self._names)))
            ahead = min(ahead, _ahead(max_bytes, largest, recipe, dtype))
        allocate = pinned_memory() if pin_memory else None
        try:
            self._native = open_loader(
                items,
                recipe,
                batch_size=batch_size,
                workers=workers,
                ahead=ahead,
                layout=layout,
                dtype=dtype,
                allocate=allocate,
                hash_files=hash_files,
                decoder=_more_formats() if more_formats else None,
            )
        except ValueError as error:
            raise UsageError(
                str(error),
                where="recipe",
                remedy="make it with biobench.models.recipes.image_recipe; counts are at least 1",
            ) from error

    def __len__(self) -> int:
        """Number of batches."""
        return self._length

    def __iter__(self) -> ImageLoader:
        return self

    def __next__(self) -> Batch:
        """The next batch. After the end, an error or :meth:`close` there is none.

        Any thread may ask; each batch is given once.

        Raises:
            DataError: A file cannot be decoded, and ``on_error`` asks to stop there.
            UsageError: The process was forked from that of the loader.
            KeyboardInterrupt: Ctrl-C was pressed; no batch is lost.
        """
        if self._ended:
            raise StopIteration
        if os.getpid() != self._process:
            raise UsageError(
                f"the loader belongs to process {self._process}, from which this one was forked",
                where="image loader",
                remedy="make the loader in the process that iterates",
            )
        loaded = self._native.next()
        if loaded is None:
            self.close()
            raise StopIteration
        start, array, digests, found, files = loaded
        failures = failures_of(found, self._names, start)
        if failures and self._on_error == "raise":
            self.close()
            raise bad_images(failures)
        return Batch(start, array, digests, failures, files)

    def __enter__(self) -> ImageLoader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop loading and wait until it has stopped, no longer than one scan of an image takes.

        It may be called again, and from another thread than the one that iterates.
        """
        self._ended = True
        self._native.close()


def _more_formats() -> PillowDecoder:
    from biobench.decode.headers import more_formats

    return more_formats()


def _ahead(max_bytes: int, batch_size: int, recipe: Recipe, dtype: Dtype) -> int:
    """Number of batches that may be in work: one more may wait to be used again."""
    height, width = recipe.crop
    batch = batch_size * height * width * 3 * np.dtype(dtype).itemsize
    if max_bytes < 2 * batch:
        raise UsageError(
            f"max_bytes is {max_bytes}, and two batches have {2 * batch}",
            remedy="give more, or a smaller batch_size",
        )
    return max_bytes // batch - 1


def pinned_memory() -> Callable[[int], npt.NDArray[np.uint8]]:
    """A function that gives page-locked memory, which torch takes back when it is free, and other
    memory where the system locks no more of it.

    torch does not give memory out again while a copy from it that it knows of is still running.

    Raises:
        UsageError: torch sees no CUDA device.
        ModelError: torch is not installed.
    """
    require_torch()
    import torch

    if not torch.cuda.is_available():
        raise UsageError("pin_memory needs CUDA, and torch sees no device", remedy="leave it out")

    def allocate(size: int) -> npt.NDArray[np.uint8]:
        try:
            return torch.empty(size, dtype=torch.uint8, pin_memory=True).numpy()
        except RuntimeError:
            # A copy from it makes the program wait, and is as right.
            return np.empty(size, np.uint8)

    return allocate


def usable_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
