"""The objective of logistic regression, its derivatives, and that a fit is its optimum."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biobench.errors import BiobenchError
from biobench.probe.logistic_regression import softmax
from biobench.probe.logistic_regression.softmax import (
    SoftmaxObjective,
    class_weights,
    extrapolated,
    gradient_at,
    minimise,
)

Matrix = np.ndarray


def problem(rows: int, features: int, classes: int, seed: int) -> tuple[Matrix, Matrix]:
    """Overlapping classes of very unequal sizes."""
    rng = np.random.default_rng(seed)
    ids = np.concatenate([np.arange(classes), rng.integers(0, classes, rows) ** 2 % classes])
    centres = rng.normal(size=(classes, features))
    return 0.7 * centres[ids] + rng.normal(size=(len(ids), features)), ids.astype(np.int64)


def text_value(rows: Matrix, ids: Matrix, weight: Matrix, intercept: Matrix, c: float) -> float:
    """J of section 10.3, step 3, as a reader would type it in."""
    n, total = len(ids), 0.0
    sizes = np.bincount(ids)
    for z, y in zip(rows, ids, strict=True):
        logits = weight @ z + intercept
        p = np.exp(logits) / np.exp(logits).sum()
        total += n / (len(sizes) * sizes[y]) * -np.log(p[y])
    return float(total / n + (weight * weight).sum() / (2 * c * n))


def test_the_value_and_the_gradient_are_those_of_the_text() -> None:
    """Central differences of the text's J, at a point that is no optimum."""
    rows, ids = problem(25, 3, 4, seed=1)
    rng = np.random.default_rng(2)
    weight, intercept = rng.normal(size=(4, 3)), rng.normal(size=4)
    objective = SoftmaxObjective(rows, ids)
    loss, _ = objective.loss(np.column_stack([weight, intercept]))
    whole = loss + (weight * weight).sum() / (2 * 0.3 * len(rows))
    assert whole == pytest.approx(text_value(rows, ids, weight, intercept, 0.3), rel=1e-13)
    gradient = gradient_at(objective, weight, intercept, 0.3)
    step = 1e-6
    for c in range(4):
        for j in range(4):
            ends = []
            for sign in (1, -1):
                w, b = weight.copy(), intercept.copy()
                (w[c] if j < 3 else b)[j if j < 3 else c] += sign * step
                ends.append(text_value(rows, ids, w, b, 0.3))
            assert gradient[c, j] == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-8)


def test_the_curvature_is_the_gradients_derivative() -> None:
    """The product with the Hessian, and the Hessian's diagonal."""
    rows, ids = problem(30, 4, 3, seed=3)
    objective = SoftmaxObjective(rows, ids)
    rng = np.random.default_rng(4)
    point, direction = rng.normal(size=(3, 5)), rng.normal(size=(3, 5))

    def gradient(at: Matrix) -> Matrix:
        return objective.gradient(objective.loss(at)[1])

    _, probabilities = objective.loss(point)
    step = 1e-5
    expected = (gradient(point + step * direction) - gradient(point - step * direction)) / 2 / step
    curve = objective.curve(probabilities)
    np.testing.assert_allclose(curve(direction), expected, atol=1e-8)
    single = objective.curve(probabilities, np.float32)
    for size in (1.0, 1e-60):
        np.testing.assert_allclose(single(size * direction) / size, expected, atol=1e-6)
    for place in np.ndindex(3, 5):
        unit = np.zeros((3, 5))
        unit[place] = 1.0
        product = curve(unit)[place]
        assert objective.curvature(probabilities)[place] == pytest.approx(product, rel=1e-12)


@pytest.mark.parametrize("shape", [(80, 5, 3), (40, 60, 4), (120, 12, 7)])
@pytest.mark.parametrize("c", [0.001, 0.3, 10.0])
def test_a_fit_is_scikit_learns(shape: tuple[int, int, int], c: float) -> None:
    """Same optimum by another solver, whatever the number of features and the penalty."""
    from sklearn.linear_model import LogisticRegression

    rows, ids = problem(*shape, seed=5)
    fit = minimise(SoftmaxObjective(rows, ids), c, 1e-9)
    other = LogisticRegression(
        C=c, class_weight="balanced", solver="newton-cg", tol=1e-11, max_iter=10_000
    ).fit(rows, ids)
    np.testing.assert_allclose(fit.weight, other.coef_, atol=1e-6)
    np.testing.assert_allclose(fit.intercept, other.intercept_ - other.intercept_.mean(), atol=1e-6)


def test_two_classes_are_the_binomial_regression_with_twice_the_strength() -> None:
    """The softmax has two weight vectors to carry one difference, at half the penalty."""
    from sklearn.linear_model import LogisticRegression

    rows, ids = problem(60, 4, 2, seed=6)
    fit = minimise(SoftmaxObjective(rows, ids), 0.25, 1e-9)
    other = LogisticRegression(
        C=0.5, class_weight="balanced", solver="newton-cholesky", tol=1e-12
    ).fit(rows, ids)
    np.testing.assert_allclose(fit.weight[1] - fit.weight[0], other.coef_[0], atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 6),
    st.integers(2, 4),
    st.sampled_from([1e-6, 1e-3, 1.0, 1e3, 1e6]),
    st.sampled_from([1e-3, 1.0, 1e3]),
)
def test_every_fit_reaches_the_tolerance(
    seed: int, features: int, classes: int, c: float, scale: float
) -> None:
    """Separable or not, weak or strong penalty, rows far from standard scale."""
    rows, ids = problem(20, features, classes, seed)
    objective = SoftmaxObjective(scale * rows, ids)
    fit = minimise(objective, c, 1e-8)
    assert np.abs(gradient_at(objective, fit.weight, fit.intercept, c)).max() <= 1e-8
    assert fit.intercept.sum() == pytest.approx(0.0, abs=1e-9 * max(1, np.abs(fit.weight).max()))


def test_a_warm_start_ends_at_the_same_optimum() -> None:
    """Where the solver begins changes the time only."""
    rows, ids = problem(100, 10, 3, seed=7)
    objective = SoftmaxObjective(rows, ids)
    cold = minimise(objective, 2.0, 1e-10)
    warm = minimise(objective, 2.0, 1e-10, minimise(objective, 0.01, 1e-10))
    np.testing.assert_allclose(warm.weight, cold.weight, atol=1e-6)


def test_products_in_float64_end_at_the_same_optimum(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a fit falls back to where float32 does not lead there."""
    rows, ids = problem(100, 10, 3, seed=7)
    single = minimise(SoftmaxObjective(rows, ids), 2.0, 1e-10)
    monkeypatch.setattr(softmax, "_SINGLE_STEPS", 0)
    double = minimise(SoftmaxObjective(rows, ids), 2.0, 1e-10)
    assert not np.array_equal(double.weight, single.weight)
    np.testing.assert_allclose(double.weight, single.weight, atol=1e-8)


def test_a_start_continues_the_fits_before() -> None:
    """Each further fit brings it nearer to the optimum; a wide step starts at the last fit."""
    rows, ids = problem(100, 10, 3, seed=9)
    objective = SoftmaxObjective(rows, ids)
    strengths = [0.4, 0.5, 0.6, 0.7]
    path = [(c, minimise(objective, c, 1e-11)) for c in strengths]
    optimum = minimise(objective, 0.8, 1e-11).weight
    distances = []
    for count in range(1, 5):
        start = extrapolated(path[-count:], 0.8 if count > 1 else 0.7)
        assert start is not None
        distances.append(np.abs(start.weight - optimum).max())
    assert all(b < a / 4 for a, b in pairwise(distances)), distances
    assert extrapolated([], 0.8) is None
    assert extrapolated(path, 1.3) is path[-1][1]


def test_a_tolerance_that_float64_cannot_reach_is_an_error() -> None:
    """A fit that is none must not be scored; the message has both numbers."""
    rows, ids = problem(50, 5, 3, seed=8)
    with pytest.raises(BiobenchError, match=r"gradient of .*1e-30"):
        minimise(SoftmaxObjective(rows, ids), 1.0, 1e-30)


def test_class_weights_are_one_division_each() -> None:
    """n / (K n_c): 7 / (3 * 1), 7 / (3 * 2), 7 / (3 * 4)."""
    assert class_weights(np.array([1, 2, 4])).tolist() == [7 / 3, 7 / 6, 7 / 12]
