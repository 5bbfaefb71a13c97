"""Macro-averaged F1 (SPEC.md, section "Metrics").

In: label ids of truth and prediction. Out: one float64 that any language can reproduce exactly.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from biobench._common.distinct import distinct
from biobench.errors import UsageError
from biobench.metric.counts import IntArray, label_pair, sequential_sum
from biobench.metric.division import known_division
from biobench.spec.documents import Division


def class_f1(
    true_positives: npt.NDArray[np.int64],
    n_true: npt.NDArray[np.int64],
    n_predicted: npt.NDArray[np.int64],
) -> npt.NDArray[np.float64]:
    """2 tp / (2 tp + fp + fn) elementwise, one division of two integers each; 0 where both are 0.

    2 tp + fp + fn equals the number of true items plus the number of predicted items of a class.
    """
    total = n_true + n_predicted
    f1: npt.NDArray[np.float64] = (2 * true_positives) / np.maximum(total, 1)
    return f1


def macro_f1(
    y_true: npt.ArrayLike, y_pred: npt.ArrayLike, *, division: Division = "official"
) -> float:
    """Mean F1 over classes: summed in ascending class id from left to right, then divided once.

    Args:
        y_true: True label ids >= 0, integers (n,).
        y_pred: Predicted label ids, integers (n,). An id below 0 means that there is no prediction,
            which is wrong and counts for no class.
        division: ``official`` and ``open`` average over the classes that occur in ``y_true``, so
            the set does not depend on the model; ``compat`` averages over the ids 0 to the largest
            in either array, and an id in neither counts 0.

    Raises:
        UsageError: The input is empty or of unequal lengths, a true id is below 0 (such input has
            no score), or the division is unknown.
    """
    known_division(division)
    truth, prediction = label_pair(y_true, y_pred)
    sizes, own, guess = class_places(truth, prediction)
    count = sizes.size
    f1 = class_f1(
        np.bincount(own[own == guess], minlength=count),
        sizes,
        np.bincount(guess, minlength=count)[:count],
    )
    if division == "compat":
        # Ids that are not in the truth have F1 0, and to add 0 changes no bit.
        count = int(max(truth.max(), prediction.max())) + 1
    return sequential_sum(f1) / count


def class_places(truth: IntArray, prediction: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Count the items of each class of the truth and locate every class among them.

    Positions take memory by the number of classes and not by the largest id.

    Returns:
        The number of items of each class of the truth, int64 (k,), in ascending class id, and the
        position of every true and of every predicted class among them, int64 (n,); k where a
        prediction is not one of them.

    Raises:
        UsageError: A true id is below 0.
    """
    if int(truth.min()) < 0:
        raise UsageError("macro_f1 got a true label id below 0", remedy="pass ids from 0 upwards")
    ids, own = distinct(truth)
    sizes = np.bincount(own)
    near = np.minimum(np.searchsorted(ids, prediction), ids.size - 1)
    return sizes, own, np.where(ids[near] == prediction, near, ids.size)
