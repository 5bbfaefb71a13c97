"""The order of neighbours from one matrix product: the definition's wherever a result sees it."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biobench.probe.knn import order as order_module
from biobench.probe.knn.definition import order_by_definition
from biobench.probe.knn.distance import squared_distances
from biobench.probe.knn.order import ordering
from biobench.probe.rows import unit_rows

SCALES = [1.0, 1e-3, 1e149, 1e-155, 1e-161, 5e-324]
"""Ordinary features, the largest, and those whose squares leave the normal range or vanish."""


def visible(
    rows: np.ndarray, labels: np.ndarray, first: int, queries: np.ndarray, order: np.ndarray
) -> list[tuple[list[int], list[tuple[int, int]]]]:
    """The part of an order that results show: the first places, and those of the query's label."""
    return [
        (
            others[:first].tolist(),
            [(place, row) for place, row in enumerate(others) if labels[row] == labels[query]],
        )
        for query, others in zip(queries, order, strict=True)
    ]


def same_as_the_definition(
    rows: np.ndarray, labels: np.ndarray, first: int = 5, step: int = 1
) -> None:
    """Check one in ``step`` rows as queries, every other row once."""
    queries = np.arange(0, len(rows), step)
    parts = list(ordering(rows, labels, first)(queries))
    assert np.concatenate([part for part, _ in parts]).tolist() == queries.tolist()
    order = np.concatenate([order for _, order in parts])
    expected = order_by_definition(rows, queries)
    assert np.array_equal(np.sort(order, axis=1), np.sort(expected, axis=1))
    assert visible(rows, labels, first, queries, order) == visible(
        rows, labels, first, queries, expected
    )


@st.composite
def near_duplicates(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Few distinct rows, many copies, and copies that a few units in the last place separate."""
    width = draw(st.integers(1, 40))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    distinct = rng.normal(size=(draw(st.integers(1, 4)), width))
    if draw(st.booleans()):
        distinct = np.round(distinct)
    rows = distinct[rng.integers(0, len(distinct), draw(st.integers(2, 40)))]
    for _ in range(draw(st.integers(0, 3))):
        moved = rng.random(rows.shape) < 0.2
        rows = np.where(moved, np.nextafter(rows, rng.choice([-9.0, 9.0], rows.shape)), rows)
    if draw(st.booleans()):
        # So many others that the exact distances of the close ones are listed.
        rows = np.concatenate([rows, rng.normal(size=(200, width))])
        rows = rows[rng.permutation(len(rows))]
    rows = rows * draw(st.sampled_from(SCALES))
    labels = rng.integers(0, draw(st.integers(1, 5)), len(rows))
    return rows, labels


@given(near_duplicates(), st.integers(1, 8))
@settings(max_examples=2 * settings.default.max_examples)
def test_near_duplicates_stand_as_the_definition_has_them(
    drawn: tuple[np.ndarray, np.ndarray], first: int
) -> None:
    """Ties go by row, one unit in the last place by distance, at every scale of the features."""
    same_as_the_definition(*drawn, first, step=1 + len(drawn[0]) // 16)


@pytest.mark.parametrize("scale", [1e-158, 1e-160, 3e-161])
def test_squares_below_the_normal_range_are_not_trusted(scale: float) -> None:
    """Distances of a few hundred of the smallest number: the product is off by some of them."""
    rng = np.random.default_rng(5)
    same_as_the_definition(scale * rng.normal(size=(80, 6)), rng.integers(0, 9, 80))


@pytest.mark.parametrize("width", [1, 3, 64])
def test_ordinary_features_with_copies_stand_as_the_definition_has_them(width: int) -> None:
    """Clusters, copies of whole images, classes of many sizes, and parts of several queries."""
    rng = np.random.default_rng(width)
    centres = rng.normal(size=(12, width))
    labels = rng.integers(0, 12, 300) ** 2 // 12
    features = (centres[labels] + 0.3 * rng.normal(size=(300, width))).astype(np.float32)
    features[250:] = features[:50]
    same_as_the_definition(unit_rows(features), labels)


def test_the_product_decides_ordinary_features_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bound of use: of features without copies no distance is computed by the definition."""

    def none_wanted(*_: object) -> None:
        pytest.fail("an exact distance was computed")

    monkeypatch.setattr(order_module, "listed_distances", none_wanted)
    monkeypatch.setattr(order_module, "order_by_definition", none_wanted)
    rng = np.random.default_rng(0)
    same_as_the_definition(rng.normal(size=(600, 200)), rng.integers(0, 40, 600))


def test_copies_cost_the_distances_of_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Images twice or once: only copies among the first and of the query's label are looked at."""
    rng = np.random.default_rng(1)
    rows = np.tile(rng.normal(size=(300, 20)), (2, 1))
    rows = np.concatenate([rows, rng.normal(size=(100, 20))])
    labels = np.arange(700) % 100
    counts: list[int] = []
    plain = order_module.listed_distances

    def counted(queries: np.ndarray, gallery: np.ndarray, listed: np.ndarray) -> np.ndarray:
        counts.append(listed.size)
        return plain(queries, gallery, listed)

    monkeypatch.setattr(order_module, "listed_distances", counted)
    monkeypatch.setattr(order_module, "order_by_definition", None)
    for _, order in ordering(rows, labels, 5)(np.arange(300)):
        assert len(order)
    # Its own copy is the nearest; two pairs follow it, and two more are of its label.
    assert max(counts) == 8


def test_product_and_definition_differ_by_less_than_the_bound() -> None:
    """The bound that the module derives, with rows of many lengths: half a gap."""
    rng = np.random.default_rng(2)
    for width in (1, 7, 300):
        rows = rng.normal(size=(60, width)) * 10.0 ** rng.integers(-3, 3, (60, 1))
        exact = squared_distances(rows, rows)
        squares = (rows * rows).sum(axis=1)
        product = (-2.0 * rows) @ rows.T + squares + squares[:, None]
        half = order_module.gaps(squares, width)[:, None] / 2
        error = np.abs(product - exact)
        assert (error <= half).all()


def test_equal_rows_stay_in_bounds_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """All rows within the bound of each other: by row, in blocks, without a table of all pairs, and
    as fast as the definition, whose distances cost less than listed ones."""
    monkeypatch.setattr(order_module, "listed_distances", None)
    count = 4000
    rows = np.ones((count, 3))
    ordered = ordering(rows, np.zeros(count, np.int64), 5)
    tracemalloc.start()
    try:
        for part, order in ordered(np.arange(100)):
            for query, others in zip(part, order, strict=True):
                assert np.array_equal(others, np.delete(np.arange(count), query))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # A block's arrays (100 x 4,000) some times over; 4,000 x 4,000 distances take 128 MB.
    assert peak < 40e6


def test_rows_beyond_the_bound_are_left_to_the_definition() -> None:
    """A bound that overflows decides nothing."""
    rows = 1e154 * (1 + np.array([[0.0], [3e-9], [1e-9], [2e-9]]))
    assert not np.isfinite(order_module.gaps(rows[:, 0] ** 2, 1)).any()
    same_as_the_definition(rows, np.array([0, 0, 1, 1]))
