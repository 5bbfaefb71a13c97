"""The optimum of a linear support vector machine (SPEC.md, section "Support vector machine").

In: rows with signs and C. Out: weight and intercept whose dual violation is at most the tolerance.
libsvm comes close (it keeps kernel values in float32); an active-set method in float64 ends there.

The dual: minimise |sum a_i s_i x_i|^2 / 2 - sum a_i with 0 <= a_i <= C and sum a_i s_i = 0, s_i
the signs. Its violation is read from h_i = s_i - w x_i: at the optimum no row whose a_i s_i may
grow has a larger h than one whose a_i s_i may shrink.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from biobench._common.sums import FloatMatrix
from biobench.errors import BiobenchError

_START_TOLERANCE = 1e-3
"""Tolerance at which libsvm stops: near enough for the active set to be almost right."""
_STEPS_PER_ROW = 20
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


def extremes(
    gaps: FloatMatrix, signs: FloatMatrix, dual: FloatMatrix, strength: float
) -> tuple[int, int]:
    """The row with the largest gap of those whose a_i s_i may grow, and the row with the smallest
    of those whose a_i s_i may shrink; the first of equal ones."""
    positive = signs > 0
    may_grow = np.where(positive, dual < strength, dual > 0)
    may_shrink = np.where(positive, dual > 0, dual < strength)
    return (
        int(np.argmax(np.where(may_grow, gaps, -np.inf))),
        int(np.argmin(np.where(may_shrink, gaps, np.inf))),
    )


def violation(rows: FloatMatrix, signs: FloatMatrix, dual: FloatMatrix, strength: float) -> float:
    """Distance of dual variables from the optimum: below 0 or small where they are there."""
    _, gaps = _state(rows, signs, dual)
    top, low = extremes(gaps, signs, dual, strength)
    return float(gaps[top] - gaps[low])


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
    dual = _start(rows, signs, strength)
    weight, gaps = _state(rows, signs, dual)
    reached = np.inf
    for _ in range(_STEPS_PER_ROW * len(rows) + 100):
        bounded = _move(rows, signs, strength, dual, gaps, tolerance)
        weight, gaps = _state(rows, signs, dual)
        if bounded:
            continue
        top, low = extremes(gaps, signs, dual, strength)
        reached = float(gaps[top] - gaps[low])
        if reached <= tolerance:
            break
        _exchange(rows, signs, strength, dual, reached, (top, low))
        weight, gaps = _state(rows, signs, dual)
    balance = abs(float(dual @ signs))
    if not reached <= tolerance or balance > _BALANCE * strength * len(rows):
        raise BiobenchError(
            f"the support vector machine stops at a violation of {reached:.1e} with its dual "
            f"variables {balance:.1e} out of balance, and {tolerance!r} is asked for",
            remedy="raise the protocol's violation_tolerance",
        )
    return HingeFit(weight, midpoint(gaps, int((signs > 0).sum())), dual, reached)


def _state(
    rows: FloatMatrix, signs: FloatMatrix, dual: FloatMatrix
) -> tuple[FloatMatrix, FloatMatrix]:
    """The weight of dual variables, and the gap of every row."""
    weight = (dual * signs) @ rows
    return weight, signs - rows @ weight


def _start(rows: FloatMatrix, signs: FloatMatrix, strength: float) -> FloatMatrix:
    """libsvm's dual variables, float64 (n,), inside the box."""
    from sklearn.svm import SVC

    machine = SVC(kernel="linear", C=strength, tol=_START_TOLERANCE).fit(rows, signs)
    dual = np.zeros(len(rows))
    dual[machine.support_] = np.abs(machine.dual_coef_[0])
    return np.clip(dual, 0.0, strength)


def _move(
    rows: FloatMatrix,
    signs: FloatMatrix,
    strength: float,
    dual: FloatMatrix,
    gaps: FloatMatrix,
    tolerance: float,
) -> bool:
    """Move the free dual variables to their optimum, or until the first meets a bound.

    Changes ``dual``; returns true where a variable met a bound, so that fewer are free.
    """
    free = np.flatnonzero((dual > 0) & (dual < strength))
    if free.size == 0:
        return False
    signed = rows[free] * signs[free, None]
    system = np.zeros((len(free) + 1, len(free) + 1))
    system[:-1, :-1] = signed @ signed.T
    system[:-1, -1] = system[-1, :-1] = signs[free]
    wanted = np.append(signs[free] * gaps[free], -float(dual @ signs))
    found, *_ = np.linalg.lstsq(system, wanted, rcond=1e-13)
    # Where rows depend on each other, part of the slope may lie where the dual has no curvature:
    # along it the dual falls for ever, until a bound.
    rest = (wanted - system @ found)[:-1]
    endless = float(np.abs(rest).max()) > tolerance / 4
    direction = rest if endless else found[:-1]
    room = np.full(len(free), np.inf)
    up, down = direction > 0, direction < 0
    room[up] = (strength - dual[free][up]) / direction[up]
    room[down] = -dual[free][down] / direction[down]
    first = int(np.argmin(room))
    step = room[first] if endless else min(1.0, room[first])
    dual[free] = np.clip(dual[free] + step * direction, 0.0, strength)
    if step == room[first]:
        dual[free[first]] = strength if direction[first] > 0 else 0.0
        return True
    return False


def _exchange(
    rows: FloatMatrix,
    signs: FloatMatrix,
    strength: float,
    dual: FloatMatrix,
    reached: float,
    pair: tuple[int, int],
) -> None:
    """Increase a_i s_i of the pair's first row and decrease that of the second by the same, as far
    as the dual falls; changes ``dual``."""
    top, low = pair
    room_top = strength - dual[top] if signs[top] > 0 else dual[top]
    room_low = dual[low] if signs[low] > 0 else strength - dual[low]
    difference = rows[top] - rows[low]
    curvature = float(difference @ difference)
    room = min(room_top, room_low)
    step = min(room, reached / curvature) if curvature > 0 else room
    # Set, not added up: a variable at a bound must be exactly there.
    dual[top] = _bounded(dual[top] + signs[top] * step, signs[top] > 0, step == room_top, strength)
    dual[low] = _bounded(dual[low] - signs[low] * step, signs[low] < 0, step == room_low, strength)


def _bounded(value: float, upwards: bool, reached: bool, strength: float) -> float:
    if reached:
        return strength if upwards else 0.0
    return float(np.clip(value, 0.0, strength))
