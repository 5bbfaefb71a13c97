"""The stratified, paired bootstrap and its percentile interval (SPEC.md, section "Intervals").

In: strata and outcomes of the scored items in manifest order. Out: one float64 a replicate, exact
in any language, from resamples that do not depend on the predictions.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench._common.arguments import flags, integers, real_number, reals, whole_number
from biobench._common.ordered_sums import row_sums
from biobench._native import resample_tallies
from biobench.errors import UsageError
from biobench.metric.counts import IntArray, label_ids, label_pair
from biobench.metric.macro_f1 import class_f1, class_places
from biobench.metric.traits_f1 import CODES, trait_means
from biobench.spec.generator import GAMMA, Stream

_U64 = np.uint64
_BLOCK_WORDS = 1 << 16
"""Words handled at a time, so that the working arrays (half a megabyte each) stay in cache."""

_TRAIT_CODES = "pass what trait_codes() returns"
_REPLICATES = "pass one number for each replicate"


@dataclass(frozen=True, eq=False)
class Strata:
    """Scored items grouped by stratum in ascending number, within a stratum in manifest order.

    Attributes:
        order: The item at each position p, int64 (n,).
        start: First position of the stratum of p, uint64 (n,).
        size: Number of items of the stratum of p, uint64 (n,).
    """

    order: IntArray
    start: npt.NDArray[np.uint64]
    size: npt.NDArray[np.uint64]

    @classmethod
    def of(cls, numbers: IntArray) -> Strata:
        """Strata by the number of each item's stratum, int64 (n,), n >= 1; raises UsageError
        otherwise."""
        numbers = label_ids(numbers, "numbers")
        _, sizes = np.unique(numbers, return_counts=True)
        starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
        return cls(
            order=np.argsort(numbers, kind="stable").astype(np.int64),
            start=np.repeat(starts, sizes).astype(np.uint64),
            size=np.repeat(sizes, sizes).astype(np.uint64),
        )

    def require_one(self, values: IntArray, name: str) -> None:
        """Raise UsageError unless the items of a stratum have one value each, int64 (n,)."""
        if values.size != self.order.size:
            raise UsageError(
                f"numbers has {self.order.size} values for {values.size} items",
                remedy="pass the stratum of each item",
            )
        ordered = values[self.order]
        if not np.array_equal(ordered, ordered[self.start.astype(np.int64)]):
            raise UsageError(
                f"a stratum holds items with several values of {name}",
                remedy="give them strata of their own",
            )


def resamples(strata: Strata, stream: Stream, replicates: int) -> Iterator[IntArray]:
    """Resampled positions in blocks of whole replicates, each of shape (block, n), int64.

    Replicate r draws for position p the position s + floor(word(r n + p) m / 2^64), where the
    stratum of p begins at s and has m items. The array is reused by the next block. Raises
    UsageError unless ``replicates`` is an integer of at least 1.
    """
    return _blocks(strata, stream, whole_number("replicates", replicates, 1))


def _blocks(strata: Strata, stream: Stream, replicates: int) -> Iterator[IntArray]:
    n = strata.order.size
    block = max(1, min(replicates, _BLOCK_WORDS // n))
    shape = (block, n)
    # The words of Stream.words and generator.multiply_high, in place and with one bound a column.
    steps = (np.arange(1, block * n + 1, dtype=np.uint64) * _U64(GAMMA)).reshape(shape)
    words, work = np.empty(shape, np.uint64), np.empty(shape, np.uint64)
    for first in range(0, replicates, block):
        rows = min(block, replicates - first)
        word, spare = words[:rows], work[:rows]
        origin = (stream.key + first * n * GAMMA) & ((1 << 64) - 1)
        np.add(steps[:rows], _U64(origin), out=word)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            np.right_shift(word, _U64(shift), out=spare)
            np.bitwise_xor(word, spare, out=word)
            np.multiply(word, _U64(factor), out=word)
        np.right_shift(word, _U64(31), out=spare)
        np.bitwise_xor(word, spare, out=word)
        np.bitwise_and(word, _U64(0xFFFFFFFF), out=spare)
        np.multiply(spare, strata.size, out=spare)
        np.right_shift(spare, _U64(32), out=spare)
        np.right_shift(word, _U64(32), out=word)
        np.multiply(word, strata.size, out=word)
        np.add(word, spare, out=word)
        np.right_shift(word, _U64(32), out=word)
        np.add(word, strata.start, out=word)
        yield word.view(np.int64)


_BLOCK_DRAWS = 1 << 24
"""Draws of a call of the native layer, which Ctrl-C waits for: about 50 ms."""
_BLOCK_TALLIES = 1 << 17
"""Tallies of a block: one megabyte."""
_BLOCK_TIMES = 1 << 21
"""Tallies of a block whose codes are the items: 16 megabytes."""


def tallies(
    strata: Strata,
    codes: npt.NDArray[np.integer[Any]],
    bins: int,
    stream: Stream,
    replicates: int,
    *,
    most: int | None = None,
) -> Iterator[IntArray]:
    """Number of drawn items of each code, in blocks of whole replicates, int64 (block, bins).

    The resamples are those of :func:`resamples`, which is the definition; here they are counted as
    they are drawn.

    Args:
        strata: The items.
        codes: Of each item, from 0 to ``bins`` - 1, integers (n,), in the order of the items.
        bins: Number of codes.
        stream: Where the resamples are drawn from.
        replicates: Number of replicates, at least 1.
        most: Most numbers of a block of several replicates; by default a megabyte of them.

    Raises:
        UsageError: ``replicates`` is not such a number.
    """
    replicates = whole_number("replicates", replicates, 1)
    ordered = codes[strata.order].astype(np.uint32)
    most = _BLOCK_TALLIES if most is None else most
    block = max(1, min(most // bins, _BLOCK_DRAWS // ordered.size))
    for first in range(0, replicates, block):
        yield resample_tallies(
            stream.key, first, min(block, replicates - first), strata.start, strata.size,
            ordered, bins,
        )  # fmt: skip


def macro_f1_replicates(
    y_true: IntArray,
    y_pred: IntArray,
    stream: Stream,
    replicates: int,
    *,
    numbers: IntArray | None = None,
) -> npt.NDArray[np.float64]:
    """Official macro-F1 of each replicate, float64, shape (replicates,), from integer counts.

    Every class keeps its number of true items in a resample, so the classes averaged over are those
    of the truth in every replicate.

    Args:
        y_true: True label ids, integers >= 0 (n,).
        y_pred: Predicted label ids, integers (n,); an id below 0 is always wrong.
        stream: Where the resamples are drawn from.
        replicates: Number of replicates.
        numbers: The stratum of each item, int64 (n,), all of one true class; None means the true
            class.

    Raises:
        UsageError: The input is not as described.
    """
    y_true, y_pred = label_pair(y_true, y_pred)
    class_sizes, own, guess = class_places(y_true, y_pred)
    strata = Strata.of(own if numbers is None else numbers)
    strata.require_one(own, "y_true")
    classes = class_sizes.size
    # The last bin takes predictions that are not a class of the truth.
    size = classes + 1
    # A right prediction of class c counts in bin size + c, a wrong one in bin c: one pass for both.
    code = np.where(own == guess, guess + size, guess)
    values = []
    for drawn in tallies(strata, code, 2 * size, stream, replicates):
        counts = drawn.reshape(-1, 2, size)
        right = counts[:, 1, :classes]
        predicted = right + counts[:, 0, :classes]
        values.append(row_sums(class_f1(right, class_sizes, predicted)) / classes)
    return np.concatenate(values)


def traits_f1_replicates(
    codes: IntArray, stream: Stream, replicates: int
) -> npt.NDArray[np.float64]:
    """Official trait macro-F1 of each replicate, float64, shape (replicates,).

    All items are one stratum, so a value of a trait may be missing from the truth of a resample.

    Args:
        codes: Those of :func:`biobench.metric.traits_f1.trait_codes`, int64 (n, traits).
        stream: Where the resamples are drawn from.
        replicates: Number of replicates.

    Raises:
        UsageError: The input is not as described.
    """
    codes = integers("codes", codes, remedy=_TRAIT_CODES)
    if codes.ndim != 2 or codes.size == 0 or not np.isin(codes, range(CODES)).all():
        raise UsageError("codes holds a value that is not a code of a trait", remedy=_TRAIT_CODES)
    n, traits = codes.shape
    flags = np.zeros((n, traits, CODES))
    np.put_along_axis(flags, codes[:, :, None], 1.0, axis=2)
    strata, flat = Strata.of(np.zeros(n, np.int64)), flags.reshape(n, -1)
    # Many replicates a product, so that the flags are read once for all of them.
    most = min(_BLOCK_TIMES, n * max(1, _BLOCK_TALLIES // flat.shape[1]))
    values = []
    for times in tallies(strata, np.arange(n), n, stream, replicates, most=most):
        # Counts below 2^53 are exact in float64 in any order of the product's sums.
        counts = times.astype(np.float64) @ flat
        means = trait_means(counts.reshape(-1, traits, CODES).astype(np.int64), "official")
        values.append(row_sums(means) / traits)
    return np.concatenate(values)


def user_loss_replicates(
    numbers: IntArray, loss: IntArray, worst: IntArray, stream: Stream, replicates: int
) -> npt.NDArray[np.float64]:
    """User loss of each replicate, float64, shape (replicates,).

    The worst loss depends on the true classes alone and is the same in every resample.

    Args:
        numbers: The stratum of each item, int64 (n,), all of one true class.
        loss: Loss of each item, of :func:`biobench.metric.user_loss.losses`.
        worst: Worst loss of each item, of the same function.
        stream: Where the resamples are drawn from.
        replicates: Number of replicates.

    Raises:
        UsageError: The input is not as described.
    """
    loss, worst = label_ids(loss, "loss"), label_ids(worst, "worst")
    strata = Strata.of(numbers)
    strata.require_one(worst, "worst")
    if loss.size != worst.size or not ((loss >= 0) & (loss <= worst) & (worst > 0)).all():
        raise UsageError(
            "loss is not between 0 and worst for every item", remedy="pass what losses() returns"
        )
    most = int(worst.sum())
    amounts, code = np.unique(loss, return_inverse=True)
    drawn = tallies(strata, code, amounts.size, stream, replicates)
    sums = [(block * amounts).sum(axis=1) for block in drawn]
    return (most - np.concatenate(sums)) / most


def group_accuracy_replicates(
    numbers: IntArray,
    groups: IntArray,
    right: npt.NDArray[np.bool_],
    stream: Stream,
    replicates: int,
) -> npt.NDArray[np.float64]:
    """Group accuracy of each replicate, float64, shape (replicates,).

    Every group keeps its size in a resample.

    Args:
        numbers: The stratum of each item, int64 (n,), strata of a group one after the other.
        groups: Number of each item's group, int64 (n,), from 0 upwards without a gap.
        right: bool (n,).
        stream: Where the resamples are drawn from.
        replicates: Number of replicates.

    Raises:
        UsageError: The input is not as described.
    """
    strata, groups = Strata.of(numbers), label_ids(groups, "groups")
    strata.require_one(groups, "groups")
    placed = groups[strata.order]
    if placed[0] != 0 or not np.isin(np.diff(placed), (0, 1)).all():
        raise UsageError(
            "groups are not numbered from 0 in the order of their strata",
            remedy="pass group_numbers() and stratum_numbers()",
        )
    right = flags("right", right, groups.size)
    sizes = np.bincount(groups)
    # The last bin takes what is wrong.
    code = np.where(right, groups, sizes.size)
    values = [
        row_sums(counts[:, :-1] / sizes) / sizes.size
        for counts in tallies(strata, code, sizes.size + 1, stream, replicates)
    ]
    return np.concatenate(values)


def share_replicates(
    numbers: IntArray, right: npt.NDArray[np.bool_], stream: Stream, replicates: int
) -> npt.NDArray[np.float64]:
    """Share of right items of each replicate, float64, shape (replicates,): accuracy and top-k.

    It is the mean of ones and zeros, whose sum is a count.

    Args:
        numbers: The stratum of each item, int64 (n,).
        right: bool (n,).
        stream: Where the resamples are drawn from.
        replicates: Number of replicates.

    Raises:
        UsageError: The input is not as described.
    """
    strata = Strata.of(numbers)
    right = flags("right", right, strata.order.size)
    drawn = tallies(strata, right.astype(np.uint32), 2, stream, replicates)
    return np.concatenate([counts[:, 1] for counts in drawn]) / right.size


def mean_replicates(
    numbers: IntArray, items: npt.NDArray[np.float64], stream: Stream, replicates: int
) -> npt.NDArray[np.float64]:
    """Mean of one float64 an item in each replicate, added in the order of positions.

    Args:
        numbers: The stratum of each item, int64 (n,).
        items: Finite float64 (n,).
        stream: Where the resamples are drawn from.
        replicates: Number of replicates.

    Raises:
        UsageError: The input is not as described.
    """
    strata = Strata.of(numbers)
    ordered = reals("items", items, strata.order.size)[strata.order]
    return np.concatenate(
        [
            row_sums(ordered[positions]) / ordered.size
            for positions in resamples(strata, stream, replicates)
        ]
    )


def bounds(values: npt.NDArray[np.float64], confidence: float) -> tuple[float, float]:
    """Percentile bounds: j-th smallest and j-th largest of R values, j = floor(R (1 - c) / 2).

    With 1,000 values and confidence 0.95 these are the 25th and the 976th smallest. The product is
    taken exactly on the decimal that ``confidence`` is written as, and j is at least 1.

    Args:
        values: Finite numbers (R,), R >= 1.
        confidence: c, in (0, 1).

    Raises:
        UsageError: The input is not as described.
    """
    values = reals("values", values, remedy=_REPLICATES)
    real_number("confidence", confidence, above=0, below=1)
    if values.size == 0:
        raise UsageError("there is no replicate to take an interval from", remedy=_REPLICATES)
    rank = max(1, math.floor(values.size * (1 - Fraction(str(confidence))) / 2))
    ordered = np.sort(values)
    return float(ordered[rank - 1]), float(ordered[values.size - rank])
