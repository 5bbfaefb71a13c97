"""Comparison of models (SPEC.md, section "Comparison of models").

In: predictions of several models for the same items. Out: differences with intervals and p values,
Holm's correction over a family of them, and simultaneous sets of ranks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
import numpy.typing as npt

from biobench._common.arguments import reals
from biobench.data.predictions import Predictions
from biobench.errors import DataError, UsageError
from biobench.metric.counts import sequential_mean
from biobench.metric.half_jackknife import Jackknife, enough, standard_error, t_quantile
from biobench.metric.ranks import ModelPair, Ranks, rank_sets
from biobench.metric.score import ScoreRules, Spread, mean_spread, score_task
from biobench.metric.signs import Flips, squared_ratios
from biobench.spec.documents import Suite
from biobench.spec.generator import Stream


@dataclass(frozen=True, eq=False)
class Clustered:
    """One model's score on a task, with what each cluster moves it by.

    Two of them can be compared where they come from the same items: their weights are then equal.
    """

    task: str
    score: float
    jackknife: Jackknife
    higher_is_better: bool = True


@dataclass(frozen=True)
class Comparison:
    """Model a against model b.

    Attributes:
        difference: Score of a minus score of b.
        low: Lower bound of the difference at confidence ``level``; None with too few clusters, or
            where no cluster moves the difference.
        high: Upper bound, likewise.
        resolution: Half the width of the interval: a difference beyond it is told apart from 0.
        standard_error: Of the difference.
        effective_clusters: K_eff; of a mean the degrees of freedom and 1.
        p: Two-sided p value by sign flips; None with too few clusters for them.
        ahead: The model with the better score, None where they are equal.
        few_clusters: True where the interval rests on few clusters.
        lone_classes: True where many classes lie in one cluster, on any task.
    """

    difference: float
    low: float | None
    high: float | None
    level: float
    resolution: float | None
    standard_error: float
    effective_clusters: float
    p: float | None
    ahead: Literal["a", "b"] | None
    few_clusters: bool
    lone_classes: bool


def compare(a: Predictions, b: Predictions, task: ScoreRules, suite: Suite) -> Comparison:
    """Compare two models on the primary metric of one task.

    Args:
        a: Predictions of a model.
        b: Predictions of the other model, for the same items.
        task: The task.
        suite: Its suite, for seed and constants.

    Raises:
        DataError: The comparison is not defined: other items, truth, clusters or groups, or a
            division or metric without an interval.
    """
    require_same_items(a, b, task.id)
    return difference([clustered(a, task, suite)], [clustered(b, task, suite)], suite)


def clustered(predictions: Predictions, task: ScoreRules, suite: Suite) -> Clustered:
    """Score a model on a task, with its clusters.

    Raises:
        DataError: The task publishes no interval; also as :func:`score_task`.
        SpecError: As :func:`score_task`.
    """
    found = score_task(task, suite, predictions)
    if found.jackknife is None:
        raise DataError(
            f"metric {task.metrics[0].id} has no interval in division {task.division}",
            where=task.id,
            remedy="compare models on a task that publishes one",
        )
    return Clustered(task.id, found.score, found.jackknife, task.metrics[0].higher_is_better)


def require_same_items(a: Predictions, b: Predictions, where: str) -> None:
    """Raise DataError unless both have the same items with the same truth, clusters and groups, in
    the same order."""
    same = np.array_equal(a.y_true, b.y_true) and np.array_equal(a.clusters, b.clusters)
    for name in ("group", "true_poisonous"):
        one, other = a.extras.get(name), b.extras.get(name)
        if one is None or other is None:
            same &= one is other
        else:
            same &= np.array_equal(one, other)
    if not same or a.ids != b.ids:
        raise DataError(
            "the models were not scored on the same items with the same labels and clusters",
            where=where,
            remedy="score both with one version of the task and one copy of the data",
        )


@dataclass(frozen=True)
class _Gap:
    """The difference of two models: its standard error and its effective clusters."""

    difference: float
    error: float
    effective: float

    @property
    def squared_ratio(self) -> float:
        """d^2 / se^2; 0 where se is, since clusters that move nothing tell nothing apart."""
        variance = self.error * self.error
        return self.difference * self.difference / variance if variance > 0.0 else 0.0


def difference(a: Sequence[Clustered], b: Sequence[Clustered], suite: Suite) -> Comparison:
    """Subtract model b from model a, on one task or on the mean of several.

    Args:
        a: A model's scores, one a task.
        b: The other model's, on the same tasks in the same order.
        suite: For seed and constants.

    Raises:
        DataError: There is no task, or the tasks, their directions or their clusters differ.
    """
    _require_comparable([a, b])
    gap, rules = _gap(a, b), suite.interval
    low = high = half = p = None
    known = enough(_fewest(a), rules.minimum_clusters)
    if known and gap.error > 0.0:
        half = t_quantile(rules.t_quantiles, gap.effective - 1.0) * gap.error
        low, high = gap.difference - half, gap.difference + half
    if known and enough(gap.effective, suite.comparison.minimum_clusters):
        flips = _flips([a, b], suite)
        ratios = _squared_ratios(flips, 0, 1)
        reached = int((ratios >= gap.squared_ratio).sum())
        p = (1 + reached) / (suite.comparison.replicates + 1)
    ahead: Literal["a", "b"] | None = None
    if gap.difference != 0.0:
        ahead = "a" if (gap.difference > 0.0) is a[0].higher_is_better else "b"
    return Comparison(
        difference=gap.difference,
        low=low,
        high=high,
        level=rules.confidence,
        resolution=half,
        standard_error=gap.error,
        effective_clusters=gap.effective,
        p=p,
        ahead=ahead,
        few_clusters=not enough(gap.effective, rules.few_clusters),
        lone_classes=any(
            rules.lone_class_in * task.jackknife.lone_classes > task.jackknife.classes for task in a
        ),
    )


def ranked(models: Mapping[str, Sequence[Clustered]], suite: Suite) -> Ranks | None:
    """Simultaneous sets of ranks of models, on one task or on the mean of several.

    Args:
        models: Each model's scores, one a task, the tasks in one order.
        suite: For seed and constants.

    Returns:
        The sets; None with too few effective clusters for signs.

    Raises:
        DataError: There is no model, or two cannot be compared.
    """
    found = list(models.values())
    if not found:
        raise DataError("there is no model to compare", remedy="give one result or more")
    _require_comparable(found)
    if not enough(_fewest(found[0]), suite.interval.minimum_clusters):
        return None
    pairs = list(combinations(range(len(found)), 2))
    gaps = [_gap(found[a], found[b]) for a, b in pairs]
    # On a mean each pair has its own degrees of freedom; one with too few is not told apart.
    tested = [enough(gap.effective, suite.comparison.minimum_clusters) for gap in gaps]
    if pairs and not any(tested):
        return None
    flips = _flips(found, suite) if pairs else []
    scores = [score(model) for model in found]
    quantiles = suite.interval.t_quantiles
    return rank_sets(
        list(models),
        scores if found[0][0].higher_is_better else [-score for score in scores],
        [
            ModelPair(
                a, b,
                gap.squared_ratio,
                _squared_ratios(flips, a, b) if test else None,
                t_quantile(quantiles, gap.effective - 1.0) * gap.error,
            )
            for (a, b), gap, test in zip(pairs, gaps, tested, strict=True)
        ],
        suite.comparison.alpha,
    )  # fmt: skip


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction over a family of p values, in the order given.

    The i-th smallest of m (i from 1; equal ones in the order given) becomes min(1, (m - i + 1) p),
    and at least the value before it.

    Raises:
        UsageError: A value lies outside 0 to 1.
    """
    p_values = reals("p_values", p_values, remedy="pass uncorrected p values").tolist()
    if not all(0 <= p <= 1 for p in p_values):
        raise UsageError("a p value is not between 0 and 1", remedy="pass uncorrected p values")
    corrected = [0.0] * len(p_values)
    least = 0.0
    for place, i in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        least = min(1.0, max(least, (len(p_values) - place) * p_values[i]))
        corrected[i] = least
    return corrected


def score(model: Sequence[Clustered]) -> float:
    """The mean of a model's scores, added in the tasks' order."""
    return sequential_mean(np.array([task.score for task in model]))


def _fewest(model: Sequence[Clustered]) -> float:
    return min(task.jackknife.effective_clusters for task in model)


def _gap(a: Sequence[Clustered], b: Sequence[Clustered]) -> _Gap:
    """Difference of two models that can be compared."""
    spread = mean_spread(
        [
            Spread(
                standard_error(one.jackknife.influence - other.jackknife.influence),
                one.jackknife.effective_clusters,
            )
            for one, other in zip(a, b, strict=True)
        ]
    )
    return _Gap(score(a) - score(b), spread.standard_error, spread.effective_clusters)


def _flips(models: Sequence[Sequence[Clustered]], suite: Suite) -> list[Flips]:
    """Flips of each task, all models together."""
    return [
        Flips.of(
            [task.jackknife for task in tasks],
            Stream(suite.seed, f"signs/{tasks[0].task}"),
            suite.comparison.replicates,
        )
        for tasks in zip(*models, strict=True)
    ]


def _squared_ratios(flips: Sequence[Flips], a: int, b: int) -> npt.NDArray[np.float64]:
    """S_r^2 / V_r of two models on the mean of the tasks, float64 (R,)."""
    if len(flips) == 1:
        return squared_ratios(*flips[0].pair(a, b))
    total, variance = (np.zeros(flips[0].plain.shape[1]) for _ in range(2))
    for task in flips:
        own, spread = task.pair(a, b)
        total, variance = total + own, variance + spread
    tasks = float(len(flips))
    return squared_ratios(total / tasks, variance / (tasks * tasks))


def _require_comparable(models: Sequence[Sequence[Clustered]]) -> None:
    first = models[0]
    if not first:
        raise DataError("no task to average", remedy="give a score for every member of the suite")
    for model in models:
        if [task.task for task in model] != [task.task for task in first]:
            raise DataError(
                "the models were scored on different tasks", remedy="compare them on the same ones"
            )
        for task, own in zip(model, first, strict=True):
            influence, weights = task.jackknife.influence, task.jackknife.weights
            finite = math.isfinite(task.score) and np.isfinite(influence).all()
            if not finite or influence.shape != weights.shape:
                raise DataError(
                    "a score or the influence of a cluster is not a finite number",
                    where=task.task,
                    remedy="take them as clustered() gives them",
                )
            if not np.array_equal(task.jackknife.weights, own.jackknife.weights):
                raise DataError(
                    "the models were not scored on the same clusters",
                    where=task.task,
                    remedy="score them with one version of the task and one copy of the data",
                )
            if task.higher_is_better is not first[0].higher_is_better:
                raise DataError(
                    "one score is better when higher and the other when lower",
                    remedy="compare scores of one metric",
                )
