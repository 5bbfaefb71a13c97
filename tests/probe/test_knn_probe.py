"""Nearest neighbours: exact distances, ties, votes, the widening search, and scikit-learn."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.neighbors import KNeighborsClassifier

from biobench.errors import DataError, SpecError, UsageError
from biobench.probe import KNNProbe
from biobench.probe.knn.distance import listed_distances, squared_distances
from biobench.probe.knn.estimator import FIXED, FREE, votes
from biobench.spec.load import load_spec

SMALL = arrays(
    np.float32,
    st.tuples(st.integers(1, 9), st.integers(1, 5)),
    elements=st.sampled_from([-1.0, 0.0, 0.5, 1.0, 3.0, 1e-3]),
)


def plain_distance(a: list[float], b: list[float]) -> float:
    total = 0.0
    for x, y in zip(a, b, strict=True):
        total += (x - y) * (x - y)
    return total


def exhaustive(probe: KNNProbe, gallery: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """The k nearest rows by (distance, row), from plain loops in Python's float64."""
    from biobench.probe.knn.estimator import scaled_rows

    g = scaled_rows(gallery, probe.normalise).tolist()
    result = []
    for q in scaled_rows(queries, probe.normalise).tolist():
        order = sorted(range(len(g)), key=lambda i: (plain_distance(q, g[i]), i))
        result.append(order[: probe.k])
    return np.array(result)


@given(SMALL, st.integers(1, 4))
def test_distances_are_the_plain_loop_to_the_bit(matrix: np.ndarray, count: int) -> None:
    """Level P: no fused operation, no other order, the same from both functions."""
    rows = matrix.astype(np.float64) / 3.0
    queries = rows[:count]
    expected = [[plain_distance(q, g) for g in rows.tolist()] for q in queries.tolist()]
    assert squared_distances(queries, rows).tolist() == expected
    listed = np.tile(np.arange(len(rows))[::-1], (len(queries), 1))
    assert listed_distances(queries, rows, listed).tolist() == [e[::-1] for e in expected]


def test_distances_do_not_depend_on_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many rows are cut into tiles for the cache; each distance stays the same."""
    rows = np.random.default_rng(0).normal(size=(700, 9))
    whole = squared_distances(rows[:40], rows)
    monkeypatch.setattr("biobench.probe.knn.distance._TILE", 1)
    assert np.array_equal(squared_distances(rows[:40], rows), whole)
    assert np.array_equal(squared_distances(rows[7:8], rows), whole[7:8])
    assert whole[3, 5] == plain_distance(rows[3].tolist(), rows[5].tolist())


@given(SMALL, st.integers(1, 3), st.sampled_from([0, 1, 32]), st.sampled_from(["none", "l2"]))
@settings(max_examples=150 * settings.default.max_examples // 100)
def test_neighbours_are_exact_with_duplicates_and_ties(
    matrix: np.ndarray, k: int, margin: int, normalise: str
) -> None:
    """Whatever FAISS proposes, the answer is the exhaustive one, ties by gallery row."""
    matrix[:, 0] = np.where(np.any(matrix != 0, axis=1), matrix[:, 0], 1.0)
    gallery = np.concatenate([matrix, matrix[::-1], matrix])
    probe = KNNProbe(k=k, normalise=normalise, candidate_margin=margin)
    probe.fit(gallery, np.arange(len(gallery)))
    distances, rows = probe.kneighbors(matrix)
    assert np.array_equal(rows, exhaustive(probe, gallery, matrix))
    assert (np.diff(distances, axis=1) >= 0).all()


def test_the_search_widens_where_float32_cannot_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows nearer to each other than float32 resolves: the float64 distance still decides.

    The gallery is a tight cluster far from the origin: rounding to float32 moves its points by
    about as much as they are apart. A probe that trusted the first proposals would fail.
    """
    rng = np.random.default_rng(1)
    gallery = 100.0 + 1e-5 * rng.normal(size=(400, 16))
    queries = 100.0 + 1e-5 * rng.normal(size=(30, 16))
    probe = KNNProbe(k=3, normalise="none", candidate_margin=2).fit(gallery, np.zeros(400, int))
    counts: list[int] = []
    search = probe._search

    def watched(wanted: Any, count: int) -> Any:
        counts.append(count)
        return search(wanted, count)

    monkeypatch.setattr(probe, "_search", watched)
    _, rows = probe.kneighbors(queries)
    assert np.array_equal(rows, exhaustive(probe, gallery, queries))
    assert counts == [5, 20, 80, 320]
    assert not np.array_equal(search(queries, 5)[2], rows)


def test_equal_distances_go_by_row_and_not_by_proposal() -> None:
    """Rows 0 and 1 are equally far from the query, and float32 sees row 1 on top of it."""
    gap = 2.0**-25
    gallery = np.array([[0.5 - gap], [0.5 + gap], *([100.0 + i] for i in range(20))])
    probe = KNNProbe(k=2, normalise="none", candidate_margin=1).fit(gallery, np.arange(22))
    distances, rows = probe.kneighbors(np.array([[0.5]]))
    assert distances.tolist() == [[gap * gap, gap * gap]]
    assert rows.tolist() == [[0, 1]]


def test_the_search_settles_at_once_on_ordinary_features(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound is tight enough to be of use: k + 32 proposals are enough for usual features."""
    rng = np.random.default_rng(2)
    gallery = rng.normal(size=(3000, 64)).astype(np.float32)
    queries = rng.normal(size=(50, 64)).astype(np.float32)
    probe = KNNProbe(k=1).fit(gallery, rng.integers(0, 9, 3000))
    counts: list[int] = []
    search = probe._search

    def watched(wanted: Any, count: int) -> Any:
        counts.append(count)
        return search(wanted, count)

    monkeypatch.setattr(probe, "_search", watched)
    _, rows = probe.kneighbors(queries)
    assert counts == [33]
    assert np.array_equal(rows, exhaustive(probe, gallery, queries))


def test_the_answer_is_the_same_without_faiss(monkeypatch: pytest.MonkeyPatch) -> None:
    """FAISS is an extra: where it is absent every distance is computed, to the same bits."""
    rng = np.random.default_rng(5)
    gallery, queries = rng.normal(size=(200, 8)), rng.normal(size=(40, 8))
    probe = KNNProbe(k=3).fit(gallery, np.arange(200) % 7)
    distances, rows = probe.kneighbors(queries)
    monkeypatch.setitem(sys.modules, "faiss", None)
    for fitted in (probe, KNNProbe(k=3).fit(gallery, np.arange(200) % 7)):
        near, found = fitted.kneighbors(queries)
        assert near.tobytes() == distances.tobytes()
        assert found.tobytes() == rows.tobytes()


@pytest.mark.parametrize("scale", [1e30, 1e-30])
def test_features_beyond_float32s_range_stay_exact(scale: float) -> None:
    """Squares that overflow or vanish in float32 settle nothing; the exact search answers."""
    rng = np.random.default_rng(3)
    gallery = (rng.normal(size=(90, 6)) * scale).astype(np.float32)
    probe = KNNProbe(k=2, normalise="none", candidate_margin=4).fit(gallery, np.zeros(90, int))
    assert np.array_equal(
        probe.kneighbors(gallery[:20])[1], exhaustive(probe, gallery, gallery[:20])
    )


@given(
    arrays(np.int64, st.tuples(st.integers(1, 8), st.integers(1, 6)), elements=st.integers(0, 4))
)
def test_votes_tie_to_the_smallest_id(labels: np.ndarray) -> None:
    """Uniform votes; among the most frequent the smallest id wins."""
    for row, winner in zip(labels.tolist(), votes(labels).tolist(), strict=True):
        assert winner == min(set(row), key=lambda c: (-row.count(c), c))


@pytest.mark.parametrize("k", [1, 5])
def test_predictions_are_scikit_learns(k: int) -> None:
    """Without ties in distance the field's own classifier agrees, names for labels included."""
    rng = np.random.default_rng(4)
    gallery, queries = rng.normal(size=(200, 12)), rng.normal(size=(80, 12))
    names = np.array(["otter", "auk", "lynx", "newt"])[rng.integers(0, 4, 200)]
    expected = KNeighborsClassifier(k, algorithm="brute").fit(gallery, names).predict(queries)
    probe = KNNProbe(k=k, normalise="none").fit(gallery, names)
    assert probe.predict(queries).tolist() == expected.tolist()


def test_defaults_are_the_protocols_constants() -> None:
    """The document and the code cannot drift apart, in either division."""
    spec = load_spec()
    official = dict(spec.protocol("knn", "official").constants)
    assert official == {**FIXED, **FREE}
    probe, plain = KNNProbe.from_protocol(official), KNNProbe()
    assert (probe.k, probe.normalise, probe.candidate_margin) == (
        plain.k,
        plain.normalise,
        plain.candidate_margin,
    )
    compat = KNNProbe.from_protocol(spec.protocol("knn", "compat").constants)
    assert (compat.k, compat.normalise) == (5, "none")


def test_constants_that_the_probe_cannot_have_are_refused() -> None:
    """A document that asks for something else is an invalid spec, not a silent default."""
    good = {**FIXED, **FREE}
    missing = {name: value for name, value in good.items() if name != "k"}
    for bad in ({**good, "vote": "distance"}, {**good, "metric": 2}, missing, {**good, "k": "x"}):
        with pytest.raises(SpecError, match="protocol knn") as caught:
            KNNProbe.from_protocol(bad)
        assert caught.value.exit_code == 4


def test_what_cannot_be_fitted_is_refused() -> None:
    """Fewer items than k, unequal lengths, other widths, unknown options."""
    with pytest.raises(DataError, match="cannot give 5 neighbours"):
        KNNProbe(k=5).fit(np.ones((4, 2)), np.zeros(4, int))
    with pytest.raises(UsageError):
        KNNProbe().fit(np.ones((4, 2)), np.zeros(3, int))
    probe = KNNProbe().fit(np.ones((4, 2)), np.zeros(4, int))
    with pytest.raises(UsageError, match="features"):
        probe.predict(np.ones((1, 3)))
    for options in ({"k": 0}, {"normalise": "l1"}, {"candidate_margin": -1}):
        with pytest.raises(UsageError):
            KNNProbe(**options)  # type: ignore[arg-type]
