"""The objective of logistic regression, its derivatives, and that a fit is its optimum."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biobench.errors import BiobenchError
from biobench.probe.logistic_regression.softmax import (
    PATH,
    SoftmaxFit,
    class_weights,
    decisions,
    extrapolated,
    gradient_at,
    minimise,
    regression,
)

Matrix = np.ndarray


def problem(rows: int, features: int, classes: int, seed: int) -> tuple[Matrix, Matrix]:
    """Overlapping classes of very unequal sizes."""
    rng = np.random.default_rng(seed)
    ids = np.concatenate([np.arange(classes), rng.integers(0, classes, rows) ** 2 % classes])
    centres = rng.normal(size=(classes, features))
    return 0.7 * centres[ids] + rng.normal(size=(len(ids), features)), ids.astype(np.int64)


def fitted(rows: Matrix, ids: Matrix, c: float, tolerance: float = 1e-9) -> SoftmaxFit:
    """The fit from zeros."""
    fit = minimise(regression(rows, ids), c, tolerance)
    assert fit is not None
    return fit


def text_value(rows: Matrix, ids: Matrix, weight: Matrix, intercept: Matrix, c: float) -> float:
    """J of section 10.3, step 3, as a reader would type it in."""
    n, total = len(ids), 0.0
    sizes = np.bincount(ids)
    for z, y in zip(rows, ids, strict=True):
        logits = weight @ z + intercept
        p = np.exp(logits) / np.exp(logits).sum()
        total += n / (len(sizes) * sizes[y]) * -np.log(p[y])
    return float(total / n + (weight * weight).sum() / (2 * c * n))


def test_the_gradient_is_that_of_the_text() -> None:
    """Central differences of the text's J, at a point that is no optimum."""
    rows, ids = problem(25, 3, 4, seed=1)
    rng = np.random.default_rng(2)
    weight, intercept = rng.normal(size=(4, 3)), rng.normal(size=4)
    gradient = gradient_at(regression(rows, ids), weight, intercept, 0.3)
    step = 1e-6
    for c in range(4):
        for j in range(4):
            ends = []
            for sign in (1, -1):
                w, b = weight.copy(), intercept.copy()
                (w[c] if j < 3 else b)[j if j < 3 else c] += sign * step
                ends.append(text_value(rows, ids, w, b, 0.3))
            assert gradient[c, j] == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-8)


@pytest.mark.parametrize("shape", [(80, 5, 3), (40, 60, 4), (120, 12, 7)])
@pytest.mark.parametrize("c", [0.001, 0.3, 10.0])
def test_a_fit_is_scikit_learns(shape: tuple[int, int, int], c: float) -> None:
    """Same optimum by another solver, whatever the number of features and the penalty."""
    from sklearn.linear_model import LogisticRegression

    rows, ids = problem(*shape, seed=5)
    fit = fitted(rows, ids, c)
    other = LogisticRegression(
        C=c, class_weight="balanced", solver="newton-cg", tol=1e-11, max_iter=10_000
    ).fit(rows, ids)
    np.testing.assert_allclose(fit.weight, other.coef_, atol=1e-6)
    np.testing.assert_allclose(fit.intercept, other.intercept_ - other.intercept_.mean(), atol=1e-6)


def test_two_classes_are_the_binomial_regression_with_twice_the_strength() -> None:
    """The softmax has two weight vectors to carry one difference, at half the penalty."""
    from sklearn.linear_model import LogisticRegression

    rows, ids = problem(60, 4, 2, seed=6)
    fit = fitted(rows, ids, 0.25)
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
    objective = regression(scale * rows, ids)
    fit = fitted(scale * rows, ids, c, 1e-8)
    assert np.abs(gradient_at(objective, fit.weight, fit.intercept, c)).max() <= 1e-8
    assert fit.intercept.sum() == pytest.approx(0.0, abs=1e-9 * max(1, np.abs(fit.weight).max()))


def test_a_warm_start_ends_at_the_same_optimum() -> None:
    """The solver's start changes the time only."""
    rows, ids = problem(100, 10, 3, seed=7)
    cold = fitted(rows, ids, 2.0, 1e-10)
    warm = minimise(regression(rows, ids), 2.0, 1e-10, fitted(rows, ids, 0.01, 1e-10))
    assert warm is not None
    np.testing.assert_allclose(warm.weight, cold.weight, atol=1e-6)


def test_a_stopped_fit_is_none() -> None:
    """So is every later one of the same rows."""
    objective = regression(*problem(100, 10, 3, seed=7))
    objective.stop()
    assert minimise(objective, 2.0, 1e-10) is None


def test_decision_values_do_not_depend_on_other_rows() -> None:
    """W z + b of a row alone and among others, of any layout."""
    rows, ids = problem(100, 10, 3, seed=7)
    fit = fitted(rows, ids, 2.0)
    values = decisions(rows, fit)
    np.testing.assert_allclose(values, rows @ fit.weight.T + fit.intercept, atol=1e-12)
    for number in range(0, 100, 17):
        alone = decisions(np.asfortranarray(rows[number : number + 1]), fit)
        assert np.array_equal(alone[0], values[number])


def test_a_start_continues_the_fits_before() -> None:
    """Each further fit brings it nearer to the optimum; a wide step starts at the last fit."""
    rows, ids = problem(100, 10, 3, seed=9)
    strengths = [0.4, 0.5, 0.6, 0.7]
    path = [(c, fitted(rows, ids, c, 1e-11)) for c in strengths]
    optimum = fitted(rows, ids, 0.8, 1e-11).weight
    distances = []
    for count in range(1, 5):
        start = extrapolated(path[-count:], 0.8 if count > 1 else 0.7)
        assert start is not None
        distances.append(np.abs(start.weight - optimum).max())
    assert all(b < a / 4 for a, b in pairwise(distances)), distances
    assert extrapolated([], 0.8) is None
    assert extrapolated(path, 1.3) is path[-1][1]


def test_a_start_takes_the_last_fits() -> None:
    """No more than the text says."""
    ones = np.ones((2, 1))
    path = [(0.1 * k, SoftmaxFit(k * ones, ones[0], 0.0)) for k in range(1, PATH + 3)]
    start, other = (extrapolated(p, 0.9) for p in (path, path[2:]))
    assert start is not None
    assert other is not None
    assert np.array_equal(start.weight, other.weight)


def test_a_tolerance_that_float64_cannot_reach_is_an_error() -> None:
    """A fit that is none must not be scored; the message has both numbers."""
    rows, ids = problem(50, 5, 3, seed=8)
    with pytest.raises(BiobenchError, match=r"gradient of .*1e-30"):
        fitted(rows, ids, 1.0, 1e-30)


def test_class_weights_are_one_division_each() -> None:
    """n / (K n_c): 7 / (3 * 1), 7 / (3 * 2), 7 / (3 * 4)."""
    assert class_weights(np.array([1, 2, 4])).tolist() == [7 / 3, 7 / 6, 7 / 12]
