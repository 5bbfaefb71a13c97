"""The optimum of a linear support vector machine (SPEC.md, section "Support vector machine").

In: rows with signs and C. Out: weight and intercept whose dual violation is at most the tolerance,
to the bit as specified: sequential minimal optimisation in float64 by the exact engine.

The dual: minimise |sum a_i s_i x_i|^2 / 2 - sum a_i with 0 <= a_i <= C and sum a_i s_i = 0, s_i
the signs. Its violation is read from h_i = s_i - w x_i: at the optimum no row whose a_i s_i may
grow has a larger h than one whose a_i s_i may shrink.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from biobench._common.exact_engine import engine
from biobench._common.ordered_sums import FloatMatrix, column_sums
from biobench._native import hinge_dual, row_products
from biobench.errors import BiobenchError

_SHARE = 0.5
"""Part of the tolerance at which the steps end, for C up to 1: it leaves room for the rounding of
the weight. A loss weighs C, so that beyond 1 the steps go on until losses are as near."""
_BALANCE = 1e-12
"""Largest |sum of a_i s_i| of an optimum, as a share of C n."""


@dataclass(frozen=True, eq=False)
class HingeFit:
    """A fitted machine.

    Attributes:
        weight: float64 (features,).
        intercept: Intercept.
        dual: The dual variables (n,) behind the weight.
        violation: Their violation.
    """

    weight: FloatMatrix
    intercept: float
    dual: FloatMatrix
    violation: float


def midpoint(gaps: FloatMatrix, positives: int) -> float:
    """The middle of the intercepts that minimise the hinge losses.

    The sum of the losses has slope -positives far below all gaps and one more beyond each, so it is
    flat between the gaps number ``positives`` and the next.

    Args:
        gaps: s_i - w x_i of every row, float64 (n,).
        positives: Number of rows of sign +1.
    """
    ordered = np.sort(gaps)
    return float((ordered[positives - 1] + ordered[positives]) / 2)


def violation(rows: FloatMatrix, signs: FloatMatrix, dual: FloatMatrix, strength: float) -> float:
    """Distance of dual variables from the optimum: below 0 or small where they are there.

    Args:
        rows: float64 (n, features).
        signs: -1.0 or 1.0 (n,).
        dual: float64 (n,).
        strength: C.
    """
    return _violation(signs, dual, _gaps(rows, signs, _weight(rows, signs, dual)), strength)


def imbalance(signs: FloatMatrix, dual: FloatMatrix) -> float:
    """abs(sum of a_i s_i), in order from left to right."""
    return abs(float(column_sums((dual * signs)[:, None])[0]))


def is_allowed(signs: FloatMatrix, dual: FloatMatrix, strength: float) -> bool:
    """True where dual variables lie from 0 to C and are in balance."""
    inside = bool(np.all((dual >= 0) & (dual <= strength)))
    return inside and imbalance(signs, dual) <= _BALANCE * strength * len(dual)


def minimise(rows: FloatMatrix, signs: FloatMatrix, strength: float, tolerance: float) -> HingeFit:
    """Fit a machine with C = ``strength``.

    Args:
        rows: float64 (n, features).
        signs: -1.0 or 1.0 (n,), both occurring.
        strength: C.
        tolerance: Largest violation of the fit.

    Raises:
        BiobenchError: The violation does not come down to ``tolerance``.
    """
    rows = np.ascontiguousarray(rows)
    enough = _SHARE * tolerance / max(1.0, strength)
    dual = hinge_dual(engine(1), rows, signs, strength, enough)
    weight = _weight(rows, signs, dual)
    gaps = _gaps(rows, signs, weight)
    reached = _violation(signs, dual, gaps, strength)
    if not reached <= tolerance or not is_allowed(signs, dual, strength):
        balance = imbalance(signs, dual)
        raise BiobenchError(
            f"the support vector machine stops at a violation of {reached:.1e} with its dual "
            f"variables {balance:.1e} out of balance, and {tolerance!r} is asked for",
            remedy="raise the protocol's violation_tolerance",
        )
    return HingeFit(weight, midpoint(gaps, int((signs > 0).sum())), dual, reached)


def products(rows: FloatMatrix, weights: FloatMatrix) -> FloatMatrix:
    """The product of each row with each weight, float64 (rows, weights), summed from left to
    right."""
    return row_products(engine(1), np.ascontiguousarray(rows), np.ascontiguousarray(weights))


def _weight(rows: FloatMatrix, signs: FloatMatrix, dual: FloatMatrix) -> FloatMatrix:
    return column_sums((dual * signs)[:, None] * rows)


def _gaps(rows: FloatMatrix, signs: FloatMatrix, weight: FloatMatrix) -> FloatMatrix:
    gaps: FloatMatrix = signs - products(rows, weight[None])[:, 0]
    return gaps


def _violation(signs: FloatMatrix, dual: FloatMatrix, gaps: FloatMatrix, strength: float) -> float:
    positive = signs > 0
    may_grow = np.where(positive, dual < strength, dual > 0)
    may_shrink = np.where(positive, dual > 0, dual < strength)
    return float(gaps[may_grow].max() - gaps[may_shrink].min())
