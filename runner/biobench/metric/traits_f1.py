"""Macro-F1 of traits that are present or absent (SPEC.md, section "Trait macro-F1").

In: 0 or 1 for each item and trait. Out: one float64 that any language can reproduce exactly.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from biobench._common.arguments import integers
from biobench.errors import UsageError
from biobench.metric.counts import IntArray, sequential_mean
from biobench.metric.division import known_division
from biobench.metric.macro_f1 import class_f1
from biobench.spec.documents import Division


def traits_f1(
    y_true: npt.ArrayLike, y_pred: npt.ArrayLike, *, division: Division = "official"
) -> float:
    """Mean over the traits of the mean F1 of the values 0 and 1.

    Args:
        y_true: 0 or 1, integers (n, traits).
        y_pred: Likewise; another value means that there is no prediction, which is wrong and counts
            for neither.
        division: ``official`` and ``open`` average over the values that occur in a trait's truth;
            ``compat`` over both, and a value in neither counts 0.

    Raises:
        UsageError: The input is empty or of unequal shapes, a true value is neither 0 nor 1, or the
            division is unknown.
    """
    known_division(division)
    codes = trait_codes(y_true, y_pred)
    counts = np.array([np.bincount(column, minlength=CODES) for column in codes.T])
    return sequential_mean(trait_means(counts, division))


CODES = 6
"""Truth and prediction of a trait as one number: 3 truth + (0, 1, or 2 for no prediction)."""


def trait_codes(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> IntArray:
    """The code of each item and trait, int64 (n, traits); errors as :func:`traits_f1`."""
    truth, prediction = _matrix(y_true, "y_true"), _matrix(y_pred, "y_pred")
    if truth.shape != prediction.shape:
        raise UsageError(
            f"y_true has shape {truth.shape} and y_pred {prediction.shape}",
            remedy="pass one predicted value for each item and trait",
        )
    if not np.isin(truth, (0, 1)).all():
        raise UsageError("y_true holds a value that is neither 0 nor 1", remedy="pass 0 and 1")
    return 3 * truth + np.where(np.isin(prediction, (0, 1)), prediction, 2)


def trait_means(counts: IntArray, division: Division) -> npt.NDArray[np.float64]:
    """Macro-F1 of each trait, float64 (..., traits), from the number of items of each code, int64
    (..., traits, 6)."""
    # By columns: reductions over axes of two or three would take most of the time.
    absent, present = counts[..., :3], counts[..., 3:]
    sums: npt.NDArray[np.float64] = np.zeros(counts.shape[:-1])
    used = np.zeros(counts.shape[:-1], np.int64)
    for value, own in enumerate((absent, present)):
        true = own[..., 0] + own[..., 1] + own[..., 2]
        f1 = class_f1(own[..., value], true, absent[..., value] + present[..., value])
        occurs = np.ones(true.shape, np.bool_) if division == "compat" else true > 0
        sums = sums + np.where(occurs, f1, 0.0)
        used += occurs
    means: npt.NDArray[np.float64] = sums / used
    return means


def _matrix(values: npt.ArrayLike, name: str) -> IntArray:
    remedy = "pass 0 or 1 for each item and trait"
    array = integers(name, values, remedy=remedy)
    if array.ndim != 2 or array.size == 0:
        raise UsageError(f"{name} has shape {array.shape}", remedy=remedy)
    return array
