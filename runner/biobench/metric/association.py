"""Agreement of two benchmarks on models (SPEC.md, section "Association of benchmarks").

In: two scores of each model. Out: R2 of the straight line, Spearman's and Kendall's correlation and
the share of mis-ranked pairs, each with an interval by bootstrap over models.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from biobench._common.arguments import real_number, reals, whole_number
from biobench._common.distinct import distinct
from biobench.errors import UsageError
from biobench.metric.counts import IntArray, sequential_mean, sequential_sum
from biobench.metric.percentile import bounds
from biobench.spec.generator import Stream

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Measure:
    """One measure and its percentile bounds; None where it is undefined.

    Attributes:
        replicates: Number of replicates in which it is defined; with too few of them the bounds are
            None.
    """

    value: float | None
    low: float | None
    high: float | None
    replicates: int


@dataclass(frozen=True)
class Association:
    """All measures of one pair of benchmarks over ``models`` models."""

    models: int
    level: float
    r2: Measure
    spearman: Measure
    kendall: Measure
    misranked: Measure


def r2(x: npt.ArrayLike, y: npt.ArrayLike) -> float | None:
    """Coefficient of determination of the straight line of least squares, in [0, 1].

    Args:
        x: Finite numbers (n,).
        y: Finite numbers (n,).

    Returns:
        The coefficient; None where x or y is constant, or its squares leave float64.

    Raises:
        UsageError: The input is not as described.
    """
    a, b = _pair(x, y)
    if _constant(a) or _constant(b):
        return None
    a, b = a - sequential_mean(a), b - sequential_mean(b)
    with np.errstate(over="ignore", under="ignore"):
        sxx, syy = sequential_sum(a * a), sequential_sum(b * b)
        sxy = sequential_sum(a * b)
    if not (0 < sxx < math.inf and 0 < syy < math.inf):
        return None
    return min(1.0, (sxy / sxx) * (sxy / syy))


def spearman(x: npt.ArrayLike, y: npt.ArrayLike) -> float | None:
    """Spearman's rank correlation with average ranks, from integers; None for constant input.

    Args:
        x: Finite numbers (n,).
        y: Finite numbers (n,).

    Raises:
        UsageError: The input is not as described.
    """
    a, b = (_centred_ranks(values) for values in _pair(x, y))
    return _ratio(int((a * b).sum()), int((a * a).sum()), int((b * b).sum()))


def kendall(x: npt.ArrayLike, y: npt.ArrayLike) -> float | None:
    """Kendall's tau-b, from counts of pairs; None for constant input.

    Args:
        x: Finite numbers (n,).
        y: Finite numbers (n,).

    Raises:
        UsageError: The input is not as described.
    """
    a, b = (_order_of_pairs(values) for values in _pair(x, y))
    return _ratio(int((a * b).sum()), int(np.abs(a).sum()), int(np.abs(b).sum()))


def misranked(x: npt.ArrayLike, y: npt.ArrayLike) -> float | None:
    """(1 - tau-b) / 2: without ties the share of pairs that the two order differently.

    Arguments, None and errors as :func:`kendall`.
    """
    tau = kendall(x, y)
    return None if tau is None else (1.0 - tau) / 2.0


MEASURES = MappingProxyType(
    {"r2": r2, "spearman": spearman, "kendall": kendall, "misranked": misranked}
)
"""The measures by name."""


def associate(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    stream: Stream,
    *,
    replicates: int,
    confidence: float,
) -> Association:
    """All measures with intervals, from the same resamples of models.

    Replicate r draws model floor(word(r n + i) n / 2^64) at position i. A measure that is undefined
    in a replicate leaves it out; with fewer than half of them left its bounds are None.

    Args:
        x: Finite scores of the models, (n,).
        y: Finite scores of the same models, (n,).
        stream: The stream ``association/<id of x>/<id of y>``.
        replicates: Number of replicates, at least 1.
        confidence: Confidence of the bounds, in (0, 1).

    Raises:
        UsageError: The input is not as described.
    """
    a, b = _pair(x, y)
    replicates = whole_number("replicates", replicates, 1)
    real_number("confidence", confidence, above=0, below=1)
    resampled = _resampled(a, b, stream.integers(a.size, replicates * a.size))
    measures = {}
    for name, measure in MEASURES.items():
        value, found = measure(a, b), resampled[name]
        low, high = None, None
        if value is not None and 2 * found.size >= replicates:
            low, high = bounds(found, confidence)
        measures[name] = Measure(value, low, high, found.size)
    return Association(a.size, confidence, **measures)


def _resampled(x: FloatArray, y: FloatArray, drawn: IntArray) -> dict[str, FloatArray]:
    """The measures of all replicates in which they are defined, in order of the replicates.

    A resample is how often it has each model, so sums over pairs of draws become products with the
    matrix of all pairs. These are integers below 2^53, exact in float64 in any order.

    Args:
        x: Scores, (n,).
        y: Scores of the same models, (n,).
        drawn: Positions of the models, those of one replicate after the other, (replicates * n,).
    """
    n = x.size
    rows = drawn.reshape(-1, n)
    flat = (np.arange(len(rows))[:, None] * n + rows).ravel()
    counts = np.bincount(flat, minlength=rows.size).reshape(rows.shape).astype(np.float64)
    s, t = (np.sign(values[None, :] - values[:, None]) for values in (x, y))
    u, v = counts @ s, counts @ t
    ranks = [(counts * product).sum(axis=1) for product in (u * v, u * u, v * v)]
    pairs = [(counts @ matrix * counts).sum(axis=1) / 2 for matrix in (s * t, s * s, t * t)]
    tau = _ratios(*pairs)
    varied = (pairs[1] > 0) & (pairs[2] > 0)
    return {
        "r2": _squared(x[rows[varied]], y[rows[varied]]),
        "spearman": _ratios(*ranks),
        "kendall": tau,
        "misranked": (1.0 - tau) / 2.0,
    }


def _ratios(product: FloatArray, left: FloatArray, right: FloatArray) -> FloatArray:
    """As :func:`_ratio` of each replicate; those where it is undefined are left out."""
    kept = (left > 0) & (right > 0)
    quotients: FloatArray = product[kept] / np.sqrt(left[kept] * right[kept])
    return quotients


def _squared(x: FloatArray, y: FloatArray) -> FloatArray:
    """As :func:`r2` of each row, none of which is constant; undefined ones are left out."""

    def sums(values: FloatArray) -> FloatArray:
        return np.add.accumulate(values, axis=1)[:, -1]

    a, b = (values - (sums(values) / values.shape[1])[:, None] for values in (x, y))
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        sxx, syy, sxy = sums(a * a), sums(b * b), sums(a * b)
    kept = (sxx > 0) & (sxx < math.inf) & (syy > 0) & (syy < math.inf)
    values: FloatArray = (sxy[kept] / sxx[kept]) * (sxy[kept] / syy[kept])
    return np.minimum(1.0, values)


def _pair(x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    remedy = "pass two scores of each model; leave models out that lack one"
    a, b = reals("x", x, remedy=remedy), reals("y", y, remedy=remedy)
    if a.size != b.size or a.size == 0:
        raise UsageError(f"x has {a.size} scores and y has {b.size}", remedy=remedy)
    return a, b


def _constant(values: FloatArray) -> bool:
    return bool((values == values[0]).all())


def _centred_ranks(values: FloatArray) -> IntArray:
    """Twice the average rank minus n + 1: integers that add up to 0."""
    _, inverse = distinct(values)
    counts = np.bincount(inverse)
    smaller = np.cumsum(counts) - counts
    ranks: IntArray = (2 * smaller + counts - values.size)[inverse]
    return ranks


def _order_of_pairs(values: FloatArray) -> IntArray:
    """-1, 0 or 1 of every pair of positions i < j, as their values fall, are equal, or rise."""
    i, j = np.triu_indices(values.size, 1)
    signs: IntArray = (values[i] < values[j]).astype(np.int64) - (values[i] > values[j])
    return signs


def _ratio(product: int, left: int, right: int) -> float | None:
    """product / sqrt(left * right), each operation rounded on its own; None where either is 0."""
    if left == 0 or right == 0:
        return None
    return product / math.sqrt(float(left) * float(right))
