"""Each image against all others (SPEC.md, section "Nearest neighbours").

In: features and labels of one gallery. Out: for each scored row its prediction and its exact
ranking of all other rows.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from biobench._common.ordered_sums import FloatMatrix, sums_by_place
from biobench.errors import DataError
from biobench.probe.knn.estimator import checked_normalisation, scaled_rows, votes
from biobench.probe.knn.order import ordering
from biobench.probe.labels import checked_labels
from biobench.probe.minimum_items import enough_neighbours
from biobench.probe.rows import checked_features

_BLOCK_QUERIES, _BLOCK_VALUES = 256, 1 << 24
"""Most queries and distances of a block: its matrix product takes at most 128 MiB a worker."""


@dataclass(frozen=True, eq=False)
class NeighbourRanking:
    """The exact ranking of each query.

    Attributes:
        predicted: Label id by the votes of the k nearest, int64 (q,).
        neighbours: The nearest rows in order, int32 (q, listed), -1 where there are fewer.
        first_hit: Rank from 1 of the first row of the query's class, 0 where there is none, int32
            (q,).
        average_precision: float64 (q,).
    """

    predicted: npt.NDArray[np.int64]
    neighbours: npt.NDArray[np.int32]
    first_hit: npt.NDArray[np.int32]
    average_precision: npt.NDArray[np.float64]


def leave_one_out(
    features: npt.ArrayLike,
    labels: npt.ArrayLike,
    queries: npt.ArrayLike,
    *,
    k: int = 1,
    normalise: str = "l2",
    listed: int = 5,
    threads: int = 1,
    progress: Callable[[int], None] | None = None,
) -> NeighbourRanking:
    """Rank, for each query row, all other rows by (float64 squared distance, row).

    One matrix product proposes the order, and the definition decides where the product cannot tell.

    Args:
        features: Real (rows, dim) in manifest order.
        labels: Label ids (rows,).
        queries: Row numbers (q,).
        k: Number of neighbours that vote; a tie goes to the smallest id.
        normalise: ``l2`` or ``none``.
        listed: Number of neighbours that are listed.
        threads: Workers over fixed blocks of queries; the result does not depend on it.
        progress: Called with each number of queries done.

    Raises:
        DataError: Fewer than k other rows exist.
        ModelError: As :class:`KNNProbe`.
    """
    matrix = checked_features(features, "features")
    ids = checked_labels(labels, len(matrix)).astype(np.int64)
    asked = np.asarray(queries, dtype=np.int64)
    enough_neighbours(len(matrix), k)
    rows = scaled_rows(matrix, checked_normalisation(normalise), "features")
    ordered = ordering(rows, ids, max(k, listed))
    step = max(1, min(_BLOCK_QUERIES, _BLOCK_VALUES // len(rows)))

    def rank(start: int) -> list[tuple[npt.NDArray[Any], ...]]:
        return [
            _ranked(ids[part], ids[order], order, k, listed)
            for part, order in ordered(asked[start : start + step])
        ]

    starts = range(0, asked.size, step)
    parts: list[tuple[npt.NDArray[Any], ...]] = []
    # Workers share the processor already; a pool of the library beside each would divide it again.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(max(1, threads)) as pool:
        for start, ranked in zip(starts, pool.map(rank, starts), strict=True):
            parts += ranked
            if progress is not None:
                progress(min(step, asked.size - start))
    if not parts:
        raise DataError("no query is scored", remedy="check that classes have two images or more")
    predicted, neighbours, first_hit, precision = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    return NeighbourRanking(predicted, neighbours, first_hit.astype(np.int32), precision)


def _ranked(
    own: npt.NDArray[np.int64],
    labels: npt.NDArray[np.int64],
    order: npt.NDArray[np.int64],
    k: int,
    listed: int,
) -> tuple[npt.NDArray[Any], ...]:
    """The arrays of a :class:`NeighbourRanking`.

    Args:
        own: Label ids of the queries, int64 (q,).
        labels: Label ids in ranked order, int64 (q, n).
        order: Rows in ranked order, int64 (q, n).
        k: Number of neighbours that vote.
        listed: Number of neighbours that are listed.
    """
    relevant = labels == own[:, None]
    neighbours = np.full((len(own), listed), -1, np.int32)
    neighbours[:, : order.shape[1]] = order[:, :listed]
    first_hit = np.where(relevant.any(axis=1), relevant.argmax(axis=1) + 1, 0)
    return votes(labels[:, :k]), neighbours, first_hit, _average_precision(relevant)


def _average_precision(relevant: npt.NDArray[np.bool_]) -> FloatMatrix:
    """Average precision of each row of a complete ranking, float64 (q,); 0 without a relevant row.

    The same sums as metric.average_precision.
    """
    query, place = np.nonzero(relevant)
    found = np.bincount(query, minlength=len(relevant))
    nth = np.arange(1, query.size + 1) - (np.cumsum(found) - found)[query]
    return sums_by_place(query, nth / (place + 1), len(relevant)) / np.maximum(found, 1)
