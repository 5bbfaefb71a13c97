"""Two benchmarks over the same models: the measures, their empty cases, and the intervals."""

from __future__ import annotations

import csv
import math
import os
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from biobench.errors import UsageError
from biobench.metric.association import (
    MEASURES,
    associate,
    kendall,
    misranked,
    r2,
    spearman,
)
from biobench.metric.percentile import bounds
from biobench.spec.generator import Stream

GRID = st.integers(0, 6).map(lambda i: i / 7)
PAIRS = st.lists(st.tuples(GRID, GRID), min_size=1, max_size=25)
STREAM = Stream(17, "association/test/test")


def plain(pairs: list[tuple[float, float]]) -> dict[str, float | None]:
    """The measures word for word, in Python's own integers and floats."""
    n = len(pairs)
    xs, ys = [p[0] for p in pairs], [p[1] for p in pairs]
    mx = my = 0.0
    for x, y in pairs:
        mx, my = mx + x, my + y
    mx, my = mx / n, my / n
    sxx = syy = sxy = 0.0
    for x, y in pairs:
        sxx += (x - mx) * (x - mx)
        syy += (y - my) * (y - my)
        sxy += (x - mx) * (y - my)
    varied = len(set(xs)) > 1 and len(set(ys)) > 1
    u = [2 * sum(o < x for o in xs) + sum(o == x for o in xs) - n for x in xs]
    v = [2 * sum(o < y for o in ys) + sum(o == y for o in ys) - n for y in ys]
    s = [(b[0] > a[0]) - (b[0] < a[0]) for a, b in combinations(pairs, 2)]
    t = [(b[1] > a[1]) - (b[1] < a[1]) for a, b in combinations(pairs, 2)]

    def ratio(one: list[int], other: list[int]) -> float | None:
        left, right = sum(i * i for i in one), sum(i * i for i in other)
        product = sum(i * j for i, j in zip(one, other, strict=True))
        return product / math.sqrt(float(left) * float(right)) if left and right else None

    tau = ratio(s, t)
    return {
        "r2": min(1.0, (sxy / sxx) * (sxy / syy)) if varied else None,
        "spearman": ratio(u, v),
        "kendall": tau,
        "misranked": None if tau is None else (1.0 - tau) / 2.0,
    }


@given(PAIRS)
def test_the_measures_are_their_definitions_to_the_bit(pairs: list[tuple[float, float]]) -> None:
    """Level S: plain loops in any language give the same numbers, ties and constants included."""
    x, y = zip(*pairs, strict=True)
    expected = plain(pairs)
    assert {name: measure(x, y) for name, measure in MEASURES.items()} == expected


@given(PAIRS.filter(lambda pairs: all(len(set(side)) > 1 for side in zip(*pairs, strict=True))))
def test_the_measures_are_scipys(pairs: list[tuple[float, float]]) -> None:
    """The field's own functions, ties included."""
    x, y = zip(*pairs, strict=True)
    assert r2(x, y) == pytest.approx(stats.linregress(x, y).rvalue ** 2, abs=1e-9)
    assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
    tau = stats.kendalltau(x, y).statistic
    assert kendall(x, y) == pytest.approx(tau, abs=1e-12)
    assert misranked(x, y) == pytest.approx((1 - tau) / 2, abs=1e-12)


@given(st.permutations(range(9)))
def test_without_ties_the_misranked_share_is_that_of_discordant_pairs(order: list[int]) -> None:
    """The number that people quote: of all pairs, those that the two benchmarks order otherwise."""
    discordant = sum(order[i] > order[j] for i, j in combinations(range(9), 2))
    assert misranked(range(9), order) == pytest.approx(discordant / 36, abs=1e-15)


@given(st.lists(GRID, min_size=2, max_size=25, unique=True))
def test_a_rising_line_is_one_and_a_falling_one_minus_one(values: list[float]) -> None:
    """Exactly, without a rounding that would leave 0.9999999999999998."""
    falling = [-v for v in values]
    assert spearman(values, values) == kendall(values, values) == 1.0
    assert spearman(values, falling) == kendall(values, falling) == -1.0
    assert (misranked(values, values), misranked(values, falling)) == (0.0, 1.0)
    line = r2(values, falling)
    assert line is not None
    assert 1 - 1e-12 < line <= 1.0


@pytest.mark.parametrize("x", [[0.1] * 3, [0.5]])
def test_a_constant_score_says_nothing(x: list[float]) -> None:
    """Three times 0.1 has a mean that is not 0.1: constancy is told from the values themselves."""
    varied = [0.1 * i for i in range(len(x))]
    for measure in MEASURES.values():
        assert measure(x, varied) is None
        assert measure(varied, x) is None


def test_differences_that_float64_cannot_square_leave_the_line_undefined() -> None:
    """Two values a subnormal apart, or 1e200: ranks still speak, the line does not."""
    for x in ([0.0, 5e-324, 0.0], [-1e200, 1e200, 0.0]):
        assert r2(x, [1.0, 2.0, 3.0]) is None
        assert spearman(x, [1.0, 2.0, 3.0]) is not None


@given(PAIRS, st.integers(0, 2**53))
@settings(max_examples=40)
def test_intervals_are_their_definition(pairs: list[tuple[float, float]], seed: int) -> None:
    """The same models are drawn for every measure; undefined replicates are left out."""
    n, replicates = len(pairs), 40
    stream = Stream(seed, "association/a/b")
    drawn = [
        plain([pairs[(stream.word(r * n + i) * n) >> 64] for i in range(n)])
        for r in range(replicates)
    ]
    x, y = zip(*pairs, strict=True)
    found = associate(x, y, stream, replicates=replicates, confidence=0.9)
    assert found.models == n
    for name, value in plain(pairs).items():
        measure = getattr(found, name)
        kept = [d[name] for d in drawn if d[name] is not None]
        assert (measure.value, measure.replicates) == (value, len(kept))
        expected: tuple[float | None, float | None] = (None, None)
        if value is not None and len(kept) >= replicates / 2:
            expected = bounds(np.array(kept), 0.9)
        assert (measure.low, measure.high) == expected


def test_an_interval_without_enough_replicates_is_none() -> None:
    """Of one model that differs from many equal ones: most resamples say nothing of y."""
    x, y = [0.1, 0.2, 0.3], [0.5, 0.5, 0.6]
    found = associate(x, y, STREAM, replicates=400, confidence=0.95)
    assert found.kendall.value is not None
    assert 200 <= found.kendall.replicates < 400
    assert found.kendall.low is not None
    single = associate([0.1] * 9 + [0.2], [0.1] * 9 + [0.2], STREAM, replicates=400, confidence=0.9)
    assert single.kendall.replicates >= 200
    assert single.kendall.value == single.kendall.low == 1.0
    nothing = associate([0.1], [0.2], STREAM, replicates=9, confidence=0.9)
    assert (nothing.r2.value, nothing.r2.low, nothing.r2.replicates) == (None, None, 0)


@pytest.mark.parametrize(
    ("x", "y"), [([], []), ([1.0], [1.0, 2.0]), ([[1.0]], [[1.0]]), ([1.0, math.nan], [1.0, 2.0])]
)
def test_what_is_no_pair_of_scores_is_refused(x: list[float], y: list[float]) -> None:
    """Nothing, unequal, nested, not a number: a line that says so."""
    for measure in MEASURES.values():
        with pytest.raises(UsageError, match=r"; "):
            measure(x, y)
    with pytest.raises(UsageError):
        associate(x, y, STREAM, replicates=9, confidence=0.95)


FACTS = Path(
    os.environ.get("BIOBENCH_REFERENCE", Path(__file__).resolve().parents[3] / "shared/reference")
)


@pytest.mark.skipif(
    not (FACTS / "published-scores.csv").is_file(),
    reason="the table of published scores is not there",
)
def test_the_published_scores_give_their_known_figures() -> None:
    """84 models, and the 63 of at least 75% on ImageNet: computed before with other programs."""
    scores: dict[str, dict[str, float]] = {}
    with (FACTS / "published-scores.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            scores.setdefault(row["checkpoint"], {})[row["task"]] = float(row["score"])
    names = "beluga fishnet fungiclef herbarium19 iwildcam kabr mammalnet plankton plantnet"
    nine = names.split()
    whole = [s for s in scores.values() if {"imagenet1k", *nine} <= set(s)]
    points = [(s["imagenet1k"], sum(s[task] for task in nine) / 9) for s in whole]
    for least, expected in (
        (0.0, (84, 0.555, 0.858, 0.685, 0.157)),
        (0.75, (63, 0.579, 0.768, 0.617, 0.192)),
    ):
        x, y = zip(*(p for p in points if p[0] >= least), strict=True)
        found = [measure(x, y) for measure in MEASURES.values()]
        assert len(x) == expected[0]
        assert found == [pytest.approx(value, abs=5.01e-4) for value in expected[1:]]
