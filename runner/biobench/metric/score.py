"""The score of a task (SPEC.md, sections "Metrics" and "Intervals").

In: predictions. Out: the metrics of the task, the primary one with its interval over clusters.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

from biobench.data.predictions import Predictions
from biobench.errors import DataError, SpecError
from biobench.metric.half_jackknife import Jackknife, enough, half_jackknife, t_quantile, wilson
from biobench.metric.registry import METRICS, MetricKind
from biobench.spec.canonical import sha256_json
from biobench.spec.documents import Division, IntervalRules, Metric, Suite

SCORE_MEMBERS = ("score", "interval", "no_interval", "clusters", "metrics")
"""The members of a task's entry that its score makes, and that the digest of the score covers."""
METHOD = "half-jackknife"
"""The only method of an interval."""
LEAST_FREEDOM = 2.0**-20
"""Fewest degrees of freedom that a task of a mean counts with: a single cluster has none."""
NoInterval = Literal["division", "metric", "declared", "few-clusters", "no-spread"]
"""The reason why a score has no interval: its division publishes none, its metric declares none, it
was not run here, it has too few effective clusters, or no cluster moves it."""


class ScoreRules(Protocol):
    """The properties of a task that its score depends on, beside the predictions; the first metric
    is primary."""

    @property
    def id(self) -> str:
        """The task's id, which names its stream."""

    @property
    def division(self) -> Division:
        """The division whose rules hold."""

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The metrics in the task's order."""


@dataclass(frozen=True)
class Interval:
    """An interval of the expected score on new clusters of the same kind; not over training.

    Attributes:
        few_clusters: True where it rests on few effective clusters.
        lone_classes: True where many classes lie in one cluster.
    """

    low: float
    high: float
    level: float
    method: str
    standard_error: float
    few_clusters: bool
    lone_classes: bool


@dataclass(frozen=True)
class Clusters:
    """The clusters of the scored items: how many there are, and how many of equal weight would say
    as much."""

    count: int
    effective: float


@dataclass(frozen=True)
class Spread:
    """Facts that the mean of a suite takes from a score's interval."""

    standard_error: float
    effective_clusters: float


@dataclass(frozen=True, eq=False)
class Score:
    """The primary metric, all metrics by id in the task's order, and the primary's interval.

    Attributes:
        no_interval: Why there is no interval; None where there is one.
        jackknife: What each cluster moves the score by; None where the division or the metric
            publishes no interval.
    """

    score: float
    metrics: Mapping[str, float]
    interval: Interval | None
    no_interval: NoInterval | None
    jackknife: Jackknife | None

    @property
    def clusters(self) -> Clusters | None:
        """The clusters, None without a jackknife."""
        if self.jackknife is None:
            return None
        return Clusters(self.jackknife.clusters, self.jackknife.effective_clusters)

    @property
    def spread(self) -> Spread | None:
        """Facts that the mean takes from the interval, None without one."""
        if self.interval is None or self.jackknife is None:
            return None
        return Spread(self.interval.standard_error, self.jackknife.effective_clusters)

    def document(self) -> dict[str, Any]:
        """The score's members of a task's entry as JSON values, as results.json holds them."""
        return {
            "score": self.score,
            "interval": None if self.interval is None else asdict(self.interval),
            "no_interval": self.no_interval,
            "clusters": None if self.clusters is None else asdict(self.clusters),
            "metrics": dict(self.metrics),
        }

    @property
    def digest(self) -> str:
        """Digest of :meth:`document`."""
        return sha256_json(self.document())


def declared_score(metric: str, score: float) -> Score:
    """A score that was published elsewhere and not computed here, and so has no interval."""
    return Score(score, {metric: score}, None, "declared", None)


def _kind(name: str, predictions: Predictions) -> MetricKind:
    """The metric of that name; raises SpecError where there is none or it does not fit the
    labels."""
    kind = METRICS.get(name)
    if kind is None:
        raise SpecError(f"unknown metric {name!r}", remedy=f"choose from {', '.join(METRICS)}")
    traits = predictions.y_true.ndim == 2
    if kind.traits is not traits:
        fitting = (id for id, other in METRICS.items() if other.traits is traits)
        raise SpecError(
            f"metric {name} does not fit labels that are {'traits' if traits else 'classes'}",
            remedy=f"choose from {', '.join(fitting)}",
        )
    return kind


def score_task(task: ScoreRules, suite: Suite, predictions: Predictions) -> Score:
    """Compute all metrics of a task, and the interval of the first where it declares one.

    Args:
        task: The task's rules.
        suite: Its suite, for the interval's constants.
        predictions: Predictions of the scored items.

    Raises:
        DataError: No item is scored.
        SpecError: A metric or interval does not exist or needs a column that the predictions lack.
    """
    if not predictions.ids:
        raise DataError(
            "no item is scored",
            where=task.id,
            remedy="check that the test split is not empty and its labels occur in training",
        )
    metrics = {
        m.id: _kind(m.id, predictions).value(predictions, task.division) for m in task.metrics
    }
    primary = task.metrics[0]
    score = metrics[primary.id]
    if task.division == "compat" or primary.interval is None:
        reason: NoInterval = "division" if task.division == "compat" else "metric"
        return Score(score, metrics, None, reason, None)
    if primary.interval != METHOD:
        raise SpecError(
            f"unknown interval {primary.interval!r}", where=task.id, remedy=f"use {METHOD}"
        )
    jackknife = half_jackknife(_kind(primary.id, predictions).cells(predictions))
    interval, missing = _interval(score, jackknife, suite.interval)
    return Score(score, metrics, interval, missing, jackknife)


def _interval(
    score: float, jackknife: Jackknife, rules: IntervalRules
) -> tuple[Interval | None, NoInterval | None]:
    effective, error = jackknife.effective_clusters, jackknife.standard_error
    if not enough(effective, rules.minimum_clusters):
        return None, "few-clusters"
    bounds = wilson(score, error, t_quantile(rules.t_quantiles, effective - 1.0))
    if bounds is None:
        return None, "no-spread"
    interval = Interval(
        *bounds,
        level=rules.confidence,
        method=METHOD,
        standard_error=error,
        few_clusters=not enough(effective, rules.few_clusters),
        lone_classes=rules.lone_class_in * jackknife.lone_classes > jackknife.classes,
    )
    return interval, None


def mean_spread(spreads: Sequence[Spread]) -> Spread:
    """The spread of the mean of independent scores.

    The variance of the mean of T scores is V = sum of V_t / T^2. Its degrees of freedom are by
    Welch (1947) and Satterthwaite (1946): V^2 / sum of (V_t / T^2)^2 / (K_eff,t - 1); its effective
    clusters are 1 more, as those of a single score.

    Args:
        spreads: At least one. Those without variance add no degrees of freedom; without any
            variance the effective clusters are the fewest of them.
    """
    if len(spreads) == 1:
        return spreads[0]
    count = float(len(spreads))
    variance = total = 0.0
    for spread in spreads:
        part = spread.standard_error * spread.standard_error / (count * count)
        variance = variance + part
        if part > 0.0:
            # One cluster that rounding alone moves has no degree of freedom to divide by.
            total = total + part * part / max(spread.effective_clusters - 1.0, LEAST_FREEDOM)
    if not total > 0.0:
        return Spread(0.0, min(spread.effective_clusters for spread in spreads))
    return Spread(math.sqrt(variance), variance * variance / total + 1.0)
