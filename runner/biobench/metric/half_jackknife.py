"""The half-jackknife over clusters and its interval (SPEC.md, section "Intervals").

In: a metric's cells. Out: what each cluster moves the score by, a standard error and an interval on
Wilson's scale. No random numbers, only + - * / and square roots, each correctly rounded by IEEE
754, with sums in a stated order: equal in any language.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from biobench._common.ordered_sums import row_sums, sums_by_place
from biobench.metric.cells import Cells
from biobench.metric.counts import sequential_sum

FloatArray = npt.NDArray[np.float64]
QuantileTable = Sequence[tuple[float, float]]


@dataclass(frozen=True, eq=False)
class Jackknife:
    """A score's clusters, in code-point order of their names.

    Attributes:
        influence: J_k, float64 (K,): about what the score changes by without cluster k.
        weights: w_k, float64 (K,): the share of the truth that lies in cluster k, averaged as the
            metric averages; they add up to 1.
        classes: Number of classes that the metric averages over.
        lone_classes: Those that lie in one cluster, and so say nothing of their own spread.
    """

    influence: FloatArray
    weights: FloatArray
    classes: int
    lone_classes: int

    @property
    def clusters(self) -> int:
        """K, the number of clusters."""
        return int(self.weights.size)

    @property
    def effective_clusters(self) -> float:
        """K_eff = 1 / sum of w_k^2: how many clusters of equal weight would say as much."""
        return 1.0 / sequential_sum(self.weights * self.weights)

    @property
    def standard_error(self) -> float:
        """The square root of the sum of J_k^2."""
        return standard_error(self.influence)


def half_jackknife(cells: Cells) -> Jackknife:
    """The influence and the weight of each cluster on a mean of quotients over classes.

    Taking a cluster out moves the quotient F = N / D of a class by (F d - n) / (D - d). The plain
    jackknife, which uses this, is too wide where a class lies in two or three clusters; the linear
    influence, which divides by D, is too narrow. Dividing by the root of D (D - d) is between. A
    class that lies in one cluster alone is taken as a draw from the classes: its quotient's
    distance to their mean stands in.

    Args:
        cells: The metric's cells.

    Returns:
        One value a cluster; with a single cluster the influence is 0.
    """
    blocks = int(cells.block[-1]) + 1
    sizes = np.bincount(cells.block)
    quotient = cells.numerator / cells.denominator
    mean = sums_by_place(cells.block, quotient) / sizes
    clusters = int(cells.cluster[-1]) + 1
    place = cells.place
    whole = cells.denominator[place]
    rest = whole - cells.d
    lone = cells.t == cells.support[place]
    lasting = ~lone
    block = cells.block[place]
    into = cells.cluster * blocks + block

    def added(of: npt.NDArray[np.bool_], values: FloatArray) -> FloatArray:
        # In the order of the cells: ascending classes.
        return sums_by_place(into[of], values, clusters * blocks).reshape(clusters, blocks)

    some = quotient[place][lasting] * cells.d[lasting] - cells.n[lasting]
    change = added(lasting, some / np.sqrt(whole[lasting] * rest[lasting]))
    gone = added(lone, mean[block[lone]] - quotient[place][lone])
    lost = added(lone, np.ones(int(lone.sum())))
    share = added(np.ones(place.size, np.bool_), cells.t / cells.support[place])
    # A block that is lost whole lies in this cluster with all items: there is no other cluster.
    left = np.where(lost < sizes, sizes - lost, 1.0)
    return Jackknife(
        influence=row_sums(change / sizes + gone / left) / blocks,
        weights=row_sums(share / sizes) / blocks,
        classes=int(sizes.sum()),
        lone_classes=int(lone.sum()),
    )


def enough(effective: float, least: float) -> bool:
    """True where there are at least so many effective clusters.

    Rounding may make those of five equal clusters 4.999999999999999, which is why 2^-20 is added.
    """
    return effective + 2.0**-20 >= least


def standard_error(influence: FloatArray) -> float:
    """The square root of the sum of squares, added from the first cluster to the last."""
    return math.sqrt(sequential_sum(influence * influence))


def t_quantile(table: QuantileTable, freedom: float) -> float:
    """Quantile .975 of Student's t, linear between the entries of the table.

    Args:
        table: (degrees of freedom, quantile), ascending; beyond either end that end's value holds.
        freedom: Degrees of freedom.
    """
    if freedom <= table[0][0]:
        return table[0][1]
    for (low, before), (high, after) in pairwise(table):
        if freedom < high:
            return before + (after - before) * ((freedom - low) / (high - low))
    return table[-1][1]


def wilson(score: float, error: float, quantile: float) -> tuple[float, float] | None:
    """Wilson's bounds for a score from 0 to 1 with a standard error.

    Wilson (1927) for a share of n trials; here n is that of a share with this standard error, score
    (1 - score) / error^2.

    Args:
        score: From 0 to 1.
        error: Its standard error.
        quantile: Of Student's t, in standard errors.

    Returns:
        The bounds, within 0 and 1; None where the score is 0 or 1 or the standard error 0, which
        say nothing of the spread.
    """
    spread = score * (1.0 - score)
    variance = error * error
    if not (spread > 0.0 and variance > 0.0):
        return None
    trials = spread / variance
    z = quantile * quantile / trials
    half = quantile * math.sqrt((spread + z / 4.0) / trials)
    centre = score + z / 2.0
    return max(0.0, (centre - half) / (1.0 + z)), min(1.0, (centre + half) / (1.0 + z))
