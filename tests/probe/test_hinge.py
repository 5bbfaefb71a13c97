"""The support vector machine's optimum: libsvm's, by the duality gap, on degenerate rows too."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biobench.errors import BiobenchError
from biobench.probe.svm.hinge import midpoint, minimise, violation

Matrix = np.ndarray


def losses(rows: Matrix, signs: Matrix, weight: Matrix, intercept: float) -> float:
    """Sum of the hinge losses."""
    return float(np.maximum(0.0, 1.0 - signs * (rows @ weight + intercept)).sum())


@pytest.mark.parametrize("shape", [(40, 3), (60, 30), (30, 200), (300, 20)])
@pytest.mark.parametrize("c", [0.1, 1.0])
def test_a_fit_is_libsvms(shape: tuple[int, int], c: float) -> None:
    """Up to the float32 in which libsvm keeps its kernel values."""
    from sklearn.svm import SVC

    rng = np.random.default_rng(0)
    rows = rng.normal(size=shape)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    signs = np.where(rows[:, 0] + 0.2 * rng.normal(size=len(rows)) > 0, 1.0, -1.0)
    fit = minimise(rows, signs, c, 1e-9)
    other = SVC(kernel="linear", C=c, tol=1e-6).fit(rows, signs)
    np.testing.assert_allclose(fit.weight, other.coef_[0], atol=2e-5)
    assert fit.intercept == pytest.approx(other.intercept_[0], abs=2e-5)
    assert (np.sign(rows @ fit.weight + fit.intercept) == other.predict(rows)).all()


@settings(max_examples=3 * settings.default.max_examples, deadline=None)
@given(st.data())
def test_the_duality_gap_closes(data: st.DataObject) -> None:
    """Rows on a small grid: repeated, collinear, both signs at one place, far out of balance."""
    n, d = data.draw(st.integers(2, 24)), data.draw(st.integers(1, 4))
    values = data.draw(st.lists(st.integers(-2, 2), min_size=n * d, max_size=n * d))
    rest = data.draw(st.lists(st.sampled_from([-1.0, 1.0]), min_size=n - 2, max_size=n - 2))
    rows = np.array(values, np.float64).reshape(n, d) / data.draw(st.sampled_from([1, 3]))
    signs = np.array([1.0, -1.0, *rest])
    c = data.draw(st.sampled_from([0.01, 1.0, 100.0]))
    fit = minimise(rows, signs, c, 1e-9)
    assert violation(rows, signs, fit.dual, c) <= 1e-9
    assert ((fit.dual >= 0) & (fit.dual <= c)).all()
    assert fit.dual @ signs == pytest.approx(0.0, abs=1e-12 * c * n)
    square = float(fit.weight @ fit.weight) / 2
    primal = square + c * losses(rows, signs, fit.weight, fit.intercept)
    assert primal - (fit.dual.sum() - square) <= 1e-9 * max(1.0, primal) * n


@given(st.lists(st.tuples(st.integers(-8, 8), st.sampled_from([-1, 1])), min_size=2, max_size=12))
def test_the_intercept_minimises_the_losses(items: list[tuple[int, int]]) -> None:
    """No other breakpoint is better, and the middle of the flat part is meant."""
    signs = np.array([1.0, -1.0, *(float(s) for _, s in items)])
    scores = np.array([0.25, -0.5, *(v / 4 for v, _ in items)])
    rows, weight = scores[:, None], np.ones(1)
    found = midpoint(signs - scores, int((signs > 0).sum()))
    least = losses(rows, signs, weight, found)
    breakpoints = np.unique(signs - scores)
    values = [losses(rows, signs, weight, float(b)) for b in breakpoints]
    assert least == min(values)
    flat = breakpoints[np.array(values) == least]
    assert found == (flat.min() + flat.max()) / 2


def test_two_rows_have_the_answer_that_a_pencil_gives() -> None:
    """Rows at 0 and 2 with room for the margin: w = 1, t = -1; with little C the weight is 2 C."""
    rows, signs = np.array([[2.0], [0.0]]), np.array([1.0, -1.0])
    fit = minimise(rows, signs, 1.0, 1e-9)
    assert fit.weight.tolist() == pytest.approx([1.0])
    assert fit.intercept == pytest.approx(-1.0)
    small = minimise(rows, signs, 0.125, 1e-9)
    assert small.weight.tolist() == [0.25]
    assert small.intercept == (1 - 0.5 + -1.0) / 2


def test_a_worse_point_has_a_larger_violation() -> None:
    """The check sees a dual variable that is moved off the optimum."""
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(20, 3))
    signs = np.where(rng.random(20) < 0.5, 1.0, -1.0)
    fit = minimise(rows, signs, 1.0, 1e-9)
    free = np.flatnonzero((fit.dual > 1e-3) & (fit.dual < 1 - 1e-3))
    one, other = free[:2]
    moved = fit.dual.copy()
    moved[one] += 1e-4 * signs[one]
    moved[other] -= 1e-4 * signs[other]
    assert violation(rows, signs, moved, 1.0) > 1e-6


def test_a_tolerance_that_float64_cannot_reach_is_an_error() -> None:
    """A fit that is none must not be scored."""
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(30, 4))
    signs = np.where(rng.random(30) < 0.5, 1.0, -1.0)
    with pytest.raises(BiobenchError, match=r"violation of .*1e-30"):
        minimise(rows, signs, 1.0, 1e-30)
