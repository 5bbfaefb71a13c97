"""Each image against all others: the ranking, its extras, and independence of the schedule."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biobench.errors import DataError
from biobench.metric import average_precision
from biobench.probe import KNNProbe
from biobench.probe.knn.estimator import scaled_rows
from biobench.probe.knn.leave_one_out import leave_one_out

VALUES = st.sampled_from([-1.0, 0.25, 1.0, 2.0])


def plain(
    features: np.ndarray, labels: list[int], query: int, k: int, normalise: str
) -> tuple[int, list[int], int, float]:
    """Prediction, neighbours, first hit and average precision of one query, from plain loops."""
    rows = scaled_rows(features, normalise).tolist()

    def distance(i: int) -> float:
        total = 0.0
        for a, b in zip(rows[query], rows[i], strict=True):
            total += (a - b) * (a - b)
        return total

    others = sorted((i for i in range(len(rows)) if i != query), key=lambda i: (distance(i), i))
    flags = [labels[i] == labels[query] for i in others]
    nearest = [labels[i] for i in others[:k]]
    predicted = min(set(nearest), key=lambda c: (-nearest.count(c), c))
    first = flags.index(True) + 1 if any(flags) else 0
    precision = average_precision(flags, n_relevant=sum(flags))
    return predicted, (others + [-1] * 5)[:5], first, precision


@given(
    st.lists(st.tuples(VALUES, VALUES, st.integers(0, 3)), min_size=3, max_size=14),
    st.sampled_from([(1, "l2"), (2, "none")]),
)
@settings(max_examples=80)
def test_the_ranking_is_the_definition(
    rows: list[tuple[float, float, int]], protocol: tuple[int, str]
) -> None:
    """Duplicates, ties and individuals with one image: each query as the text words it."""
    k, normalise = protocol
    features = np.array([r[:2] for r in rows], np.float32)
    labels = [r[2] for r in rows]
    queries = list(range(0, len(rows), 2))
    result = leave_one_out(features, labels, queries, k=k, normalise=normalise)
    for i, query in enumerate(queries):
        predicted, neighbours, first, precision = plain(features, labels, query, k, normalise)
        assert result.predicted[i] == predicted
        assert result.neighbours[i].tolist() == neighbours
        assert result.first_hit[i] == first
        assert result.average_precision[i] == precision


def test_threads_and_blocks_change_nothing() -> None:
    """Schedule invariance: 1, 2 or 3 workers give the same arrays, and so does a subset."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(150, 20)).astype(np.float32)
    labels = rng.integers(0, 30, 150)
    everything = np.arange(150)
    one = leave_one_out(features, labels, everything)
    for threads in (2, 3):
        other = leave_one_out(features, labels, everything, threads=threads)
        assert np.array_equal(one.neighbours, other.neighbours)
        assert np.array_equal(one.average_precision, other.average_precision)
    part = leave_one_out(features, labels, everything[40:77])
    assert np.array_equal(part.neighbours, one.neighbours[40:77])
    assert np.array_equal(part.average_precision, one.average_precision[40:77])


def test_neighbours_are_those_of_the_index_search() -> None:
    """The exhaustive ranking and the FAISS search with its proof name the same neighbours."""
    rng = np.random.default_rng(1)
    features = rng.normal(size=(300, 32)).astype(np.float32)
    features[100:110] = features[:10]
    labels = np.zeros(300, int)
    ranking = leave_one_out(features, labels, np.arange(300))
    _, rows = KNNProbe(k=6).fit(features, labels).kneighbors(features)
    for query in range(300):
        expected = [row for row in rows[query].tolist() if row != query][:5]
        assert ranking.neighbours[query].tolist() == expected


def test_progress_counts_every_query_once() -> None:
    """A bar over the queries ends exactly full."""
    seen: list[int] = []
    features = np.random.default_rng(2).normal(size=(75, 3))
    leave_one_out(features, np.arange(75) % 5, np.arange(70), progress=seen.append)
    assert sum(seen) == 70
    assert all(count > 0 for count in seen)


def test_too_small_galleries_are_refused() -> None:
    """Fewer others than k, or no query at all, is a fault of the data."""
    with pytest.raises(DataError, match="fewer than 5 neighbours"):
        leave_one_out(np.ones((5, 2)), np.zeros(5, int), [0], k=5)
    with pytest.raises(DataError, match="no query"):
        leave_one_out(np.ones((5, 2)), np.zeros(5, int), [])
