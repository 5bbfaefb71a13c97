"""The stratified, paired bootstrap and its percentile interval (SPEC.md, section "Intervals").

In: strata and outcomes of the scored items in manifest order. Out: one float64 a replicate, exact
in any language, from resamples that do not depend on the predictions.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from biobench.errors import UsageError
from biobench.metric.counts import IntArray
from biobench.metric.macro_f1 import class_f1
from biobench.metric.traits_f1 import CODES, trait_means
from biobench.probe.rows import row_sums
from biobench.spec.generator import GAMMA, Stream

_U64 = np.uint64
_BLOCK_WORDS = 1 << 16
"""Words handled at a time, so that the working arrays (half a megabyte each) stay in cache."""


@dataclass(frozen=True, eq=False)
class Strata:
    """Scored items grouped by stratum in ascending number, within a stratum in manifest order.

    order: the item at each position p, int64 (n,). start, size: first position and number of items
    of the stratum of p, uint64 (n,).
    """

    order: IntArray
    start: npt.NDArray[np.uint64]
    size: npt.NDArray[np.uint64]

    @classmethod
    def of(cls, numbers: IntArray) -> Strata:
        """Strata by the number of each item's stratum, int64 (n,), n >= 1."""
        _, sizes = np.unique(numbers, return_counts=True)
        starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
        return cls(
            order=np.argsort(numbers, kind="stable").astype(np.int64),
            start=np.repeat(starts, sizes).astype(np.uint64),
            size=np.repeat(sizes, sizes).astype(np.uint64),
        )


def resamples(strata: Strata, stream: Stream, replicates: int) -> Iterator[IntArray]:
    """Resampled positions in blocks of whole replicates, each of shape (block, n), int64.

    Replicate r draws for position p the position s + floor(word(r n + p) m / 2^64), where the
    stratum of p begins at s and has m items. The array is reused by the next block.
    """
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


def macro_f1_replicates(
    y_true: IntArray,
    y_pred: IntArray,
    stream: Stream,
    replicates: int,
    *,
    numbers: IntArray | None = None,
) -> npt.NDArray[np.float64]:
    """Official macro-F1 of each replicate, float64, shape (replicates,), from integer counts.

    numbers: the stratum of each item, int64 (n,), all of one true class; null means the true class.
    Every class keeps its number of true items in a resample, so the classes averaged over are those
    of the truth in every replicate. True ids must be >= 0; a prediction below 0 is always wrong.
    """
    strata = Strata.of(y_true if numbers is None else numbers)
    class_ids, class_sizes = np.unique(y_true, return_counts=True)
    # The last id stands for "no prediction" (below 0), which no class of the truth shares.
    size = int(max(y_true.max(), y_pred.max())) + 2
    y_pred = np.where(y_pred < 0, size - 1, y_pred)
    # A right prediction of class c counts in bin size + c, a wrong one in bin c: one pass for both.
    code = np.where(y_true == y_pred, y_pred + size, y_pred)[strata.order]
    values = np.empty(replicates, np.float64)
    done = 0
    for positions in resamples(strata, stream, replicates):
        block = positions.shape[0]
        drawn = code[positions]
        drawn += np.arange(block)[:, None] * (2 * size)
        counts = np.bincount(drawn.reshape(-1), minlength=block * 2 * size).reshape(block, 2, size)
        right = counts[:, 1, class_ids]
        predicted = right + counts[:, 0, class_ids]
        f1 = class_f1(right, class_sizes, predicted)
        values[done : done + block] = row_sums(f1) / class_ids.size
        done += block
    return values


def traits_f1_replicates(
    codes: IntArray, stream: Stream, replicates: int
) -> npt.NDArray[np.float64]:
    """Official trait macro-F1 of each replicate, float64, shape (replicates,).

    codes: those of :func:`biobench.metric.traits_f1.trait_codes`, int64 (n, traits). All items are
    one stratum, so a value of a trait may be missing from the truth of a resample.
    """
    n, traits = codes.shape
    flags = np.zeros((n, traits, CODES))
    np.put_along_axis(flags, codes[:, :, None], 1.0, axis=2)
    values = np.empty(replicates, np.float64)
    done = 0
    for positions in resamples(Strata.of(np.zeros(n, np.int64)), stream, replicates):
        block = positions.shape[0]
        places = positions + np.arange(block)[:, None] * n
        times = np.bincount(places.reshape(-1), minlength=block * n).reshape(block, n)
        # Counts below 2^53 are exact in float64 in any order of the product's sums.
        counts = times.astype(np.float64) @ flags.reshape(n, -1)
        means = trait_means(counts.reshape(block, traits, CODES).astype(np.int64), "official")
        values[done : done + block] = row_sums(means) / traits
        done += block
    return values


def user_loss_replicates(
    numbers: IntArray, loss: IntArray, worst: IntArray, stream: Stream, replicates: int
) -> npt.NDArray[np.float64]:
    """User loss of each replicate, float64, shape (replicates,).

    numbers: the stratum of each item, int64 (n,), all of one true class. loss, worst: those of
    :func:`biobench.metric.user_loss.losses`. The worst loss depends on the true classes alone and
    is the same in every resample.
    """
    strata = Strata.of(numbers)
    ordered, most = loss[strata.order], int(worst.sum())
    sums = [ordered[block].sum(axis=1) for block in resamples(strata, stream, replicates)]
    return (most - np.concatenate(sums)) / most


def group_accuracy_replicates(
    numbers: IntArray,
    groups: IntArray,
    right: npt.NDArray[np.bool_],
    stream: Stream,
    replicates: int,
) -> npt.NDArray[np.float64]:
    """Group accuracy of each replicate, float64, shape (replicates,).

    numbers: the stratum of each item, int64 (n,), strata of a group one after the other. groups:
    number of each item's group, int64 (n,). Every group keeps its size in a resample.
    """
    strata = Strata.of(numbers)
    ordered, sizes = right[strata.order].astype(np.int64), np.bincount(groups)
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    values = [
        row_sums(np.add.reduceat(ordered[block], starts, axis=1) / sizes) / sizes.size
        for block in resamples(strata, stream, replicates)
    ]
    return np.concatenate(values)


def share_replicates(
    numbers: IntArray, right: npt.NDArray[np.bool_], stream: Stream, replicates: int
) -> npt.NDArray[np.float64]:
    """Share of right items of each replicate, float64, shape (replicates,): accuracy and top-k.

    numbers: the stratum of each item, int64 (n,). The mean of ones and zeros: their sum is exact in
    any order.
    """
    return mean_replicates(numbers, right.astype(np.float64), stream, replicates)


def mean_replicates(
    numbers: IntArray, items: npt.NDArray[np.float64], stream: Stream, replicates: int
) -> npt.NDArray[np.float64]:
    """Mean of one float64 an item in each replicate, added in the order of positions.

    numbers: the stratum of each item, int64 (n,).
    """
    strata = Strata.of(numbers)
    ordered = items[strata.order]
    values = np.empty(replicates, np.float64)
    done = 0
    for positions in resamples(strata, stream, replicates):
        sums = row_sums(ordered[positions])
        values[done : done + sums.size] = sums / numbers.size
        done += sums.size
    return values


def bounds(values: npt.NDArray[np.float64], confidence: float) -> tuple[float, float]:
    """Percentile bounds: j-th smallest and j-th largest of R values, j = floor(R (1 - c) / 2).

    With 1,000 values and confidence 0.95 these are the 25th and the 976th smallest. The product is
    taken exactly on the decimal that ``confidence`` is written as, and j is at least 1.
    Raises UsageError for no values or a confidence outside (0, 1).
    """
    if values.size == 0 or not 0 < confidence < 1:
        raise UsageError(
            f"no interval of confidence {confidence} from {values.size} replicates",
            remedy="give replicates and a confidence between 0 and 1",
        )
    rank = max(1, math.floor(values.size * (1 - Fraction(str(confidence))) / 2))
    ordered = np.sort(values)
    return float(ordered[rank - 1]), float(ordered[values.size - rank])
