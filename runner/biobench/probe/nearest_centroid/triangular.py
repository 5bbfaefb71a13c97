"""Cholesky factor and whitening in a fixed order (SPEC.md, "Nearest centroid with rejection").

In: a symmetric matrix, or its factor and vectors. Out: float64 whose every entry takes its products
in ascending index, one rounded product and one rounded difference at a time. The loops run over
that index and each step works on many entries, so they are as exact as they are plain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from biobench._common.ordered_sums import FloatMatrix

_COORDINATES = 64
_VECTORS = 256
"""A tile of 64 coordinates of 256 vectors or rows, an eighth of a megabyte, stays in cache."""

Mapper = Callable[[Callable[[Any], None], Iterable[Any]], Iterable[None]]
"""``map`` or the ``map`` of a pool: order and number of workers decide nothing."""


class NotPositiveDefinite(ValueError):
    """The matrix has no factor; ``pivot`` is the first coordinate whose pivot is too small."""

    def __init__(self, pivot: int) -> None:
        self.pivot = pivot
        super().__init__(f"pivot {pivot} is too small")


def cholesky(matrix: FloatMatrix) -> FloatMatrix:
    """Lower triangular L with L L' = ``matrix``, float64 (d, d), by panels of columns.

    Raises:
        NotPositiveDefinite: A pivot is not above d 2^-40 times the matrix's own diagonal entry:
            what is left of it is then rounding.
    """
    size = len(matrix)
    # A column of the factor is a row here, one after the other in memory.
    columns = np.zeros((size, size))
    work = np.empty((_COORDINATES, _VECTORS))
    for a in range(0, size, _COORDINATES):
        b = min(a + _COORDINATES, size)
        rest = np.array(matrix[a:, a:b].T, order="C")
        for start in range(a, size, _VECTORS):
            end = min(start + _VECTORS, size)
            tile = rest[:, start - a : end - a].copy()
            for k in range(a):
                product = work[: b - a, : end - start]
                np.multiply(columns[k, a:b, None], columns[k, start:end], out=product)
                np.subtract(tile, product, out=tile)
            rest[:, start - a : end - a] = tile
        for i in range(b - a):
            j = a + i
            pivot = rest[i, i]
            if not pivot > size * 2.0**-40 * matrix[j, j]:
                raise NotPositiveDefinite(j)
            columns[j, j] = np.sqrt(pivot)
            column = rest[i, i + 1 :] / columns[j, j]
            columns[j, j + 1 :] = column
            rest[i + 1 :, i + 1 :] -= np.multiply.outer(column[: b - j - 1], column)
    return np.ascontiguousarray(columns.T)


def whiten(factor: FloatMatrix, vectors: FloatMatrix, mapper: Mapper = map) -> FloatMatrix:
    """The solution h of L h = y for each row y of ``vectors``, float64 (rows, d).

    Args:
        factor: L, lower triangular, float64 (d, d).
        vectors: float64 (rows, d).
        mapper: Applies a function to blocks of vectors, in one thread or several.
    """
    result = np.empty_like(vectors)
    panels = []
    for a in range(0, len(factor), _COORDINATES):
        b = min(a + _COORDINATES, len(factor))
        # The panel's columns one after the other in memory, since a step takes one of them.
        panels.append((a, b, np.ascontiguousarray(factor[a:b, :b].T)))

    def solve(start: int) -> None:
        block = vectors[start : start + _VECTORS]
        solved = np.empty((len(factor), len(block)))
        work = np.empty((_COORDINATES, len(block)))
        for a, b, columns in panels:
            rest = np.ascontiguousarray(block[:, a:b].T)
            for k in range(a):
                product = np.multiply(columns[k][:, None], solved[k], out=work[: b - a])
                np.subtract(rest, product, out=rest)
            for i in range(b - a):
                np.divide(rest[i], columns[a + i, i], out=solved[a + i])
                product = np.multiply(columns[a + i, i + 1 :, None], solved[a + i])
                rest[i + 1 :] -= product
        result[start : start + len(block)] = solved.T

    for _ in mapper(solve, range(0, len(vectors), _VECTORS)):
        pass
    return result
