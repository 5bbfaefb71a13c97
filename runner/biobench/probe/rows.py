"""Feature rows: checked, scaled to length one, or standardised (SPEC.md, section "Protocols").

In: a feature matrix. Out: rows whose every sum is taken in index order in float64, so that any
language gets the same bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench.errors import DataError, ModelError, UsageError

FloatMatrix = npt.NDArray[np.float64]
_BLOCK_VALUES = 1 << 20


def checked_features(values: npt.ArrayLike, name: str = "X") -> npt.NDArray[Any]:
    """A real matrix (rows, features), float32 or float64, all finite.

    Raises UsageError for another shape, DataError without a row, and ModelError naming the first
    row that holds NaN or an infinity.
    """
    matrix = np.asarray(values)
    if matrix.ndim != 2 or matrix.dtype.kind not in "fiu":
        raise UsageError(
            f"{name} has {matrix.ndim} axes of {matrix.dtype}",
            remedy="pass a matrix of real numbers with one row for each item",
        )
    if matrix.shape[0] == 0 or matrix.shape[1] == 0:
        raise DataError(f"{name} is empty {matrix.shape}", remedy="check that the split has items")
    if matrix.dtype not in (np.float32, np.float64):
        matrix = matrix.astype(np.float64)
    for start, block in _blocks(matrix):
        finite = np.isfinite(block).all(axis=1)
        if not finite.all():
            row = start + int(np.argmin(finite))
            raise ModelError(
                "the features hold NaN or an infinity",
                where=f"{name} row {row}",
                remedy="check the model's weights and precision on this item",
            )
    return matrix


def checked_labels(values: npt.ArrayLike, rows: int) -> npt.NDArray[Any]:
    """Labels, one for each of ``rows`` rows; UsageError otherwise."""
    labels = np.asarray(values)
    if labels.ndim != 1 or labels.size != rows:
        raise UsageError(
            f"y has shape {labels.shape} for {rows} rows", remedy="pass one label for each row"
        )
    return labels


def _blocks(matrix: npt.NDArray[Any]) -> Iterator[tuple[int, npt.NDArray[Any]]]:
    step = max(1, _BLOCK_VALUES // matrix.shape[1])
    for start in range(0, matrix.shape[0], step):
        yield start, matrix[start : start + step]


def row_sums(values: FloatMatrix) -> FloatMatrix:
    """Sum over the last axis from left to right; overwrites ``values``.

    ``numpy.sum`` adds in pairs and vector lanes, ``accumulate`` one by one.
    """
    sums: FloatMatrix = np.add.accumulate(values, axis=-1, out=values)[..., -1].copy()
    return sums


def column_sums(matrix: npt.NDArray[Any]) -> FloatMatrix:
    """Sum of each column over the rows from first to last, float64 (columns,)."""
    total = np.zeros(matrix.shape[1])
    for row in matrix:
        # NumPy's own reduction may add rows in blocks, and then the bits depend on its version.
        total += row
    return total


def unit_rows(matrix: npt.NDArray[Any], name: str = "X") -> FloatMatrix:
    """Rows in float64 divided by their L2 norm; ModelError names the first row of norm zero."""
    result = np.empty(matrix.shape, np.float64)
    for start, block in _blocks(matrix):
        rows = block.astype(np.float64)
        norms = np.sqrt(row_sums(rows * rows))
        if not norms.all():
            raise ModelError(
                "the features are all zero, so they have no direction",
                where=f"{name} row {start + int(np.argmin(norms != 0))}",
                remedy="check the model on this item",
            )
        np.divide(rows, norms[:, None], out=result[start : start + len(rows)])
    return result


def standard_rows(matrix: npt.NDArray[Any], epsilon: float) -> npt.NDArray[np.float32]:
    """Layer normalisation without its affine part: (x - mean) / sqrt(variance + epsilon).

    Mean and population variance of each row are taken in float64; the result is rounded once to
    float32. A constant row becomes zeros.
    """
    result = np.empty(matrix.shape, np.float32)
    width = matrix.shape[1]
    for start, block in _blocks(matrix):
        rows = block.astype(np.float64)
        rows -= (row_sums(rows.copy()) / width)[:, None]
        variance = row_sums(rows * rows) / width
        rows /= np.sqrt(variance + epsilon)[:, None]
        result[start : start + len(rows)] = rows
    return result
