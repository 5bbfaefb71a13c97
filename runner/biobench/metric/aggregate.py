"""The mean of a suite (SPEC.md, section "Aggregate").

In: the scores of tasks by id. Out: their unweighted mean with an interval, or nothing where a
member of the suite was not run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from biobench.errors import SpecError
from biobench.metric.counts import sequential_mean
from biobench.metric.half_jackknife import t_quantile, wilson
from biobench.metric.score import Spread, mean_spread
from biobench.spec.documents import IntervalRules


@dataclass(frozen=True)
class Mean:
    """Unweighted mean of the primary metrics of ``tasks`` tasks.

    Attributes:
        low: Lower bound; None where a task has no interval.
        high: Upper bound, likewise.
        standard_error: Of the mean, likewise.
        effective_clusters: Degrees of freedom by Welch and Satterthwaite and 1, likewise.
    """

    score: float
    low: float | None
    high: float | None
    standard_error: float | None
    effective_clusters: float | None
    tasks: int


def aggregate(
    members: Sequence[str],
    scores: Mapping[str, float],
    spreads: Mapping[str, Spread],
    rules: IntervalRules,
) -> Mean | None:
    """Mean over the members of a suite, in their order; None unless every one has a score.

    Args:
        members: Ids of the suite's tasks, in its order.
        scores: Scores by task id; tasks that are not members are ignored.
        spreads: Those of the scores that have an interval, by task id.
        rules: Constants of intervals.

    Raises:
        SpecError: There is no member.
    """
    if not members:
        raise SpecError("no task to average", remedy="a suite needs at least one task")
    if any(member not in scores for member in members):
        return None
    mean = sequential_mean(np.array([scores[member] for member in members]))
    if any(member not in spreads for member in members):
        return Mean(mean, None, None, None, None, len(members))
    spread = mean_spread([spreads[member] for member in members])
    quantile = t_quantile(rules.t_quantiles, spread.effective_clusters - 1.0)
    low, high = wilson(mean, spread.standard_error, quantile) or (None, None)
    return Mean(mean, low, high, spread.standard_error, spread.effective_clusters, len(members))
