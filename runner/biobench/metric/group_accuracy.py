"""Accuracy in each group, averaged over the groups (SPEC.md, section "Group accuracy").

In: label ids and the group of each item. Out: one float64 that any language can reproduce exactly.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from biobench.errors import UsageError
from biobench.metric.counts import IntArray, label_pair, name_numbers, sequential_mean
from biobench.metric.division import known_division
from biobench.spec.documents import Division


def group_accuracy(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    groups: Sequence[str] | npt.NDArray[np.str_],
    *,
    division: Division = "official",
) -> float:
    """Mean over the groups, in code-point order of their names, of the share of right predictions.

    It is the same in every division.

    Args:
        y_true: True label ids, integers (n,).
        y_pred: Predicted label ids, integers (n,).
        groups: The group's name of each item (n,).
        division: Name of a division.

    Raises:
        UsageError: The input is empty or of unequal lengths, groups are not strings, or the
            division is unknown.
    """
    known_division(division)
    truth, prediction = label_pair(y_true, y_pred)
    numbers = group_numbers(groups)
    if numbers.size != truth.size:
        raise UsageError(
            f"groups has {numbers.size} items and y_true has {truth.size}",
            remedy="pass the group of each item",
        )
    right = np.bincount(numbers[truth == prediction], minlength=int(numbers.max()) + 1)
    return sequential_mean(right / np.bincount(numbers))


def group_numbers(groups: Sequence[str] | npt.NDArray[np.str_]) -> IntArray:
    """Position of each item's group among the groups in code-point order, int64 (n,).

    Raises:
        UsageError: The groups are not strings on one axis, or there are none.
    """
    return name_numbers(groups, "groups")
