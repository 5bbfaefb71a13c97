"""Feature rows: sums in index order, unit length, layer normalisation, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from biobench._common.ordered_sums import column_sums, row_sums
from biobench.errors import DataError, ModelError, UsageError
from biobench.probe import rows
from biobench.probe.inputs import rows_of
from biobench.probe.rows import (
    checked_features,
    standard_rows,
    unit_rows,
)

MATRICES = arrays(
    np.float32,
    st.tuples(st.integers(1, 6), st.integers(1, 12)),
    elements=st.floats(-1e6, 1e6, width=32),
)


def left_to_right(values: list[float]) -> float:
    total = 0.0
    for value in values:
        total += value
    return total


@given(MATRICES)
def test_unit_rows_are_the_plain_loop_to_the_bit(matrix: np.ndarray) -> None:
    """Level P: squares added in index order in float64, one root, one division a number."""
    matrix[:, 0] = np.where(np.any(matrix != 0, axis=1), matrix[:, 0], 1.0)
    result = unit_rows(matrix)
    for row, values in zip(result.tolist(), matrix.astype(np.float64).tolist(), strict=True):
        norm = math.sqrt(left_to_right([v * v for v in values]))
        assert row == [v / norm for v in values]


@given(MATRICES)
def test_standard_rows_are_the_plain_loop_to_the_bit(matrix: np.ndarray) -> None:
    """Mean and variance in index order in float64, rounded once to float32."""
    result = standard_rows(matrix, 1e-5)
    for row, values in zip(result, matrix.astype(np.float64).tolist(), strict=True):
        mean = left_to_right(values) / len(values)
        centred = [v - mean for v in values]
        scale = math.sqrt(left_to_right([v * v for v in centred]) / len(values) + 1e-5)
        assert np.array_equal(row, np.array([v / scale for v in centred]).astype(np.float32))


def test_standard_rows_are_torchs_layer_norm() -> None:
    """The normalisation is the one that the field means by LayerNorm."""
    matrix = np.random.default_rng(0).normal(3, 2, (20, 64)).astype(np.float32)
    expected = torch.nn.functional.layer_norm(torch.from_numpy(matrix), (64,), eps=1e-5).numpy()
    np.testing.assert_allclose(standard_rows(matrix, 1e-5), expected, atol=2e-6)


def test_sums_are_not_pairwise() -> None:
    """numpy.sum gives other bits on these rows; accumulate must not."""
    matrix = np.random.default_rng(2).random((4, 3000))
    assert row_sums(matrix.copy()).tolist() == [left_to_right(row) for row in matrix.tolist()]
    assert row_sums(matrix.copy()).tolist() != matrix.sum(axis=1).tolist()


@given(MATRICES)
def test_column_sums_are_the_plain_loop_to_the_bit(matrix: np.ndarray) -> None:
    """Rows are added from first to last in float64, also those of float32."""
    expected = [left_to_right(column) for column in matrix.astype(np.float64).T.tolist()]
    assert column_sums(matrix).tolist() == expected


def test_blocks_do_not_change_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are handled in blocks of bounded memory; the cut changes nothing."""
    matrix = np.random.default_rng(4).normal(size=(50, 7)).astype(np.float32)
    unit, standard = unit_rows(matrix), standard_rows(matrix, 1e-5)
    monkeypatch.setattr(rows, "_BLOCK_VALUES", 20)
    assert np.array_equal(unit_rows(matrix), unit)
    assert np.array_equal(standard_rows(matrix, 1e-5), standard)


def test_a_constant_row_becomes_zeros() -> None:
    """A model that gives one number everywhere is scored, not divided by zero."""
    assert not standard_rows(np.full((2, 5), 3.0, np.float32), 1e-5).any()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_the_first_row_that_is_not_finite_is_named(
    value: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row number is that of the matrix, also beyond the first block."""
    matrix = np.zeros((30, 4), np.float32)
    matrix[17, 2] = value
    matrix[25, 0] = np.nan
    for block in (8, 1 << 20):
        monkeypatch.setattr(rows, "_BLOCK_VALUES", block)
        with pytest.raises(ModelError, match=r"X row 17: .*NaN") as caught:
            checked_features(matrix)
        assert caught.value.exit_code == 5


def test_a_row_of_zeros_has_no_direction() -> None:
    """It cannot be divided by its norm; the message names the row."""
    matrix = np.ones((5, 3), np.float32)
    matrix[3] = 0
    with pytest.raises(ModelError, match=r"row 3: .*all zero"):
        unit_rows(matrix)


def test_matrices_that_are_none_are_refused() -> None:
    """Wrong axes and types are the caller's fault, an empty split is the data's."""
    for wrong in (np.zeros(3), np.zeros((2, 2, 2)), np.array([["a"]]), np.zeros((2, 2), complex)):
        with pytest.raises(UsageError):
            checked_features(wrong)
    for empty in (np.zeros((0, 4)), np.zeros((4, 0))):
        with pytest.raises(DataError):
            checked_features(empty)
    assert checked_features(np.ones((2, 2), np.int64)).dtype == np.float64


def test_rows_of_a_split_are_no_copy() -> None:
    """Protects: the features of a quarter of a million images are held once, not twice while they
    are probed; rows that are no neighbours are those rows all the same."""
    features = np.arange(24, dtype=np.float32).reshape(6, 4)
    for chosen, shared in (
        ([0, 1, 2], True), ([3, 4, 5], True), ([4], True), ([0, 2, 3], False), ([], False),
    ):  # fmt: skip
        found = rows_of(features, np.array(chosen, np.int64))
        assert np.array_equal(found, features[chosen])
        assert np.shares_memory(found, features) == shared
