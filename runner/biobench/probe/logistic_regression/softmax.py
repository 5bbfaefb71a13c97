"""The optimum of weighted softmax regression (SPEC.md, section "Logistic regression").

In: scaled rows, class numbers and C. Out: weights and intercepts at which no component of the
objective's gradient is above the tolerance, and decision values. All in exact arithmetic: the bits
are the same on every processor.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from biobench._common.exact_engine import engine
from biobench._common.ordered_sums import FloatMatrix
from biobench._native import SoftmaxRegression
from biobench._native import decisions as native_decisions
from biobench.errors import BiobenchError

PATH = 6
"""Fits that a start is extrapolated from."""
_ROOTS = 4
"""Square roots taken of C, after which it is nearly as straight as its logarithm."""
_ROWS = 16_384
"""Rows of one call, so that Ctrl-C is seen soon."""


@dataclass(frozen=True, eq=False)
class SoftmaxFit:
    """A fit of softmax regression.

    Attributes:
        weight: float64 (classes, features).
        intercept: float64 (classes,), whose sum is 0 up to rounding.
        gradient: Largest absolute component of the objective's gradient there.
    """

    weight: FloatMatrix
    intercept: FloatMatrix
    gradient: float


def class_weights(sizes: npt.NDArray[np.int64]) -> FloatMatrix:
    """n / (classes * n_c) of each class, float64; sizes: rows of each class, none 0."""
    weights: FloatMatrix = int(sizes.sum()) / (len(sizes) * sizes).astype(np.float64)
    return weights


def regression(rows: FloatMatrix, ids: npt.NDArray[np.int64]) -> SoftmaxRegression:
    """The regression of scaled rows.

    Args:
        rows: float64 (n, features).
        ids: Class numbers 0 to classes - 1, int64 (n,), each number occurring.
    """
    weights = class_weights(np.bincount(ids))
    return SoftmaxRegression(
        engine(1), np.ascontiguousarray(rows), np.ascontiguousarray(ids, np.int64), weights
    )


def gradient_at(
    problem: SoftmaxRegression, weight: FloatMatrix, intercept: FloatMatrix, strength: float
) -> FloatMatrix:
    """Gradient of the whole objective at a point, float64 (classes, features + 1).

    Args:
        problem: Rows, ids and weights of the objective.
        weight: float64 (classes, features).
        intercept: float64 (classes,).
        strength: C.
    """
    return problem.gradient(np.column_stack([weight, intercept]), strength)


def minimise(
    problem: SoftmaxRegression,
    strength: float,
    tolerance: float,
    start: SoftmaxFit | None = None,
) -> SoftmaxFit | None:
    """Fit with C = ``strength``.

    Args:
        problem: Rows, ids and weights of the objective.
        strength: C.
        tolerance: Largest absolute component of the gradient at the fit.
        start: The point to begin at; None begins at zeros.

    Returns:
        The fit, or None where ``problem`` was stopped.

    Raises:
        BiobenchError: The gradient does not come down to ``tolerance``.
    """
    point = None if start is None else np.column_stack([start.weight, start.intercept])
    found = problem.fit(strength, tolerance, point)
    if found is None:
        return None
    point, largest = found
    if not largest <= tolerance:
        raise BiobenchError(
            f"logistic regression with C = {strength!r} stops at a gradient of {largest:.1e}, and "
            f"{tolerance!r} is asked for",
            remedy="check the features for a scale that float64 cannot hold, or raise the "
            "protocol's gradient_tolerance",
        )
    return SoftmaxFit(point[:, :-1].copy(), point[:, -1].copy(), largest)


def decisions(rows: FloatMatrix, fit: SoftmaxFit) -> FloatMatrix:
    """W z + b of scaled rows, float64 (rows, classes); a row's bits do not depend on the others."""
    threads = engine(1)
    weight, bias = np.ascontiguousarray(fit.weight), np.ascontiguousarray(fit.intercept)
    values = np.empty((len(rows), len(bias)))
    for start in range(0, len(rows), _ROWS):
        part = np.ascontiguousarray(rows[start : start + _ROWS])
        values[start : start + _ROWS] = native_decisions(threads, part, weight, bias)
    return values


def extrapolated(path: Sequence[tuple[float, SoftmaxFit]], strength: float) -> SoftmaxFit | None:
    """A start for the fit with C = ``strength``: the last fits continued along a root of C.

    The optimum is smooth in log C, and a high root is nearly as straight, so the polynomial through
    the last few is near it; a step wider than they span together starts at the last of them.

    Args:
        path: Values of C, ascending and below ``strength``, with their fits.
        strength: C of the next fit.

    Returns:
        The start, whose gradient is NaN; None for an empty path.
    """
    if not path:
        return None
    near = path[-PATH:]
    places = [_root(c) for c, _ in near]
    place = _root(strength)
    if place - places[-1] > places[-1] - places[0]:
        return near[-1][1]
    weight, intercept = np.zeros_like(near[0][1].weight), np.zeros_like(near[0][1].intercept)
    for number, (_, fit) in enumerate(near):
        others = [other for i, other in enumerate(places) if i != number]
        share = 1.0
        for other in others:
            share *= (place - other) / (places[number] - other)
        weight += share * fit.weight
        intercept += share * fit.intercept
    return SoftmaxFit(weight, intercept, math.nan)


def _root(strength: float) -> float:
    for _ in range(_ROOTS):
        strength = math.sqrt(strength)
    return strength
