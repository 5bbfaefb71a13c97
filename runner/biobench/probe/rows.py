"""Feature rows: checked, scaled to length one, or standardised (SPEC.md, section "Protocols").

In: a feature matrix. Out: rows whose every sum is taken in index order in float64, so that any
language gets the same bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench._common.arguments import as_array
from biobench._common.ordered_sums import FloatMatrix, row_sums
from biobench.errors import ArgumentError
from biobench.probe.errors import FeaturesError, ItemsError

LARGEST = 1e150
"""Largest absolute value of a feature: the squared distance of two rows of as many as ten million
features, or the sum of as many squares, is then below the largest float64."""
_SMALLEST_NORM = 1e-140
"""Below it squares of a row's features lose digits, as they leave float64's normal range."""
_BLOCK_VALUES = 1 << 20


def checked_features(
    values: npt.ArrayLike, name: str = "X", *, largest: float = np.inf
) -> npt.NDArray[Any]:
    """Check a real matrix (rows, features), float32 or float64, each value at most ``LARGEST`` and
    ``largest`` in absolute value.

    Raises:
        ArgumentError: The shape or type is another one.
        ItemsError: There is no row.
        FeaturesError: A row holds NaN, an infinity or a larger value; names the first.
    """
    matrix = as_array(name, values)
    if matrix.dtype.kind not in "fiu":
        raise ArgumentError(
            f"{name} has {matrix.ndim} axes of {matrix.dtype}",
            remedy="pass a matrix of real numbers with one row for each item",
        )
    if matrix.ndim != 2:
        raise ArgumentError(
            f"{name} has shape {matrix.shape}",
            remedy="pass a matrix with one row for each item, a single item as x.reshape(1, -1)",
        )
    if matrix.shape[0] == 0 or matrix.shape[1] == 0:
        raise ItemsError(f"{name} is empty {matrix.shape}", remedy="check that the split has items")
    if matrix.dtype not in (np.float32, np.float64):
        with np.errstate(over="ignore"):
            matrix = matrix.astype(np.float64)
    limit = matrix.dtype.type(min(LARGEST, largest, float(np.finfo(matrix.dtype).max)))
    for start, block in _blocks(matrix):
        # A comparison with NaN is false.
        usable = (np.abs(block) <= limit).all(axis=1)
        if not usable.all():
            row = int(np.argmin(usable))
            raise _unusable(block[row], f"{name} row {start + row}", float(limit))
    return matrix


def _unusable(values: npt.NDArray[Any], where: str, limit: float) -> FeaturesError:
    if not np.isfinite(values).all():
        return FeaturesError(
            "the features hold NaN or an infinity",
            where=where,
            remedy="check the model's weights and precision on this item",
        )
    return FeaturesError(
        f"the features hold {float(values[np.abs(values).argmax()])!r}, and beyond {limit:.3g} "
        "products and sums overflow",
        where=where,
        remedy="divide all features by one number",
    )


def finite_decisions(values: npt.NDArray[Any]) -> None:
    """Raise FeaturesError naming the first row, along the first axis, with a value that is not
    finite."""
    finite = np.isfinite(values.reshape(len(values), -1)).all(axis=1)
    if not finite.all():
        raise FeaturesError(
            "the features are so far from those that were learnt from that the decision overflows",
            where=f"X row {int(np.argmin(finite))}",
            remedy="check that both are from one model",
        )


def _blocks(matrix: npt.NDArray[Any]) -> Iterator[tuple[int, npt.NDArray[Any]]]:
    step = max(1, _BLOCK_VALUES // matrix.shape[1])
    for start in range(0, matrix.shape[0], step):
        yield start, matrix[start : start + step]


def unit_rows(matrix: npt.NDArray[Any], name: str = "X") -> FloatMatrix:
    """Rows in float64 divided by their L2 norm.

    Raises:
        FeaturesError: A row has norm zero, or one below 1e-140; names the first.
    """
    result = np.empty(matrix.shape, np.float64)
    for start, block in _blocks(matrix):
        rows = block.astype(np.float64)
        norms = np.sqrt(row_sums(rows * rows))
        if not (norms >= _SMALLEST_NORM).all():
            row = int(np.argmax(norms < _SMALLEST_NORM))
            zero = not rows[row].any()
            raise FeaturesError(
                "the features are all zero, so they have no direction"
                if zero
                else f"the features are so small that their norm is below {_SMALLEST_NORM}",
                where=f"{name} row {start + row}",
                remedy="check the model on this item"
                if zero
                else "multiply all features by one number",
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
