"""The optimum of weighted softmax regression (SPEC.md, section "Logistic regression").

In: scaled rows, class numbers and C. Out: weights and intercepts at which no component of the
objective's gradient is above the tolerance. Newton steps, each solved by conjugate gradients: a
step needs products with the rows only, never the Hessian itself. They are taken in float32, since a
step need not be exact; the gradient that decides when a fit is one is float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench._common.sums import FloatMatrix
from biobench.errors import BiobenchError

_NEWTON_STEPS = 200
_GRADIENT_STEPS = 1000
"""Conjugate gradient steps in one Newton step; a step that stops here is still a descent."""
_SINGLE_STEPS = 20
"""Newton steps whose products are float32; a fit that needs more goes on in float64."""
_SHARE = 0.5
"""Part of the tolerance that the solver aims at: intercepts are shifted after its last look."""
PATH = 4
"""Fits that a start is extrapolated from."""


@dataclass(frozen=True, eq=False)
class SoftmaxFit:
    """A fit of softmax regression.

    Attributes:
        weight: float64 (classes, features).
        intercept: float64 (classes,), whose sum is 0.
        gradient: Largest absolute component of the objective's gradient there.
    """

    weight: FloatMatrix
    intercept: FloatMatrix
    gradient: float


class SoftmaxObjective:
    """Mean weighted cross-entropy of softmax(W z + b), to which a fit adds sum(W^2) / (2 C n).

    A row of class c weighs n / (classes * n_c). Points of the objective are matrices (classes,
    features + 1) whose last column is the intercept.

    Args:
        rows: float64 (n, features), scaled.
        ids: Class numbers 0 to classes - 1, int64 (n,), each number occurring.
    """

    def __init__(self, rows: FloatMatrix, ids: npt.NDArray[np.int64]) -> None:
        count = len(rows)
        sizes = np.bincount(ids)
        self.classes = len(sizes)
        self.count = count
        self.rows = np.column_stack([rows, np.ones(count)])
        self.squares = self.rows * self.rows
        self._rounded: npt.NDArray[Any] = self.rows
        self.weights = class_weights(sizes)[ids] / count
        self._truth = np.zeros((count, self.classes))
        self._truth[np.arange(count), ids] = 1.0
        self._ids = ids

    def loss(self, point: FloatMatrix) -> tuple[float, FloatMatrix]:
        """The mean cross-entropy, and the probabilities (n, classes)."""
        logits = self.rows @ point.T
        logits -= logits.max(axis=1, keepdims=True)
        own = logits[np.arange(self.count), self._ids]
        np.exp(logits, out=logits)
        total = logits.sum(axis=1, keepdims=True)
        logits /= total
        return float(self.weights @ (np.log(total[:, 0]) - own)), logits

    def gradient(self, probabilities: FloatMatrix) -> FloatMatrix:
        """Gradient of the mean cross-entropy (classes, features + 1)."""
        residual = probabilities - self._truth
        residual *= self.weights[:, None]
        gradient: FloatMatrix = residual.T @ self.rows
        return gradient

    def curvature(self, probabilities: FloatMatrix) -> FloatMatrix:
        """Diagonal of the Hessian of the mean cross-entropy (classes, features + 1)."""
        spread = probabilities * (1.0 - probabilities)
        spread *= self.weights[:, None]
        diagonal: FloatMatrix = spread.T @ self.squares
        return diagonal

    def curve(
        self, probabilities: FloatMatrix, precision: type[np.floating[Any]] = np.float64
    ) -> Callable[[FloatMatrix], FloatMatrix]:
        """A function that multiplies a direction by the Hessian of the mean cross-entropy, both
        float64 (classes, features + 1), with products in ``precision``."""
        if self._rounded.dtype != precision:
            self._rounded = self.rows.astype(precision)
        rows, chances = self._rounded, probabilities.astype(precision)
        weights = self.weights.astype(precision)[:, None]

        def product(direction: FloatMatrix) -> FloatMatrix:
            # Near the optimum directions are small, and their products would leave float32.
            size = float(np.abs(direction).max())
            slope = rows @ (direction / size).astype(precision).T
            slope *= chances
            slope -= chances * slope.sum(axis=1, keepdims=True)
            slope *= weights
            result: FloatMatrix = size * (slope.T @ rows).astype(np.float64)
            return result

        return product

    def penalty(self, strength: float) -> FloatMatrix:
        """The factor of a point in the gradient of the penalty, (1, features + 1)."""
        scale = np.full((1, self.rows.shape[1]), 1.0 / (strength * self.count))
        scale[0, -1] = 0.0
        return scale


def class_weights(sizes: npt.NDArray[np.int64]) -> FloatMatrix:
    """n / (classes * n_c) of each class, float64; sizes: rows of each class, none 0."""
    weights: FloatMatrix = int(sizes.sum()) / (len(sizes) * sizes).astype(np.float64)
    return weights


def gradient_at(
    objective: SoftmaxObjective, weight: FloatMatrix, intercept: FloatMatrix, strength: float
) -> FloatMatrix:
    """Gradient of the whole objective at a point, float64 (classes, features + 1)."""
    point = np.column_stack([weight, intercept])
    _, probabilities = objective.loss(point)
    return objective.gradient(probabilities) + objective.penalty(strength) * point


def minimise(
    objective: SoftmaxObjective,
    strength: float,
    tolerance: float,
    start: SoftmaxFit | None = None,
) -> SoftmaxFit:
    """Fit with C = ``strength``, from ``start`` (default: zeros).

    The start changes the time, and the fit by no more than the tolerance allows.

    Raises:
        BiobenchError: The gradient does not come down to ``tolerance``.
    """
    shape = (objective.classes, objective.rows.shape[1])
    point = np.zeros(shape) if start is None else np.column_stack([start.weight, start.intercept])
    penalty = objective.penalty(strength)
    goal = _SHARE * tolerance

    def value(at: FloatMatrix) -> tuple[float, FloatMatrix]:
        loss, probabilities = objective.loss(at)
        return loss + 0.5 * float((penalty * at * at).sum()), probabilities

    height, probabilities = value(point)
    for number in range(_NEWTON_STEPS):
        gradient = objective.gradient(probabilities) + penalty * point
        length = float(np.linalg.norm(gradient))
        if length <= goal:
            break
        curve = objective.curve(probabilities, np.float32 if number < _SINGLE_STEPS else np.float64)
        diagonal = objective.curvature(probabilities) + penalty
        step = _newton_step(curve, diagonal, penalty, gradient, goal)
        slope = float((gradient * step).sum())
        # Near the optimum the objective's last bits say nothing; there the full step is right.
        noise = 1e-13 * abs(height)
        scale = 1.0
        trial, next_probabilities = value(point + step)
        while trial > height + 1e-4 * scale * slope + noise and scale > 1e-10:
            scale /= 2
            trial, next_probabilities = value(point + scale * step)
        point = point + scale * step
        height, probabilities = trial, next_probabilities
    intercept = point[:, -1] - point[:, -1].mean()
    weight = point[:, :-1].copy()
    largest = float(np.abs(gradient_at(objective, weight, intercept, strength)).max())
    if not largest <= tolerance:
        raise BiobenchError(
            f"logistic regression with C = {strength!r} stops at a gradient of {largest:.1e}, and "
            f"{tolerance!r} is asked for",
            remedy="check the features for a scale that float64 cannot hold, or raise the "
            "protocol's gradient_tolerance",
        )
    return SoftmaxFit(weight, intercept, largest)


def extrapolated(path: Sequence[tuple[float, SoftmaxFit]], strength: float) -> SoftmaxFit | None:
    """A start for the fit with C = ``strength``: the last fits continued along log C.

    The optimum is smooth in log C, so the polynomial through the last few is near it; a step wider
    than they span together starts at the last of them.

    Args:
        path: Values of C, ascending and below ``strength``, with their fits.
        strength: C of the next fit.

    Returns:
        The start, whose gradient is NaN; None for an empty path.
    """
    if not path:
        return None
    near = path[-PATH:]
    places = [math.log(c) for c, _ in near]
    place = math.log(strength)
    if place - places[-1] > places[-1] - places[0]:
        return near[-1][1]
    weight, intercept = np.zeros_like(near[0][1].weight), np.zeros_like(near[0][1].intercept)
    for own, (_, fit) in zip(places, near, strict=True):
        share = math.prod((place - other) / (own - other) for other in places if other != own)
        weight += share * fit.weight
        intercept += share * fit.intercept
    return SoftmaxFit(weight, intercept, math.nan)


def _newton_step(
    curve: Callable[[FloatMatrix], FloatMatrix],
    diagonal: FloatMatrix,
    penalty: FloatMatrix,
    gradient: FloatMatrix,
    goal: float,
) -> FloatMatrix:
    """Minus the inverse Hessian times the gradient, by preconditioned conjugate gradients.

    The relative accuracy rises as the gradient falls, which keeps Newton's speed near the optimum.
    """
    length = float(np.linalg.norm(gradient))
    enough = max(length * min(0.1, length**0.5), 0.5 * goal)
    # A class that every row is sure of has no curvature in its intercept.
    diagonal[:, -1] = np.maximum(diagonal[:, -1], 1e-300)
    step = np.zeros_like(gradient)
    residual = -gradient
    scaled = residual / diagonal
    direction = scaled
    product = float((residual * scaled).sum())
    for _ in range(_GRADIENT_STEPS):
        curved = curve(direction) + penalty * direction
        bend = float((direction * curved).sum())
        if not bend > 0:
            break
        step += (product / bend) * direction
        residual = residual - (product / bend) * curved
        if np.linalg.norm(residual) <= enough:
            break
        scaled = residual / diagonal
        following = float((residual * scaled).sum())
        direction = scaled + (following / product) * direction
        product = following
    return step
