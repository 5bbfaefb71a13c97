"""Batches of pixels, decoded ahead on a background thread (SPEC.md, section "Pixels").

In: paths and a recipe. Out: an ordered iterator over batches, uint8 or float32.
"""

from __future__ import annotations

import os
import queue
import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from biobench import _native
from biobench.decode.native import DecodedBatch, Failure, bad_images, decode_batch
from biobench.decode.recipe import Recipe
from biobench.errors import BiobenchError, UsageError

Layout = Literal["NHWC", "NCHW"]
Dtype = Literal["uint8", "float32"]
OnError = Literal["raise", "report"]

_PATIENCE = 0.1
"""Seconds between two looks at whether anyone still wants the next batch."""


@dataclass(frozen=True)
class Batch:
    """Consecutive items.

    start: index of the first one. array: uint8 or float32, (N, H, W, 3) or (N, 3, H, W).
    digests: BLAKE3 of each uint8 crop, whatever the array's type; 32 zero bytes for a bad item.
    failures: bad items of this batch; ``index`` counts from the first item of the loader.
    """

    start: int
    array: npt.NDArray[Any]
    digests: list[bytes]
    failures: list[Failure]


@dataclass(frozen=True)
class _Work:
    """What the background thread needs; it must not hold the loader, or that is never collected."""

    paths: list[str]
    recipe: Recipe
    batch_size: int
    layout: Layout
    dtype: Dtype
    workers: int
    on_error: OnError
    ready: queue.Queue[Batch | BaseException | None]
    cancel: _native.Cancel

    def run(self) -> None:
        """Put every batch, then None; an exception takes the place of the batch that raised it."""
        try:
            for start in range(0, len(self.paths), self.batch_size):
                part = self.paths[start : start + self.batch_size]
                decoded = decode_batch(part, self.recipe, workers=self.workers, cancel=self.cancel)
                if not self._put(self._batch(start, decoded)):
                    return
        except BaseException as error:  # noqa: BLE001  # it is raised where the batch is awaited
            self._put(error)
            return
        self._put(None)

    def _batch(self, start: int, decoded: DecodedBatch) -> Batch:
        if decoded.failures and self.on_error == "raise":
            raise bad_images(decoded.failures)
        return Batch(
            start=start,
            array=arrange(decoded.pixels, self.recipe, self.layout, self.dtype),
            digests=decoded.digests,
            failures=[replace(f, index=start + f.index) for f in decoded.failures],
        )

    def _put(self, item: Batch | BaseException | None) -> bool:
        """Whether the item was taken in before the loader closed or the interpreter ended.

        At its end the interpreter waits for this thread with the main thread marked as ended. A
        daemon thread would be killed inside native code instead.
        """
        while not self.cancel.is_set() and threading.main_thread().is_alive():
            try:
                self.ready.put(item, timeout=_PATIENCE)
            except queue.Full:
                continue
            return True
        return False


class ImageLoader:
    """An ordered iterator over batches of images; a context manager.

    It decodes ahead while the caller works on the last batch. At most ``prefetch`` batches wait,
    and one more is being decoded. The arrays depend only on files and recipe, never on
    ``workers``, ``prefetch`` or ``batch_size``.

    items: paths. layout: ``NHWC`` or ``NCHW``. dtype: ``uint8``, the pixels; ``float32``, the
    recipe's value table applied to them. workers: threads, by default one for each usable core.
    on_error: ``raise`` a DataError that names the bad files of a batch, or ``report`` them in
    :attr:`Batch.failures` with zero pixels. Raises UsageError for arguments that cannot be.
    """

    def __init__(
        self,
        items: Sequence[str | os.PathLike[str]],
        recipe: Recipe,
        *,
        batch_size: int,
        layout: Layout = "NHWC",
        dtype: Dtype = "uint8",
        workers: int | None = None,
        prefetch: int = 2,
        on_error: OnError = "raise",
    ) -> None:
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
            if number < 1:
                raise UsageError(f"{name} is {number}", remedy="use 1 or more")
        self._length = -(-len(items) // batch_size)
        self._ready: queue.Queue[Batch | BaseException | None] = queue.Queue(prefetch)
        self._cancel = _native.Cancel()
        work = _Work(
            paths=[os.fspath(item) for item in items],
            recipe=recipe,
            batch_size=batch_size,
            layout=layout,
            dtype=dtype,
            workers=workers,
            on_error=on_error,
            ready=self._ready,
            cancel=self._cancel,
        )
        self._ended = False
        self._thread = threading.Thread(target=work.run, name="biobench-loader", daemon=False)
        self._thread.start()
        # A loader that is dropped half-way stops its thread.
        weakref.finalize(self, self._cancel.set)

    def __len__(self) -> int:
        """Number of batches."""
        return self._length

    def __iter__(self) -> ImageLoader:
        return self

    def __next__(self) -> Batch:
        """The next batch. After the end, an error or :meth:`close` there is none.

        Any thread may ask, but the batches end with the main thread: asking then raises a
        BiobenchError.
        """
        if self._ended:
            raise StopIteration
        item = self._await()
        if isinstance(item, Batch):
            return item
        self.close()
        if item is None:
            raise StopIteration
        raise item

    def _await(self) -> Batch | BaseException | None:
        """What the background thread put next.

        That thread may end without a last word: when the loader is closed from another thread, or
        when the main thread has ended.
        """
        while True:
            # In this order: what was put before the thread ended is still found.
            running = self._thread.is_alive()
            try:
                return self._ready.get(timeout=_PATIENCE if running else 0)
            except queue.Empty:
                if running:
                    continue
            if self._ended or self._cancel.is_set():
                return None
            return BiobenchError(
                "decoding stopped because the main thread of the program has ended",
                where="image loader",
                remedy="let the main thread wait for the thread that iterates (Thread.join)",
            )

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
        """Stop decoding and wait for the thread, which takes no longer than one scan of an image.

        It may be called again.
        """
        self._ended = True
        self._cancel.set()
        self._thread.join()


def arrange(
    pixels: npt.NDArray[np.uint8], recipe: Recipe, layout: Layout, dtype: Dtype
) -> npt.NDArray[Any]:
    """uint8 (N, H, W, 3) in another layout or through the value table; contiguous."""
    if dtype == "float32":
        values = recipe.normalise(pixels)
        return values if layout == "NCHW" else np.ascontiguousarray(values.transpose(0, 2, 3, 1))
    return pixels if layout == "NHWC" else np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))


def usable_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
