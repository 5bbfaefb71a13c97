"""Strata: the scored items that a resample may exchange (SPEC.md, section "Intervals").

In: predictions. Out: a number for each item's stratum, and whether the strata are large enough.
"""

from __future__ import annotations

import numpy as np

from biobench.data.predictions import Predictions
from biobench.metric.counts import IntArray
from biobench.metric.group_accuracy import group_numbers


def stratum_numbers(predictions: Predictions) -> IntArray:
    """The stratum of each item, int64 (n,), in the order in which strata come.

    True class, -1 first; where items have groups, group and in it true class; where items have
    traits, one stratum.
    """
    truth = predictions.y_true.astype(np.int64)
    if truth.ndim == 2:
        return np.zeros(len(truth), dtype=np.int64)
    if "group" not in predictions.extras:
        return truth
    least = int(truth.min())
    width = int(truth.max()) - least + 1
    return group_numbers(predictions.extras["group"]) * width + (truth - least)


def smallest_stratum(predictions: Predictions) -> int:
    """Number of items of the smallest stratum; in a traits task, of the rarest value that occurs in
    a trait's truth."""
    if predictions.y_true.ndim == 1:
        return int(np.unique(stratum_numbers(predictions), return_counts=True)[1].min())
    ones = predictions.y_true.astype(np.int64).sum(axis=0)
    both = np.concatenate([ones, len(predictions.y_true) - ones])
    return int(both[both > 0].min())
