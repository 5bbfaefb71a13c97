"""The score of a task and of a suite (SPEC.md, sections "Metrics" and "Intervals").

In: predictions. Out: the metrics of the task, the primary one with its bootstrap replicates and
interval, and the mean over tasks, replicate by replicate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench.errors import DataError, SpecError
from biobench.metric.accuracy import accuracy, top_k
from biobench.metric.bootstrap import (
    bounds,
    macro_f1_replicates,
    mean_replicates,
    share_replicates,
)
from biobench.metric.counts import sequential_sum
from biobench.metric.macro_f1 import macro_f1
from biobench.probe.predictions import Predictions
from biobench.spec.canonical import sha256_json
from biobench.spec.documents import Division, Suite, Task
from biobench.spec.generator import Stream

_METHOD = "bootstrap-stratified"
_TOP_K = {"top1": 1, "top5": 5}


@dataclass(frozen=True)
class Interval:
    """A percentile interval. ``reliable`` is false where a true class has too few scored items."""

    low: float
    high: float
    level: float
    method: str
    replicates: int
    reliable: bool


@dataclass(frozen=True, eq=False)
class Score:
    """The primary metric, all metrics by id in the task's order, and the primary's interval.

    replicates: the primary metric of each resample, float64; null together with ``interval`` where
    the division or the metric publishes none.
    """

    score: float
    metrics: Mapping[str, float]
    interval: Interval | None
    replicates: npt.NDArray[np.float64] | None

    def document(self) -> dict[str, Any]:
        """``score``, ``interval`` and ``metrics`` as JSON values, as results.json holds them."""
        return {
            "score": self.score,
            "interval": None if self.interval is None else asdict(self.interval),
            "metrics": dict(self.metrics),
        }

    @property
    def digest(self) -> str:
        """Digest of :meth:`document`."""
        return sha256_json(self.document())


@dataclass(frozen=True)
class Mean:
    """Unweighted mean of the primary metrics of ``tasks`` tasks; bounds null without intervals."""

    score: float
    low: float | None
    high: float | None
    tasks: int


def _metric(name: str, predictions: Predictions, division: Division) -> float:
    if name == "macro_f1":
        return macro_f1(predictions.y_true, predictions.y_pred, division=division)
    if name == "accuracy":
        return accuracy(predictions.y_true, predictions.y_pred, division=division)
    if name in _TOP_K:
        return top_k(_extra(predictions, name, "first_hit"), _TOP_K[name])
    if name == "mean_average_precision":
        values = _extra(predictions, name, "average_precision").astype(np.float64)
        return sequential_sum(values) / values.size
    raise SpecError(f"unknown metric {name!r}", remedy="biobench spec validate lists the metrics")


def _extra(predictions: Predictions, metric: str, column: str) -> npt.NDArray[Any]:
    if column not in predictions.extras:
        raise SpecError(
            f"metric {metric} needs the column {column}, which the task's protocol does not give",
            remedy="take another metric or the protocol knn",
        )
    return predictions.extras[column]


def _replicates(
    name: str, predictions: Predictions, stream: Stream, count: int
) -> npt.NDArray[np.float64]:
    truth = predictions.y_true.astype(np.int64)
    prediction = predictions.y_pred.astype(np.int64)
    if name == "macro_f1":
        return macro_f1_replicates(truth, prediction, stream, count)
    if name == "accuracy":
        return share_replicates(truth, truth == prediction, stream, count)
    if name in _TOP_K:
        ranks = _extra(predictions, name, "first_hit")
        return share_replicates(truth, (ranks >= 1) & (ranks <= _TOP_K[name]), stream, count)
    values = _extra(predictions, name, "average_precision").astype(np.float64)
    return mean_replicates(truth, values, stream, count)


def score_task(task: Task, suite: Suite, predictions: Predictions) -> Score:
    """All metrics of a task, and the interval of the first where it declares one.

    The resamples come from stream ``bootstrap/<task id>`` of the suite's seed, so every model gets
    the same ones. Compat publishes no interval. Raises DataError without a scored item and
    SpecError for a metric or interval that does not exist or that the protocol cannot feed.
    """
    if not predictions.ids:
        raise DataError(
            "no item is scored",
            where=task.id,
            remedy="check that the test split is not empty and its labels occur in training",
        )
    metrics = {m.id: _metric(m.id, predictions, task.division) for m in task.metrics}
    primary = task.metrics[0]
    interval, replicates = None, None
    if primary.interval is not None and task.division != "compat":
        if primary.interval != _METHOD:
            raise SpecError(
                f"unknown interval {primary.interval!r}", where=task.id, remedy=f"use {_METHOD}"
            )
        stream = Stream(suite.seed, f"bootstrap/{task.id}")
        replicates = _replicates(primary.id, predictions, stream, suite.replicates)
        low, high = bounds(replicates, suite.confidence)
        smallest = int(np.unique(predictions.y_true, return_counts=True)[1].min())
        interval = Interval(
            low=low,
            high=high,
            level=suite.confidence,
            method=_METHOD,
            replicates=suite.replicates,
            reliable=smallest >= suite.reliable_items_per_class,
        )
    return Score(metrics[primary.id], metrics, interval, replicates)


def aggregate(scores: Sequence[Score]) -> Mean:
    """Unweighted mean over tasks, in suite order; replicate r of it is the mean of replicates r.

    The bounds are null where a task has no interval. Raises SpecError without a task.
    """
    if not scores:
        raise SpecError("no task to average", remedy="a suite needs at least one task")
    mean = sequential_sum(np.array([s.score for s in scores])) / len(scores)
    first = scores[0].interval
    columns = [s.replicates for s in scores if s.replicates is not None]
    if first is None or len(columns) < len(scores):
        return Mean(mean, None, None, len(scores))
    total = np.zeros(columns[0].size)
    for column in columns:
        total += column
    low, high = bounds(total / len(scores), first.level)
    return Mean(mean, low, high, len(scores))
