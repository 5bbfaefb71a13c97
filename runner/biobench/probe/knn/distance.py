"""Exact squared distances (SPEC.md, section "Nearest neighbours").

In: two float64 matrices. Out: float64 squared distances, each summed over the features in index
order with a rounded product and a rounded sum a feature, as any language computes them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from biobench._common.ordered_sums import FloatMatrix, row_sums

_TILE = 1 << 15
"""Distances handled at a time: two arrays of a quarter of a megabyte stay in cache."""
_BLOCK_VALUES = 1 << 20
"""Values of copied gallery rows at a time, 8 MiB."""


def squared_distances(queries: FloatMatrix, gallery: FloatMatrix) -> FloatMatrix:
    """Distances from each query to each gallery row, float64 (queries, gallery).

    The loop runs over features and each step is one subtraction, one product and one sum over many
    pairs: three separate roundings a pair, so no fused multiply-add and no other order can enter.

    Args:
        queries: float64 (q, d).
        gallery: float64 (g, d).
    """
    q, d = queries.shape
    g = gallery.shape[0]
    result = np.zeros((q, g))
    columns = np.ascontiguousarray(queries.T)
    tile = min(g, max(1, min(max(256, _TILE // q), _BLOCK_VALUES // d)))
    work = np.empty((q, tile))
    total = np.empty_like(work)
    for start in range(0, g, tile):
        gallery_columns = np.ascontiguousarray(gallery[start : start + tile].T)
        stop = start + gallery_columns.shape[1]
        difference, sums = work[:, : stop - start], total[:, : stop - start]
        sums.fill(0.0)
        for j in range(d):
            np.subtract(columns[j][:, None], gallery_columns[j], out=difference)
            np.multiply(difference, difference, out=difference)
            np.add(sums, difference, out=sums)
        result[:, start:stop] = sums
    return result


def listed_distances(
    queries: FloatMatrix, gallery: FloatMatrix, rows: npt.NDArray[np.int64]
) -> FloatMatrix:
    """Distances from query i to the gallery rows ``rows[i]``, float64, shape of ``rows``.

    They are the same numbers as :func:`squared_distances` gives for these pairs.

    Args:
        queries: float64 (q, d).
        gallery: float64 (g, d).
        rows: int64 (q, c).
    """
    result = np.empty(rows.shape)
    width = max(1, _BLOCK_VALUES // queries.shape[1])
    step = max(1, width // rows.shape[1])
    for start in range(0, rows.shape[0], step):
        for left in range(0, rows.shape[1], width):
            part = np.s_[start : start + step, left : left + width]
            difference = gallery[rows[part]]
            difference -= queries[start : start + step, None, :]
            np.multiply(difference, difference, out=difference)
            result[part] = row_sums(difference)
    return result
