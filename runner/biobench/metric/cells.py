"""Contributions of each cluster to each class of a metric (SPEC.md, section "Intervals").

In: predictions and the cluster of each item. Out: a sparse table of cluster and class that the
half-jackknife reads, one shape for all metrics.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from biobench._common.arguments import flags, reals
from biobench._common.distinct import distinct
from biobench._common.ordered_sums import sums_by_place
from biobench.data.predictions import Predictions
from biobench.errors import UsageError
from biobench.metric.counts import IntArray, label_ids, name_numbers
from biobench.metric.macro_f1 import class_places
from biobench.metric.traits_f1 import CODES

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Cells:
    """A metric as quotients N / D of classes, averaged over the classes of a block, then over the
    blocks.

    Classes are numbered in ascending order, those of a block one after the other; each has T > 0.

    Attributes:
        block: Block of each class, int64 (classes,), from 0 upwards without a gap.
        numerator: N of each class, float64 (classes,).
        denominator: D of each class, float64 (classes,), at least T.
        support: T of each class, float64 (classes,), what the truth alone decides.
        cluster: Cluster of each cell, int64 (cells,), ascending, from 0 upwards without a gap.
        place: Class of each cell, int64 (cells,), ascending within a cluster.
        n: What the cluster adds to N, float64 (cells,).
        d: What it adds to D.
        t: What it adds to T.
    """

    block: IntArray
    numerator: FloatArray
    denominator: FloatArray
    support: FloatArray
    cluster: IntArray
    place: IntArray
    n: FloatArray
    d: FloatArray
    t: FloatArray


def cluster_numbers(predictions: Predictions) -> IntArray:
    """Position of each item's cluster among the clusters in code-point order, int64 (items,).

    Without clusters each item is its own.
    """
    return name_numbers(predictions.clusters, "cluster")


def class_cells(clusters: IntArray, y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Cells:
    """Cells of macro-F1: of each class of the truth N = 2 right, D = true + predicted, T = true.

    Args:
        clusters: Cluster of each item, int64 (n,).
        y_true: True label ids >= 0, integers (n,).
        y_pred: Predicted label ids, integers (n,).

    Raises:
        UsageError: A true id is below 0, or the lengths differ.
    """
    sizes, own, guess = class_places(label_ids(y_true, "y_true"), label_ids(y_pred, "y_pred"))
    return _counted(clusters, own, guess, np.zeros(sizes.size, np.int64))


def trait_cells(clusters: IntArray, codes: IntArray) -> Cells:
    """Cells of traits F1: a block a trait, and in it the values that its truth has.

    Args:
        clusters: Cluster of each item, int64 (n,).
        codes: Those of :func:`biobench.metric.traits_f1.trait_codes`, int64 (n, traits).
    """
    traits = codes.shape[1]
    truth, prediction = np.divmod(codes, CODES // 2)
    value = 2 * np.arange(traits)
    own, guess = (truth + value).ravel(), (prediction + value).ravel()
    guess[prediction.ravel() == 2] = 2 * traits  # no prediction
    used, own = distinct(own)
    near = np.minimum(np.searchsorted(used, guess), used.size - 1)
    guess = np.where(used[near] == guess, near, used.size)
    return _counted(np.repeat(clusters, traits), own, guess, used // 2)


def ratio_cells(clusters: IntArray, part: FloatArray, whole: FloatArray) -> Cells:
    """Cells of a quotient of sums over items: one class with N = part, D = T = whole.

    Args:
        clusters: Cluster of each item, int64 (n,).
        part: What each item adds to the numerator, float64 (n,).
        whole: What each item adds to the denominator, float64 (n,), above 0.
    """
    return group_cells(clusters, np.zeros(clusters.size, np.int64), part, whole)


def group_cells(clusters: IntArray, groups: IntArray, part: FloatArray, whole: FloatArray) -> Cells:
    """Cells of a mean over groups of quotients of sums; the groups are the classes.

    Args:
        clusters: Cluster of each item, int64 (n,).
        groups: Group of each item, int64 (n,), from 0 upwards without a gap.
        part: What each item adds to its group's numerator, float64 (n,).
        whole: What each item adds to its group's denominator, float64 (n,), above 0.

    Raises:
        UsageError: The lengths differ.
    """
    part, whole = (reals("items", values, clusters.size) for values in (part, whole))
    count = int(groups.max()) + 1
    keys, place = distinct(clusters * count + groups)
    d, total = sums_by_place(place, whole), sums_by_place(groups, whole)
    return Cells(
        block=np.zeros(count, np.int64),
        numerator=sums_by_place(groups, part),
        denominator=total,
        support=total,
        cluster=keys // count,
        place=keys % count,
        n=sums_by_place(place, part),
        d=d,
        t=d,
    )


def shares(right: npt.NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """Part and whole of each item, where the metric is the share of right ones."""
    right = flags("right", right, right.size)
    return right.astype(np.float64), np.ones(right.size)


def _counted(clusters: IntArray, own: IntArray, guess: IntArray, block: IntArray) -> Cells:
    """Cells from the class of each truth and of each prediction, where the latter is the number of
    classes for none."""
    count = block.size
    if own.size != clusters.size or guess.size != clusters.size:
        raise UsageError("clusters has another length", remedy="pass the cluster of each item")
    counts = guess < count
    right = own == guess
    true_key = clusters * count + own
    guess_key = clusters[counts] * count + guess[counts]
    keys, place = distinct(np.concatenate([true_key, guess_key]))
    truths, guesses = place[: own.size], place[own.size :]
    t = np.bincount(truths, minlength=keys.size).astype(np.float64)
    p = np.bincount(guesses, minlength=keys.size)
    support = np.bincount(own, minlength=count).astype(np.float64)
    return Cells(
        block=block,
        numerator=(2 * np.bincount(own[right], minlength=count)).astype(np.float64),
        denominator=support + np.bincount(guess[counts], minlength=count),
        support=support,
        cluster=keys // count,
        place=keys % count,
        n=(2 * np.bincount(truths[right], minlength=keys.size)).astype(np.float64),
        d=t + p,
        t=t,
    )
