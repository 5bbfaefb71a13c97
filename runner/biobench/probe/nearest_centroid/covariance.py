"""Within-class covariance with Ledoit and Wolf's shrinkage, in a fixed order (SPEC.md, "Nearest
centroid with rejection").

In: feature rows with class numbers. Out: one float64 matrix, the same to the bit in any language:
each entry takes its rows in manifest order, a rounded product and a rounded sum a row.

The work is one product and one sum for each row and each pair of features. A step here handles one
row and a tile of pairs, which is memory-bound; a compiled version would keep a few entries in
registers while it walks down the rows, still one rounding a step and without fused operations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench._common.ordered_sums import FloatMatrix, column_sums, row_sums
from biobench.probe.nearest_centroid.triangular import Mapper

_TILE_ROWS = 64
_TILE_COLUMNS = 512
"""A tile and its product, a quarter of a megabyte each, stay in cache, as so many whole rows do."""


@dataclass(frozen=True, eq=False)
class ClassCovariance:
    """One class: its mean (d,), deviations (d,), shrinkage in [0, 1], and covariance (d, d)."""

    mean: FloatMatrix
    deviation: FloatMatrix
    shrinkage: float
    matrix: FloatMatrix


def class_covariance(rows: FloatMatrix, mapper: Mapper = map) -> ClassCovariance:
    """Shrunk covariance of one class from its rows, float64 (n, d), n >= 1.

    The columns are divided by their population deviations (1 where a column does not vary), the
    covariance of that is shrunk towards a multiple of the identity, and scaled back.
    """
    n, d = rows.shape
    mean = column_sums(rows) / n
    scaled = rows - mean
    deviation = np.sqrt(column_sums(scaled * scaled) / n)
    deviation[(rows == rows[0]).all(axis=0)] = 1.0
    scaled /= deviation
    matrix = scatter_matrix(scaled, mapper)
    shrinkage, target = _shrinkage(scaled, matrix.diagonal(), _row_squares(matrix))
    for a in range(0, d, _TILE_ROWS):
        block = matrix[a : a + _TILE_ROWS]
        block /= n
        block *= 1.0 - shrinkage
        places = np.arange(len(block))
        block[places, a + places] += shrinkage * target
        block *= np.multiply.outer(deviation[a : a + _TILE_ROWS], deviation)
    return ClassCovariance(mean, deviation, shrinkage, matrix)


def _row_squares(matrix: FloatMatrix) -> FloatMatrix:
    """Sum of squares of each row, in index order, of a matrix symmetric to the bit, float64 (d,).

    A row is a column there, so the sums go down all columns at once.
    """
    total = np.zeros(len(matrix))
    for a in range(0, len(matrix), _TILE_ROWS):
        block = matrix[a : a + _TILE_ROWS]
        for squares in block * block:
            total += squares
    return total


def _shrinkage(
    scaled: FloatMatrix, diagonal: FloatMatrix, row_squares: FloatMatrix
) -> tuple[float, float]:
    """The share of the covariance that is replaced, and the mean variance that replaces it.

    Args:
        scaled: float64 (n, d).
        diagonal: Diagonal of the scatter matrix (d,).
        row_squares: Sums of squares of its rows (d,).
    """
    n, d = scaled.shape
    target = float(row_sums(diagonal / n)) / d
    lengths = row_sums(scaled * scaled)
    fourth = float(row_sums(lengths * lengths))
    second = float(row_sums(row_squares.copy())) / (n * n)
    beta = (fourth / n - second) / (d * n)
    delta = second / d - target * target
    bounded = min(beta, delta)
    return (bounded / delta if bounded > 0 else 0.0), target


def scatter_matrix(rows: FloatMatrix, mapper: Mapper = map) -> FloatMatrix:
    """Sum over the rows of x_j x_k, float64 (d, d), symmetric to the bit."""
    d = rows.shape[1]
    result = np.empty((d, d))
    # Row of a tile >= its column: the other half is the mirror image.
    tiles = [
        (a, min(a + _TILE_ROWS, d), c, min(c + _TILE_COLUMNS, a + _TILE_ROWS, d))
        for a in range(0, d, _TILE_ROWS)
        for c in range(0, min(a + _TILE_ROWS, d), _TILE_COLUMNS)
    ]

    def fill(tile: tuple[int, int, int, int]) -> None:
        a, b, c, e = tile
        total = np.zeros((b - a, e - c))
        product = np.empty_like(total)
        for left, right in zip(rows[:, a:b, None], rows[:, None, c:e], strict=True):
            np.multiply(left, right, out=product)
            np.add(total, product, out=total)
        result[a:b, c:e] = total
        result[c:e, a:b] = total.T

    for _ in mapper(fill, tiles):
        pass
    return result


def within_class_covariance(
    features: npt.NDArray[Any],
    numbers: npt.NDArray[np.int64],
    classes: int,
    *,
    mapper: Mapper = map,
    progress: Callable[[int], None] | None = None,
) -> tuple[FloatMatrix, FloatMatrix]:
    """Class means and the sum over the classes of (n_c / n) times their covariance.

    Args:
        features: Real (n, d).
        numbers: Class 0 to classes - 1 of each row, int64 (n,); each class has a row.
        classes: Number of classes.
        mapper: ``map`` or the ``map`` of a pool.
        progress: Called with each number of rows done.

    Returns:
        Means, float64 (classes, d), and covariance, float64 (d, d).
    """
    n, d = features.shape
    means = np.empty((classes, d))
    pooled = np.zeros((d, d))
    order = np.argsort(numbers, kind="stable")
    ends = np.cumsum(np.bincount(numbers, minlength=classes))
    for number in range(classes):
        rows = order[ends[number - 1] if number else 0 : ends[number]]
        one = class_covariance(features[rows].astype(np.float64), mapper)
        means[number] = one.mean
        for a in range(0, d, _TILE_ROWS):
            pooled[a : a + _TILE_ROWS] += (rows.size / n) * one.matrix[a : a + _TILE_ROWS]
        if progress is not None:
            progress(rows.size)
    return means, pooled
