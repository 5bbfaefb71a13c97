"""Standardised features: the plain loop to the bit, scikit-learn's scaler, constant features."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from biobench.probe.logistic_regression.scaling import fit_scaling

MATRICES = arrays(
    np.float32,
    st.tuples(st.integers(1, 9), st.integers(1, 5)),
    elements=st.floats(-1e6, 1e6, width=32),
)


@given(MATRICES)
def test_it_is_the_plain_loop_to_the_bit(matrix: np.ndarray) -> None:
    """Each sum over the rows in order, one root, one difference and one quotient a number."""
    scaling = fit_scaling(matrix)
    scaled = scaling.apply(matrix)
    n = len(matrix)
    for j, column in enumerate(matrix.astype(np.float64).T.tolist()):
        total = 0.0
        for value in column:
            total += value
        mean = total / n
        squares = 0.0
        for value in column:
            squares += (value - mean) * (value - mean)
        deviation = math.sqrt(squares / n) or 1.0
        assert scaling.mean[j] == mean
        assert scaling.deviation[j] == deviation
        assert scaled[:, j].tolist() == [(value - mean) / deviation for value in column]


def test_it_is_scikit_learns_scaler() -> None:
    """The scaling is the one that the field means by StandardScaler, population variance."""
    from sklearn.preprocessing import StandardScaler

    matrix = np.random.default_rng(0).normal(3, 2, (50, 8)).astype(np.float32)
    expected = StandardScaler().fit(matrix.astype(np.float64))
    scaling = fit_scaling(matrix)
    np.testing.assert_allclose(scaling.mean, expected.mean_, rtol=1e-14)
    np.testing.assert_allclose(scaling.deviation, expected.scale_, rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_constant_feature_becomes_zero(dtype: type) -> None:
    """Also where its float64 sums round: 0.1 added three times is not 0.3."""
    matrix = np.full((3, 2), 0.1, dtype)
    matrix[1, 1] = 0.2
    scaling = fit_scaling(matrix)
    assert scaling.mean[0] == matrix[0, 0]
    assert scaling.deviation[0] == 1.0
    assert not scaling.apply(matrix)[:, 0].any()
    assert scaling.apply(np.ones((1, 2), dtype))[0, 0] == 1.0 - float(matrix[0, 0])
