"""The nearest of a few points, exact (SPEC.md, "Nearest centroid with rejection").

In: vectors and centres. Out: for each vector the nearest centre and its exact squared distance. A
matrix product proposes, and the distances that decide are summed in index order.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from biobench._common.ordered_sums import FloatMatrix, row_sums
from biobench.probe.nearest_centroid.triangular import Mapper

_VECTORS = 256
_PAIR_VALUES = 1 << 20


def nearest(
    vectors: FloatMatrix, centres: FloatMatrix, mapper: Mapper = map
) -> tuple[npt.NDArray[np.int64], FloatMatrix]:
    """Number of the nearest centre, int64 (q,), and its squared distance, float64 (q,). A tie goes
    to the smallest number.

    The bound. Let u = 2^-53, s the vector's norm plus the largest norm of a centre. The proposed
    distance |x|^2 + |y|^2 - 2 x.y, in any order and with or without fused operations, has at most
    d + 3 roundings on terms whose absolute values add up to at most s^2; the exact one, summed in
    index order, has at most d + 2 on terms whose sum is at most s^2 (Higham, Accuracy and
    Stability, section 3.1). So they differ by less than b = 2.02 (d + 7) u s^2, which leaves room
    for the rounding of s itself; products below float64's normal range add at most (d + 7) 2^-1060.
    A centre whose proposed distance exceeds the smallest proposed one by more than 2 b is farther
    than that one, and is left out.

    Args:
        vectors: float64 (q, d).
        centres: float64 (c, d), c >= 1.
        mapper: Applies a function to blocks of vectors, in one thread or several.
    """
    numbers = np.empty(len(vectors), np.int64)
    distances = np.empty(len(vectors))
    with np.errstate(over="ignore"):
        lengths = row_sums(centres * centres)

    def search(start: int) -> None:
        block = vectors[start : start + _VECTORS]
        with np.errstate(over="ignore", invalid="ignore"):
            squares = row_sums(block * block)
            proposed = squares[:, None] + lengths - 2.0 * (block @ centres.T)
            scale = np.sqrt(squares) + np.sqrt(lengths.max())
            d = block.shape[1]
            bound = 2.02 * (d + 7) * 2.0**-53 * scale * scale + (d + 7) * 2.0**-1060
            # Written so that a NaN leaves nothing out.
            out = proposed > (proposed.min(axis=1) + 2.0 * bound)[:, None]
        rows, columns = np.nonzero(~out)
        exact = pair_distances(block, centres, rows, columns)
        order = np.lexsort((columns, exact, rows))
        _, first = np.unique(rows[order], return_index=True)
        best = order[first]
        numbers[start : start + len(block)] = columns[best]
        distances[start : start + len(block)] = exact[best]

    for _ in mapper(search, range(0, len(vectors), _VECTORS)):
        pass
    return numbers, distances


def pair_distances(
    left: FloatMatrix,
    right: FloatMatrix,
    rows: npt.NDArray[np.int64],
    columns: npt.NDArray[np.int64],
) -> FloatMatrix:
    """Squared distance of ``left[rows[i]]`` and ``right[columns[i]]``, float64 (pairs,), summed in
    index order.

    Args:
        left: float64 (l, d).
        right: float64 (r, d).
        rows: Rows of ``left``, int64 (pairs,).
        columns: Rows of ``right``, int64 (pairs,).
    """
    result = np.empty(rows.size)
    step = max(1, _PAIR_VALUES // left.shape[1])
    for start in range(0, rows.size, step):
        part = slice(start, start + step)
        difference = left[rows[part]]
        difference -= right[columns[part]]
        with np.errstate(over="ignore"):
            np.multiply(difference, difference, out=difference)
        result[part] = row_sums(difference)
    return result
