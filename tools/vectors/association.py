"""Section 19: how far one benchmark orders models as another does."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations
from typing import Any

from scipy import stats

from biobench.spec.generator import Stream
from vectors import plain
from vectors.case import Case, Section, VectorFile, refused

SECTION = Section("association", "19", "S", "association")

NAMES = ("r2", "spearman", "kendall", "misranked")
CLOSE = 1e-9
"""scipy adds in another order; nearly constant scores lose digits in a line's residuals."""


def ratio(one: list[int], other: list[int]) -> float | None:
    left, right = sum(i * i for i in one), sum(i * i for i in other)
    product = sum(i * j for i, j in zip(one, other, strict=True))
    return product / math.sqrt(float(left) * float(right)) if left and right else None


def sign(d: float) -> int:
    return (d > 0) - (d < 0)


def by_the_text(x: list[float], y: list[float]) -> dict[str, float | None]:
    """The four measures, word for word."""
    n = len(x)
    mx, my = plain.left_to_right(x) / n, plain.left_to_right(y) / n
    sxx = plain.left_to_right([(a - mx) * (a - mx) for a in x])
    syy = plain.left_to_right([(b - my) * (b - my) for b in y])
    sxy = plain.left_to_right([(a - mx) * (b - my) for a, b in zip(x, y, strict=True)])
    line = None
    if len(set(x)) > 1 and len(set(y)) > 1 and 0 < sxx < math.inf and 0 < syy < math.inf:
        line = min(1.0, (sxy / sxx) * (sxy / syy))
    u = [2 * sum(o < a for o in x) + sum(o == a for o in x) - n for a in x]
    v = [2 * sum(o < b for o in y) + sum(o == b for o in y) - n for b in y]
    s = [sign(b - a) for a, b in combinations(x, 2)]
    t = [sign(b - a) for a, b in combinations(y, 2)]
    tau = ratio(s, t)
    return {
        "r2": line,
        "spearman": ratio(u, v),
        "kendall": tau,
        "misranked": None if tau is None else (1 - tau) / 2,
    }


def measures(given: Any, output: Any) -> None:
    x, y = given["x"], given["y"]
    assert output == by_the_text(x, y), by_the_text(x, y)
    if output["r2"] is None:
        return
    tau = stats.kendalltau(x, y).statistic
    theirs = [stats.linregress(x, y).rvalue ** 2, stats.spearmanr(x, y).statistic, tau]
    for name, value in zip(NAMES, [*theirs, (1 - tau) / 2], strict=True):
        assert abs(output[name] - value) < CLOSE, (name, value)


def intervals(given: Any, output: Any) -> None:
    x, y, n = given["x"], given["y"], len(given["x"])
    words = plain.Words(f"association/{given['x_id']}/{given['y_id']}")
    wanted = plain.SUITE["association"]["replicates"]
    found: dict[str, list[float]] = {name: [] for name in NAMES}
    for r in range(wanted):
        drawn = [words.below(n, r * n + i) for i in range(n)]
        for name, value in by_the_text([x[i] for i in drawn], [y[i] for i in drawn]).items():
            if value is not None:
                found[name].append(value)
    expected: dict[str, Any] = {"models": n, "level": plain.CONFIDENCE}
    for name, value in by_the_text(x, y).items():
        low = high = None
        if value is not None and 2 * len(found[name]) >= wanted:
            low, high = plain.bounds(found[name], plain.CONFIDENCE)
        count = len(found[name])
        expected[name] = {"value": value, "low": low, "high": high, "replicates": count}
    assert output == expected


def drawn(name: str, count: int, below: int) -> dict[str, list[float]]:
    """Scores that rise together with noise; few values below make ties."""
    stream = Stream(17, f"vectors/association/{name}")
    x = stream.integers(below, count)
    y = x + stream.integers(below, count, count)
    return {"x": (x / below).tolist(), "y": (y / (2 * below)).tolist()}


def percentiles(given: Any, output: Any) -> None:
    low, high = plain.bounds(given["values"], given["confidence"])
    assert output == {"low": low, "high": high}


def ends() -> Iterator[Case]:
    order = Stream(17, "vectors/intervals/bounds").permutation(1000)
    for name, numbers, confidence in [
        ("thousand-at-95", [int(v) + 1 for v in order], 0.95),
        ("forty-at-90", [int(v) for v in order[:40]], 0.9),
        ("eighty-at-95", [int(v) for v in order[:80]], 0.95),
        ("seventy-nine-at-95", [int(v) for v in order[:79]], 0.95),
        ("two-hundred-at-99", [int(v) for v in order[:200]], 0.99),
        ("six-at-50", [0.25, -0.5, 1.5, 0.75, -2.0, 0.0], 0.5),
        ("fewer-than-the-rank-needs", [0.5, 0.25, 0.75], 0.95),
        ("one-value", [0.125], 0.95),
        ("equal-values", [0.5] * 9, 0.9),
    ]:
        yield Case(f"bounds/{name}", {"values": numbers, "confidence": confidence}, percentiles)
    for name, numbers, confidence in [
        ("no-value", [], 0.95),
        ("confidence-zero", [1.0], 0.0),
        ("confidence-one", [1.0], 1.0),
    ]:
        yield Case(f"bounds/error/{name}", {"values": numbers, "confidence": confidence}, refused)


def files() -> Iterator[VectorFile]:
    yield SECTION.file(
        "bounds",
        "Percentile bounds; their rank is taken on the decimal, not on a rounded product.",
        ends(),
        source="exact fractions",
    )
    line = [0.1, 0.2, 0.3, 0.4, 0.5]
    cases: dict[str, dict[str, list[float]]] = {
        "rising": {"x": line, "y": [0.2, 0.3, 0.5, 0.6, 0.9]},
        "falling": {"x": line, "y": [0.9, 0.8, 0.6, 0.3, 0.2]},
        "straight-line": {"x": line, "y": [0.25, 0.5, 0.75, 1.0, 1.25]},
        "unordered": {"x": [0.5, 0.1, 0.4, 0.2, 0.3], "y": [0.7, 0.2, 0.1, 0.9, 0.4]},
        "ties-in-x": {"x": [0.1, 0.1, 0.1, 0.2, 0.3], "y": [0.3, 0.1, 0.2, 0.2, 0.5]},
        "ties-in-both": {"x": [0.1, 0.1, 0.2, 0.2, 0.3, 0.3], "y": [0.5, 0.5, 0.5, 0.7, 0.7, 0.6]},
        "two-values": {"x": [0, 1, 0, 1, 1, 0, 1], "y": [0, 1, 1, 1, 0, 0, 1]},
        "two-models": {"x": [0.25, 0.5], "y": [0.75, 0.5]},
        "one-model": {"x": [0.25], "y": [0.75]},
        "constant-x": {"x": [0.1, 0.1, 0.1], "y": [0.2, 0.4, 0.3]},
        "constant-y": {"x": [0.2, 0.4, 0.3], "y": [0.7, 0.7, 0.7]},
        "both-constant": {"x": [0.1] * 6, "y": [0.3] * 6},
        "squares-that-vanish": {"x": [0.0, 5e-324, 0.0], "y": [0.1, 0.2, 0.3]},
        "squares-that-overflow": {"x": [-1e200, 1e200, 0.0], "y": [0.1, 0.2, 0.3]},
        "forty-models": drawn("forty", 40, 1000),
        "forty-models-with-ties": drawn("forty-ties", 40, 7),
    }
    wrong: dict[str, dict[str, list[float]]] = {
        "no-model": {"x": [], "y": []},
        "unequal-lengths": {"x": [0.1, 0.2], "y": [0.1]},
    }
    yield SECTION.file(
        "measures",
        "R2, Spearman, Kendall and the mis-ranked share, with ties; null for constant scores.",
        [Case(f"association/{name}", given, measures) for name, given in cases.items()]
        + [Case(f"association/error/{name}", given, refused) for name, given in wrong.items()],
        source="scipy linregress, spearmanr, kendalltau and a plain loop",
    )
    ids = {"x_id": "imagenet1k", "y_id": "biobench"}
    two = {"x_id": "imagenet1k", "x": [0.1, 0.2], "y": [0.3, 0.4]}
    resampled = {
        "twelve-models": {**ids, **drawn("twelve", 12, 1000)},
        "ids-swapped": {"x_id": "biobench", "y_id": "imagenet1k", **drawn("twelve", 12, 1000)},
        "replicates-that-are-undefined": {**ids, "x": [0.1, 0.2, 0.3], "y": [0.5, 0.5, 0.6]},
        "too-few-replicates-that-are-defined": {**ids, "x": [0.1, 0.2], "y": [0.3, 0.4]},
        "one-model": {**ids, "x": [0.5], "y": [0.5]},
        # A replicate of two models draws both or one twice: here both in 500, and 499, of 1,000.
        "half-of-the-replicates-are-defined": {**two, "y_id": "half-2"},
        "one-less-than-half-of-the-replicates": {**two, "y_id": "half-20"},
    }
    yield SECTION.file(
        "intervals",
        "The measures with their bounds over resamples of the models.",
        [Case(f"association-interval/{k}", given, intervals) for k, given in resampled.items()],
        source="a plain loop",
    )
