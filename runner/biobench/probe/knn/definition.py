"""The plain definition of the order of neighbours (SPEC.md, section "Nearest neighbours").

:mod:`biobench.probe.knn.order` gives the same order where it matters, in less time, and hands over
to this module the queries that it cannot tell.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from biobench._common.ordered_sums import FloatMatrix
from biobench.probe.knn.distance import squared_distances

_BLOCK = 32


def order_by_definition(rows: FloatMatrix, queries: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """All other rows of each query by (float64 squared distance, row), int64 (q, n - 1).

    Args:
        rows: float64 (n, d).
        queries: Row numbers, int64 (q,).
    """
    result = np.empty((len(queries), len(rows) - 1), np.int64)
    for start in range(0, len(queries), _BLOCK):
        block = queries[start : start + _BLOCK]
        distances = squared_distances(rows[block], rows)
        # The query itself sorts last, behind every finite distance, and is cut off.
        distances[np.arange(len(block)), block] = np.inf
        result[start : start + _BLOCK] = np.argsort(distances, axis=1, kind="stable")[:, :-1]
    return result
