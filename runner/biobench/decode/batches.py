"""Batches of labelled images, pass after pass: what a training loop or an evaluation iterates.

In: items with labels, and a recipe. Out: (images, labels), in order or shuffled anew in each pass.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from dataclasses import replace
from numbers import Integral
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from biobench._common.optional_dependencies import require_torch
from biobench.decode.loader import ImageLoader
from biobench.decode.native import Dtype, Item, Layout, bad_images, names_of
from biobench.decode.recipe import Recipe
from biobench.errors import UsageError
from biobench.spec.generator import Stream

ArrayKind = Literal["numpy", "torch"]
INT64 = np.iinfo(np.int64)


class Batches:
    """(images, labels) of labelled items, anew in every loop.

    Each loop is an epoch: it makes an :class:`ImageLoader` of its own, so that a second one, or one
    after a ``break``, begins anew. The order of a shuffled epoch depends only on ``seed``, the
    number of the epoch and the number of samples: it is the permutation that the stream
    ``batches/<epoch>`` of the specification's generator gives (SPEC.md, section "Generator"), the
    same on every machine and with any version of any library.

    Args:
        samples: Pairs of an item (a path, or the content of an image file as bytes) and its label
            (a number, or an array of one shape for all), such as ``ImageFolder.samples``.
        recipe: How a file becomes the pixels of an image.
        batch_size: Items in a batch; the last one of an epoch may have fewer.
        shuffle: Draw another order for each epoch; without it the order is that of the samples.
        seed: Seed of the orders, from 0 to 2^64 - 1.
        drop_last: Leave out a last batch that is not full.
        arrays: ``numpy``, or ``torch`` for tensors over the same memory.
        layout: ``NCHW`` or ``NHWC``.
        dtype: ``float32``, the recipe's values, or ``uint8``, the pixels.
        options: Further arguments of :class:`ImageLoader`: ``workers``, ``prefetch``,
            ``max_bytes``, ``pin_memory``, ``more_formats``.

    Attributes:
        epoch: The number of the next epoch, from 0. Beginning a loop adds 1; set it to go on where
            an earlier program stopped.
        labels: Labels in the order of the samples.

    Raises:
        UsageError: An argument has a value that is not allowed.
        ModelError: torch is asked for and not installed.
        DataError: In a loop, files of the batch that is due cannot be read; names them.
    """

    def __init__(
        self,
        samples: Sequence[tuple[Item, Any]],
        recipe: Recipe,
        batch_size: int,
        *,
        shuffle: bool = False,
        seed: int = 0,
        drop_last: bool = False,
        arrays: ArrayKind = "numpy",
        layout: Layout = "NCHW",
        dtype: Dtype = "float32",
        **options: Any,
    ) -> None:
        if arrays not in get_args(ArrayKind):
            raise UsageError(f"arrays is {arrays!r}", remedy="use numpy or torch")
        if arrays == "torch":
            require_torch()
        pairs = [*samples]
        if not all(isinstance(pair, tuple | list) and len(pair) == 2 for pair in pairs):
            raise UsageError(
                "samples are pairs of an item and its label", remedy="give [(path, 0)]"
            )
        refused = sorted({"on_error", "hash_files"} & options.keys())
        if refused:
            raise UsageError(f"{refused[0]} has no use here", remedy="use ImageLoader")
        self._items = [pair[0] for pair in pairs]
        names_of(self._items)
        self.labels = _labels([pair[1] for pair in pairs])
        self.epoch = 0
        self._recipe, self._size, self._drop_last = recipe, batch_size, drop_last
        self._shuffle, self._seed, self._torch = shuffle, seed, arrays == "torch"
        self._options = {"layout": layout, "dtype": dtype, "on_error": "report", **options}
        Stream(seed, "batches/0")
        # What a loader refuses is refused here, and not when the first epoch begins.
        self._loader([])

    def __len__(self) -> int:
        """Number of batches of an epoch."""
        count = len(self._items)
        return count // self._size if self._drop_last else -(-count // self._size)

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        """One epoch: (images, labels), images as :attr:`ImageLoader` gives them in the layout and
        type asked for, labels int64 or what NumPy makes of them."""
        order = self.order(self.epoch)
        self.epoch += 1
        return self._batches(order)

    def order(self, epoch: int) -> npt.NDArray[np.int64]:
        """Places of the samples in the order of an epoch, shape (samples,), int64.

        Raises:
            UsageError: The epoch is not an integer from 0.
        """
        try:
            number = operator.index(epoch)
        except TypeError:
            number = -1
        if number < 0:
            raise UsageError(f"epoch is {epoch!r}", remedy="set an integer from 0")
        count = len(self._items)
        if not self._shuffle:
            return np.arange(count, dtype=np.int64)
        return Stream(self._seed, f"batches/{number}").permutation(count)

    def _batches(self, order: npt.NDArray[np.int64]) -> Iterator[tuple[Any, Any]]:
        kept = order[: len(self) * self._size]
        with self._loader([self._items[place] for place in kept]) as loader:
            for batch in loader:
                places = kept[batch.start : batch.start + len(batch)]
                if batch.failures:
                    found = [(failure, int(kept[failure.index])) for failure in batch.failures]
                    names = names_of(self._items)
                    raise bad_images(
                        [replace(one, index=place, path=names[place]) for one, place in found]
                    )
                labels = self.labels[places]
                if self._torch:
                    import torch

                    yield torch.from_numpy(batch.array), torch.from_numpy(labels)
                else:
                    yield batch.array, labels

    def _loader(self, items: Sequence[Item]) -> ImageLoader:
        return ImageLoader(items, self._recipe, batch_size=self._size, **self._options)


def _labels(given: Sequence[Any]) -> npt.NDArray[Any]:
    """Labels as one array: int64 where all are integers.

    Raises UsageError where they are no numbers, have several shapes, or are integers beyond int64.
    """
    try:
        labels = np.asarray(given, dtype=None if given else np.int64)
    except ValueError:
        labels = np.empty(0, dtype=object)
    # NumPy makes uint64 of integers beyond int64, float64 with negative ones beside them, and
    # objects beyond uint64.
    beyond = (
        labels.size > 0 and labels.max() > INT64.max
        if labels.dtype.kind == "u"
        else labels.dtype.kind in "fO" and any(map(_is_beyond, given))
    )
    if beyond:
        raise UsageError(
            "a label is an integer beyond 2^63 - 1 or below -2^63",
            remedy="give each class a smaller number",
        )
    if labels.dtype.kind not in "biuf":
        raise UsageError(
            "labels must be numbers, or arrays of numbers of one shape",
            remedy="give each class a number",
        )
    return labels.astype(np.int64) if labels.dtype.kind in "iu" else labels


def _is_beyond(label: object) -> bool:
    return isinstance(label, Integral) and not INT64.min <= int(label) <= INT64.max
