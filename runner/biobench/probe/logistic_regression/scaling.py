"""Standardised features (SPEC.md, section "Logistic regression").

In: feature rows. Out: rows with mean 0 and population variance 1 in each feature of the rows that
the scaling was taken from; every sum is over the rows from first to last in float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench._common.ordered_sums import FloatMatrix, column_sums


@dataclass(frozen=True, eq=False)
class Scaling:
    """Mean and deviation of each feature, float64 (features,)."""

    mean: FloatMatrix
    deviation: FloatMatrix

    def apply(self, matrix: npt.NDArray[Any]) -> FloatMatrix:
        """(x - mean) / deviation, float64 (rows, features)."""
        rows = matrix - self.mean
        rows /= self.deviation
        return rows


def fit_scaling(matrix: npt.NDArray[Any]) -> Scaling:
    """Mean and population standard deviation of the features of ``matrix`` (rows, features).

    A feature with one value in all rows has that mean and deviation 1. For float32 features this is
    what the sums give; in float64 they may round, and a deviation of 1e-17 would blow up any row
    that differs.
    """
    rows = len(matrix)
    mean = column_sums(matrix) / rows
    squares = np.zeros_like(mean)
    for row in matrix:
        difference = row - mean
        squares += difference * difference
    deviation = np.sqrt(squares / rows)
    same = (matrix == matrix[0]).all(axis=0)
    mean[same] = matrix[0][same]
    deviation[same | (deviation == 0)] = 1.0
    return Scaling(mean, deviation)
