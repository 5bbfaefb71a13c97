"""Sums in index order in float64, so that any language gets the same bits (SPEC.md, section
"Notation").
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

FloatMatrix = npt.NDArray[np.float64]


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


def sums_by_place(
    places: npt.NDArray[np.int64], values: FloatMatrix, count: int = 0
) -> FloatMatrix:
    """Sum of the values of each place, one by one in the order given, float64 (at least count,).

    Args:
        places: Of each value, int64 (n,), from 0.
        values: float64 (n,).
        count: Fewest places of the result.
    """
    # numpy.bincount adds its weights in the order of the array.
    return np.asarray(np.bincount(places, weights=values, minlength=count), dtype=np.float64)
