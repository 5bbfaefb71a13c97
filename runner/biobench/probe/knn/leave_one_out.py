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

from biobench._common.ordered_sums import FloatMatrix, row_sums
from biobench.errors import DataError
from biobench.probe.knn.distance import squared_distances
from biobench.probe.knn.estimator import checked_normalisation, scaled_rows, votes
from biobench.probe.labels import checked_labels
from biobench.probe.minimum_items import enough_neighbours
from biobench.probe.rows import checked_features

_QUERY_BLOCK = 32


@dataclass(frozen=True, eq=False)
class Ranking:
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
) -> Ranking:
    """Rank, for each query row, all other rows by (float64 squared distance, row).

    The average precision ranks every row, so all distances are computed and no index is needed.

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
    columns = np.ascontiguousarray(rows.T)

    def rank(start: int) -> tuple[npt.NDArray[Any], ...]:
        block = asked[start : start + _QUERY_BLOCK]
        distances = squared_distances(rows[block], columns)
        # The query itself sorts last, behind every finite distance, and is cut off.
        distances[np.arange(len(block)), block] = np.inf
        order = np.argsort(distances, axis=1, kind="stable")[:, :-1]
        relevant = ids[order] == ids[block][:, None]
        neighbours = np.full((len(block), listed), -1, np.int32)
        neighbours[:, : order.shape[1]] = order[:, :listed]
        first_hit = np.where(relevant.any(axis=1), relevant.argmax(axis=1) + 1, 0)
        return votes(ids[order[:, :k]]), neighbours, first_hit, _average_precision(relevant)

    starts = range(0, asked.size, _QUERY_BLOCK)
    parts = []
    with ThreadPoolExecutor(max(1, threads)) as pool:
        for start, part in zip(starts, pool.map(rank, starts), strict=True):
            parts.append(part)
            if progress is not None:
                progress(min(_QUERY_BLOCK, asked.size - start))
    if not parts:
        raise DataError("no query is scored", remedy="check that classes have two images or more")
    predicted, neighbours, first_hit, precision = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    return Ranking(predicted, neighbours, first_hit.astype(np.int32), precision)


def _average_precision(relevant: npt.NDArray[np.bool_]) -> FloatMatrix:
    """Average precision of each row of a complete ranking, float64 (q,); 0 without a relevant row.

    The same sums as metric.average_precision: the zeros between its terms change no bit.
    """
    found = np.cumsum(relevant, axis=1)
    terms = np.where(relevant, found / np.arange(1, relevant.shape[1] + 1), 0.0)
    return row_sums(terms) / np.maximum(found[:, -1], 1)
