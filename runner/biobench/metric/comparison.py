"""Comparison of models (SPEC.md, section "Comparison of models").

In: predictions of several models for the same items. Out: paired bootstrap differences with p
values, Holm's correction over a family of them, and the models that tie for best.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from biobench._common.arguments import real_number, reals
from biobench.data.predictions import Predictions
from biobench.errors import DataError, UsageError
from biobench.metric.aggregate import mean_of_replicates
from biobench.metric.bootstrap import bounds
from biobench.metric.counts import sequential_mean
from biobench.metric.score import Rules, score_task
from biobench.spec.documents import Suite


@dataclass(frozen=True, eq=False)
class Resampled:
    """One model's score with its replicates, on a task or on the mean of a suite.

    Both are finite. Two of them can be compared where they come from the same items.

    Attributes:
        replicates: float64 (R,), not empty.
        reliable: True where every true class has enough items, on every task.
    """

    score: float
    replicates: npt.NDArray[np.float64]
    higher_is_better: bool = True
    reliable: bool = True


@dataclass(frozen=True)
class Comparison:
    """Model a against model b.

    Attributes:
        difference: Score of a minus score of b.
        low: Lower percentile bound of the difference, at confidence ``level``.
        high: Upper percentile bound.
        ahead: The model with the better score, None where they are equal.
        p: Two-sided p value.
        reliable: False where p is too small too often, see the specification.
    """

    difference: float
    low: float
    high: float
    level: float
    p: float
    ahead: Literal["a", "b"] | None
    replicates: int
    reliable: bool


@dataclass(frozen=True)
class Best:
    """The best model, those that tie with it, and every other model's corrected p value.

    Attributes:
        ties: Names in the order given, the best among them.
        p: p values by name, without the best.
    """

    best: str
    ties: tuple[str, ...]
    p: Mapping[str, float]
    reliable: bool


def compare(a: Predictions, b: Predictions, task: Rules, suite: Suite) -> Comparison:
    """Compare two models on the primary metric of one task.

    Args:
        a: Predictions of a model.
        b: Predictions of the other model, for the same items.
        task: The task.
        suite: Its suite, for seed and constants.

    Raises:
        DataError: The comparison is not defined: other items, another truth, or a division or
            metric without an interval.
    """
    require_same_items(a, b, task.id)
    return difference(resample(a, task, suite), resample(b, task, suite), suite.confidence)


def resample(predictions: Predictions, task: Rules, suite: Suite) -> Resampled:
    """Score a model on a task, with the replicates of a comparison.

    Raises DataError where the task publishes no interval, and as :func:`score_task`.
    """
    score = score_task(task, replace(suite, replicates=suite.comparison_replicates), predictions)
    if score.replicates is None or score.interval is None:
        raise DataError(
            f"metric {task.metrics[0].id} has no interval in division {task.division}",
            where=task.id,
            remedy="compare models on a task that publishes one",
        )
    return Resampled(
        score.score, score.replicates, task.metrics[0].higher_is_better, score.interval.reliable
    )


def resampled_mean(tasks: Sequence[Resampled]) -> Resampled:
    """A model's mean over a suite, replicate by replicate, its tasks in the suite's order.

    Raises DataError where the tasks have unequal replicates or directions, or there is none.
    """
    if not tasks:
        raise DataError("no task to average", remedy="give a score for every member of the suite")
    for task in tasks[1:]:
        _require_comparable(tasks[0], task)
    return Resampled(
        sequential_mean(np.array([task.score for task in tasks])),
        mean_of_replicates([task.replicates for task in tasks]),
        tasks[0].higher_is_better,
        all(task.reliable for task in tasks),
    )


def require_same_items(a: Predictions, b: Predictions, where: str) -> None:
    """Raise DataError unless both have the same items with the same truth, in the same order."""
    if a.ids != b.ids or not np.array_equal(a.y_true, b.y_true):
        raise DataError(
            "the models were not scored on the same items with the same labels",
            where=where,
            remedy="score both with one version of the task and one copy of the data",
        )


def difference(a: Resampled, b: Resampled, confidence: float) -> Comparison:
    """Subtract model b from model a, replicate by replicate.

    The two-sided p value is that of the smaller tail, a difference of 0 belonging to both: min(R +
    1, 2 (count + 1)) / (R + 1). Raises DataError for unequal replicates or directions.
    """
    _require_comparable(a, b)
    differences = a.replicates - b.replicates
    count = differences.size
    tail = min(int((differences <= 0).sum()), int((differences >= 0).sum()))
    low, high = bounds(differences, confidence)
    ahead: Literal["a", "b"] | None = None
    if a.score != b.score:
        ahead = "a" if (a.score > b.score) is a.higher_is_better else "b"
    return Comparison(
        difference=a.score - b.score,
        low=low,
        high=high,
        level=confidence,
        p=min(count + 1, 2 * (tail + 1)) / (count + 1),
        ahead=ahead,
        replicates=count,
        reliable=a.reliable and b.reliable,
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction over a family of p values, in the order given.

    The i-th smallest of m (i from 1; equal ones in the order given) becomes min(1, (m - i + 1) p),
    and at least the value before it. Raises UsageError for a value outside 0 to 1.
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


def ties_for_best(models: Mapping[str, Resampled], alpha: float, confidence: float) -> Best:
    """Find the model with the best score, and those whose corrected p against it is above
    ``alpha``.

    Args:
        models: Scores by model; of equal scores the first is the best.
        alpha: Significance level, in (0, 1).
        confidence: Confidence of the bounds, in (0, 1).

    Raises:
        DataError: There is no model, or two cannot be compared.
        UsageError: ``alpha`` or ``confidence`` is outside (0, 1).
    """
    real_number("alpha", alpha, above=0, below=1)
    real_number("confidence", confidence, above=0, below=1)
    if not models:
        raise DataError("there is no model to compare", remedy="give one result or more")
    first = next(iter(models.values()))
    scores = {
        name: model.score if first.higher_is_better else -model.score
        for name, model in models.items()
    }
    best = max(scores, key=lambda name: scores[name])
    others = [name for name in models if name != best]
    tests = [difference(models[best], models[name], confidence) for name in others]
    corrected = dict(zip(others, holm([test.p for test in tests]), strict=True))
    ties = tuple(name for name in models if name == best or corrected[name] > alpha)
    return Best(best, ties, corrected, all(model.reliable for model in models.values()))


def _require_comparable(a: Resampled, b: Resampled) -> None:
    for one in (a, b):
        finite = math.isfinite(one.score) and np.isfinite(one.replicates).all()
        if one.replicates.ndim != 1 or not finite:
            raise DataError(
                "a score or its replicates are not finite numbers on one axis",
                remedy="take them as resample() gives them",
            )
    if a.replicates.size != b.replicates.size or a.replicates.size == 0:
        raise DataError(
            f"{a.replicates.size} and {b.replicates.size} replicates cannot be paired",
            remedy="take both with the same number of replicates",
        )
    if a.higher_is_better is not b.higher_is_better:
        raise DataError(
            "one score is better when higher and the other when lower",
            remedy="compare scores of one metric",
        )
