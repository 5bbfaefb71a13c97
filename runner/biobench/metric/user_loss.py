"""The user loss of fungi, as a score (SPEC.md, section "User loss").

In: label ids of truth and prediction, and which classes are poisonous. Out: one division of two
integers, float64: 1 is the best value and 0 the worst.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from biobench.errors import UsageError
from biobench.metric.counts import IntArray, label_pair

UNKNOWN = -1
_WRONG, _UNKNOWN_AS_KNOWN, _KNOWN_AS_UNKNOWN = 10, 100, 1
_POISONOUS_AS_EDIBLE, _EDIBLE_AS_POISONOUS = 1000, 10
"""Costs in tenths, so that every sum is of integers."""


def user_loss(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, *, poisonous: Collection[int]) -> float:
    """1 minus the loss of a picker who trusts the predictions, as a share of the worst loss.

    y_true, y_pred: label ids, integers (n,), -1 for the unknown class; a prediction below -1 means
    that there is none, which is wrong. poisonous: ids of the classes that are; -1 never is. The
    same in every division. Raises UsageError for empty or unequal input, a true id below -1, and a
    poisonous id below 0.
    """
    truth, prediction = label_pair(y_true, y_pred)
    listed = np.array(sorted(poisonous), dtype=np.int64)
    if listed.size and int(listed[0]) < 0:
        raise UsageError(
            "poisonous holds an id below 0", remedy="pass ids of classes; -1 is unknown"
        )
    return score_of(*losses(truth, prediction, np.isin(truth, listed), np.isin(prediction, listed)))


def losses(
    truth: IntArray,
    prediction: IntArray,
    true_poisonous: npt.NDArray[np.bool_],
    predicted_poisonous: npt.NDArray[np.bool_],
) -> tuple[IntArray, IntArray]:
    """Loss of each item and the worst that its truth allows, in tenths, int64 (n,) each.

    Raises UsageError for a true id below -1.
    """
    if int(truth.min()) < UNKNOWN:
        raise UsageError("user_loss got a true label id below -1", remedy="-1 is unknown")
    unknown = truth == UNKNOWN
    wrong = np.where(
        unknown,
        _UNKNOWN_AS_KNOWN,
        np.where(prediction == UNKNOWN, _KNOWN_AS_UNKNOWN, _WRONG),
    )
    loss = np.where(truth == prediction, 0, wrong)
    loss = loss + _POISONOUS_AS_EDIBLE * (true_poisonous & ~predicted_poisonous)
    loss = loss + _EDIBLE_AS_POISONOUS * (~true_poisonous & predicted_poisonous)
    worst = np.where(unknown, _UNKNOWN_AS_KNOWN, _WRONG) + np.where(
        true_poisonous, _POISONOUS_AS_EDIBLE, _EDIBLE_AS_POISONOUS
    )
    return loss.astype(np.int64), worst.astype(np.int64)


def score_of(loss: IntArray, worst: IntArray) -> float:
    """(worst - loss) / worst over all items, one division of integers."""
    most = int(worst.sum())
    return (most - int(loss.sum())) / most
