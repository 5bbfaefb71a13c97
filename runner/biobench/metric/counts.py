"""Checked label arrays and the integer counts that every classification metric is made of.

In: label ids of truth and prediction. Out: int64 arrays and counts (SPEC.md, section "Metrics").
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from biobench._common.arguments import integers
from biobench.errors import UsageError

IntArray = npt.NDArray[np.int64]


def label_ids(values: npt.ArrayLike, name: str) -> IntArray:
    """Label ids as int64, shape (n,).

    Raises:
        UsageError: The labels are not integers on one axis, or there are none.
    """
    array = integers(name, values, remedy="pass label ids, which are integers")
    if array.ndim != 1:
        raise UsageError(f"{name} has {array.ndim} axes", remedy="pass one label id for each item")
    if array.size == 0:
        raise UsageError(f"{name} is empty", remedy="a metric needs at least one item")
    return array


def label_pair(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> tuple[IntArray, IntArray]:
    """Truth and prediction as int64 arrays of one length.

    Raises:
        UsageError: The labels are not integers on one axis, or not as many.
    """
    truth, prediction = label_ids(y_true, "y_true"), label_ids(y_pred, "y_pred")
    if truth.size != prediction.size:
        raise UsageError(
            f"y_true has {truth.size} items and y_pred has {prediction.size}",
            remedy="pass one prediction for each item",
        )
    return truth, prediction


def name_numbers(names: Sequence[str] | npt.NDArray[np.str_], what: str) -> IntArray:
    """Position of each item's name among the names in code-point order, int64 (n,).

    ``what`` is the column's name, for messages.

    Raises:
        UsageError: The names are not strings on one axis, or there are none.
    """
    found = [] if isinstance(names, str) or not isinstance(names, Iterable) else list(names)
    if not found or not all(isinstance(name, str) for name in found):
        raise UsageError(
            f"{what} must be a non-empty list of strings", remedy=f"pass the {what} of each item"
        )
    # Python compares strings by code point.
    number = {name: i for i, name in enumerate(sorted(set(found)))}
    return np.array([number[name] for name in found], dtype=np.int64)


def sequential_sum(values: npt.NDArray[np.float64]) -> float:
    """Float64 sum from left to right; ``numpy.sum`` adds in pairs and gives other bits."""
    return float(np.add.accumulate(values)[-1]) if values.size else 0.0


def sequential_mean(values: npt.NDArray[np.float64]) -> float:
    """:func:`sequential_sum` divided once by the number of values, which must not be 0."""
    return sequential_sum(values) / values.size
