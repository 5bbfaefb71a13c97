"""The order of neighbours from one matrix product (SPEC.md, section "Nearest neighbours").

In: float64 rows and their labels. Out: for each query all other rows, in the definition's order
wherever a result can see it.

The product proposes, and the definition decides what the product cannot tell. Let q be a query, b
another row, D the squared distance in real numbers, E the definition's float64 distance and
G = |b|^2 - 2 q.b as computed here. G + |q|^2 stands for D, and |q|^2 is the same for all rows of a
query, so it is left out. Let u = 2^-53, d the number of features, g(n) = n u / (1 - n u), and s the
norm of q plus the largest norm of all rows. A sum of n products in any order, fused or not, differs
from the true one by at most g(n) times the sum of their absolute values (Higham, Accuracy and
Stability of Numerical Algorithms, section 3.1).

- Norm: |b|^2 has an error of at most g(d) |b|^2. Product: doubling q is exact, so 2 q.b has one of
  at most 2 g(d) |q| |b| (Cauchy and Schwarz), whatever the library's blocks, threads and processor.
  With the rounding of their difference, |G + |q|^2 - D| <= g(d + 1) (|b|^2 + 2 |q| |b|).
- Definition: each term (a - b)^2 has three roundings, two of them by the difference, and up to
  d - 1 sums follow, all terms being positive: |E - D| <= g(d + 2) D, where D <= (|q| + |b|)^2.

Together |G + |q|^2 - E| <= 2 g(d + 2) s^2. Two values of G are compared by their rounded
difference, an error of at most 2 u s^2, which d + 4 in the place of d + 2 covers; 2.02 in the place
of 2 covers the denominator of g and the roundings of s and of the bound itself for d < 10^10.
Products below the normal range add at most 2^-1022 each, even where they are flushed to zero: in
all fewer than 16 (d + 4) of them. So with

    e = 2.02 (d + 4) 2^-53 s^2 + (d + 4) 2^-1018

a row whose G is more than 2 e above another's is farther by the definition. Rows that are joined by
a chain of values no more than 2 e apart are ordered by the definition's distance and then by row.
Features are at most 1e150, so that nothing overflows; where more than 10^7 of them make s^2 do so,
the bound is infinite and the definition decides everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from biobench._common.ordered_sums import FloatMatrix, row_sums
from biobench.probe.knn.definition import order_by_definition
from biobench.probe.knn.distance import listed_distances

Rows = npt.NDArray[np.int64]
_SQUARES_BLOCK = 1 << 10
_ORDERED_VALUES = 1 << 20
"""Distances that are ordered at a time: arrays of 8 MiB, which the next part can use again."""
_SHARE = 4
"""A query of which more than one in four rows needs its exact distance is left to the definition: a
distance of the list costs about three times one of the whole table."""


def ordering(
    rows: FloatMatrix, labels: Rows, first: int
) -> Callable[[Rows], Iterator[tuple[Rows, Rows]]]:
    """The function that orders all other rows of each query.

    It takes row numbers (q,), for which it makes one product (q, n), and yields consecutive parts
    of them, each with the order of its other rows, int64 (part, n - 1).

    The first ``first`` places, and the places of the rows of the query's label, are those of the
    order by (float64 squared distance, row). Rows of other labels between them that the product
    cannot tell apart may stand in any order.

    Args:
        rows: float64 (n, d), n at least 2.
        labels: Label ids, int64 (n,).
        first: Number of places from the nearest that are wanted exactly.
    """
    count, width = rows.shape
    squares = np.empty(count)
    with np.errstate(over="ignore"):
        for start in range(0, count, _SQUARES_BLOCK):
            block = rows[start : start + _SQUARES_BLOCK]
            squares[start : start + _SQUARES_BLOCK] = row_sums(block * block)
    gap = gaps(squares, width)

    def ordered(queries: Rows) -> Iterator[tuple[Rows, Rows]]:
        if not np.isfinite(gap).all():
            yield queries, order_by_definition(rows, queries)
            return
        # Doubling is exact.
        products = (-2.0 * rows[queries]) @ rows.T
        step = max(1, _ORDERED_VALUES // count)
        for start in range(0, len(queries), step):
            part = queries[start : start + step]
            values = products[start : start + step]
            values += squares
            values[np.arange(len(part)), part] = np.inf
            order = np.argsort(values, axis=1)
            values = np.take_along_axis(values, order, axis=1)[:, :-1]
            order = order[:, :-1]
            close = values[:, 1:] - values[:, :-1] <= gap[part, None]
            left_over = []
            for i in np.flatnonzero(close.any(axis=1)):
                wanted = labels[order[i]] == labels[part[i]]
                wanted[:first] = True
                if not _decide(rows, int(part[i]), order[i], close[i], wanted):
                    left_over.append(i)
            if left_over:
                order[left_over] = order_by_definition(rows, part[left_over])
            yield part, order

    return ordered


def gaps(squares: FloatMatrix, width: int) -> FloatMatrix:
    """Twice the bound e of each query, float64 (n,), infinite where it overflows.

    Args:
        squares: Sum of squares of each row, float64 (n,).
        width: Number of features.
    """
    norms = np.sqrt(squares)
    with np.errstate(over="ignore"):
        scale = (norms + norms.max()) ** 2
        bound: FloatMatrix = 2.02 * (width + 4) * 2.0**-53 * scale + (width + 4) * 2.0**-1018
        return 2 * bound


def _decide(
    rows: FloatMatrix,
    query: int,
    order: Rows,
    close: npt.NDArray[np.bool_],
    wanted: npt.NDArray[np.bool_],
) -> bool:
    """Order by exact distances, in place, the chains of close rows that hold a wanted place.

    Args:
        rows: float64 (n, d).
        query: Row number.
        order: Rows by approximate distance, int64 (n - 1,).
        close: True where the next place is too close to be told apart (n - 2,).
        wanted: Places that have to be exact (n - 1,).

    Returns:
        False, and nothing done, where too many distances are needed.
    """
    chains = np.concatenate(([0], np.cumsum(~close)))
    sizes = np.bincount(chains)
    holds = np.bincount(chains, weights=wanted) > 0
    places = np.flatnonzero((holds & (sizes > 1))[chains])
    if places.size * _SHARE > len(rows):
        return False
    if places.size:
        chained = order[places]
        exact = listed_distances(rows[query][None], rows, chained[None])[0]
        order[places] = chained[np.lexsort((chained, exact, chains[places]))]
    return True
