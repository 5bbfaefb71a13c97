"""Pooling: features of rows to features of items, the same bits in any language."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from biobench.data.manifest import Manifest, Row
from biobench.embed.pool import pool, pool_rows
from biobench.errors import SpecError

SIZES = st.lists(st.integers(1, 5), min_size=1, max_size=5)
FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


def rows_of(sizes: list[int]) -> np.ndarray:
    return np.repeat(np.arange(len(sizes)), sizes)


def bits(values: np.ndarray) -> list[int]:
    return values.view(np.uint32).ravel().tolist()


@given(st.data(), SIZES)
def test_pooling_is_plain_arithmetic(data: st.DataObject, sizes: list[int]) -> None:
    """Max by comparison; mean as a float64 sum in row order, one division, one rounding."""
    features = data.draw(arrays.arrays(np.float32, (sum(sizes), 3), elements=FLOATS))
    item_of_row = rows_of(sizes)
    largest, mean = (pool_rows(features, item_of_row, rule) for rule in ("max", "mean"))
    for item, size in enumerate(sizes):
        rows = features[item_of_row == item]
        for column in range(3):
            values = rows[:, column].tolist()
            best, total = values[0], 0.0
            for value in values:
                best = value if value > best else best
                total = total + value
            expected = np.array([best, total / size], dtype=np.float32) + np.float32(0)
            got = np.array([largest[item, column], mean[item, column]])
            assert bits(got) == bits(expected)


@given(st.lists(FLOATS, min_size=1, max_size=6))
def test_the_mean_is_near_the_exact_one(values: list[float]) -> None:
    """The rule's own error is that of float64, far below float32's."""
    features = np.array(values, dtype=np.float32)[:, None]
    found = pool_rows(features, np.zeros(len(values), dtype=np.int64), "mean")[0, 0]
    exact = sum(map(Fraction, features[:, 0].tolist())) / len(values)
    largest = max(abs(Fraction(v)) for v in features[:, 0].tolist())
    assert abs(Fraction(float(found)) - exact) <= largest * Fraction(2) ** -23 + Fraction(2) ** -149


@pytest.mark.parametrize("rule", ["max", "mean"])
def test_a_zero_has_no_sign(rule: str) -> None:
    """Neither -0 nor +0 keeps its sign: which is the larger depends on the machine."""
    for zeros in ([-0.0], [-0.0, 0.0], [0.0, -0.0], [-1e-45, -0.0]):
        features = np.array(zeros, dtype=np.float32)[:, None]
        pooled = pool_rows(features, np.zeros(len(zeros), dtype=np.int64), rule)
        assert bits(pooled) == [0]


def test_a_rule_that_does_not_exist() -> None:
    """A document of a later version is refused, not guessed at."""
    with pytest.raises(SpecError, match="median"):
        pool_rows(np.zeros((1, 1), np.float32), np.zeros(1, np.int64), "median")


def manifest(subjects: str) -> Manifest:
    rows = tuple(
        Row(f"{i}", f"{i}.jpg", 0, "test", True, subject=subject.strip())
        for i, subject in enumerate(subjects)
    )
    return Manifest(Path(), ("a", "b"), rows, {}, ("a", "b"))


def test_one_bad_frame_makes_the_item_bad() -> None:
    """The rest of a clip is another clip; its features are zero and the reason is kept."""
    features = np.arange(10, dtype=np.float32).reshape(5, 2)
    pooled, bad = pool(manifest("xxy z"), features, {1: "torn", 0: "gone", 3: "empty"}, "max")
    assert bad == {0: "gone", 2: "empty"}
    assert pooled.tolist() == [[0, 0], [4, 5], [0, 0], [8, 9]]


def test_without_subjects_nothing_is_pooled() -> None:
    """An image's features pass as they are, the sign of a zero included."""
    features = np.array([[-0.0], [1.0]], dtype=np.float32)
    pooled, bad = pool(manifest("  "), features, {1: "torn"}, None)
    assert pooled is features
    assert bad == {1: "torn"}
