"""The user loss of fungi, as a score (SPEC.md, section "User loss").

In: label ids of truth and prediction, and which classes are poisonous. Out: one division of two
integers, float64: 1 is the best value and 0 the worst.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np
import numpy.typing as npt

from biobench._common.arguments import flags, integers
from biobench.errors import UsageError
from biobench.metric.counts import IntArray, label_pair

UNKNOWN = -1
_WRONG, _UNKNOWN_AS_KNOWN, _KNOWN_AS_UNKNOWN = 10, 100, 1
_POISONOUS_AS_EDIBLE, _EDIBLE_AS_POISONOUS = 1000, 10
"""Costs in tenths, so that every sum is of integers."""


def user_loss(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, *, poisonous: Collection[int]) -> float:
    """1 minus the loss of a picker who trusts the predictions, as a share of the worst loss.

    It is the same in every division.

    Args:
        y_true: True label ids, integers (n,), -1 for the unknown class.
        y_pred: Predicted label ids, integers (n,). A value below -1 means that there is no
            prediction, which is wrong.
        poisonous: Ids of the poisonous classes, from 0 upwards; the unknown class -1 never is.

    Raises:
        UsageError: The input is empty or of unequal lengths, a true id is below -1, or a poisonous
            id is not an integer from 0; a mask of booleans is not a list of ids.
    """
    truth, prediction = label_pair(y_true, y_pred)
    listed = _class_ids(poisonous)
    return score_of(*losses(truth, prediction, np.isin(truth, listed), np.isin(prediction, listed)))


def _class_ids(poisonous: Collection[int]) -> IntArray:
    remedy = "pass ids of classes, integers from 0 upwards; -1 is unknown"
    if isinstance(poisonous, str) or not isinstance(poisonous, Iterable):
        raise UsageError("poisonous must be a collection of ids", remedy=remedy)
    members = list(poisonous)
    ids = integers("poisonous", members, remedy=remedy)
    if ids.ndim != 1 or any(isinstance(member, bool | np.bool_) for member in members):
        raise UsageError("poisonous must be a collection of ids", remedy=remedy)
    if ids.size and int(ids.min()) < 0:
        raise UsageError("poisonous holds an id below 0", remedy=remedy)
    return ids


def losses(
    truth: IntArray,
    prediction: IntArray,
    true_poisonous: npt.NDArray[np.bool_],
    predicted_poisonous: npt.NDArray[np.bool_],
) -> tuple[IntArray, IntArray]:
    """Loss of each item and the worst that its truth allows, in tenths, int64 (n,) each.

    Args:
        truth: True label ids, int64 (n,).
        prediction: Predicted label ids, int64 (n,).
        true_poisonous: Mask of items whose true class is poisonous, bool (n,).
        predicted_poisonous: Mask of items whose predicted class is poisonous, bool (n,).

    Raises:
        UsageError: The input is not as described, a true id is below -1, or an id below 0 is called
            poisonous.
    """
    truth, prediction = label_pair(truth, prediction)
    true_poisonous = flags("true_poisonous", true_poisonous, truth.size)
    predicted_poisonous = flags("predicted_poisonous", predicted_poisonous, truth.size)
    if int(truth.min()) < UNKNOWN:
        raise UsageError("user_loss got a true label id below -1", remedy="-1 is unknown")
    if np.any(true_poisonous & (truth < 0)) or np.any(predicted_poisonous & (prediction < 0)):
        raise UsageError(
            "user_loss got an item of no class as poisonous", remedy="-1 is unknown, not poisonous"
        )
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
