"""The score of a task (SPEC.md, sections "Metrics" and "Intervals").

In: predictions. Out: the metrics of the task, the primary one with its bootstrap replicates and
interval.
"""

from __future__ import annotations

from collections.abc import Mapping
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
from biobench.metric.counts import sequential_mean
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


def _metric(name: str, predictions: Predictions, division: Division) -> float:
    if name == "macro_f1":
        return macro_f1(predictions.y_true, predictions.y_pred, division=division)
    if name == "accuracy":
        return accuracy(predictions.y_true, predictions.y_pred, division=division)
    if name in _TOP_K:
        return top_k(_extra(predictions, name, "first_hit"), _TOP_K[name])
    if name == "mean_average_precision":
        values = _extra(predictions, name, "average_precision").astype(np.float64)
        return sequential_mean(values)
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


def _task_replicates(
    task: Task, suite: Suite, predictions: Predictions, count: int
) -> npt.NDArray[np.float64] | None:
    """The primary metric on the resamples 0 to ``count`` - 1, float64 (count,); null where the
    division or the metric publishes no interval.

    The resamples come from stream ``bootstrap/<task id>`` of the suite's seed, so every model gets
    the same ones, and fewer are the first of more. Raises SpecError for an unknown interval.
    """
    primary = task.metrics[0]
    if primary.interval is None or task.division == "compat":
        return None
    if primary.interval != _METHOD:
        raise SpecError(
            f"unknown interval {primary.interval!r}", where=task.id, remedy=f"use {_METHOD}"
        )
    stream = Stream(suite.seed, f"bootstrap/{task.id}")
    return _replicates(primary.id, predictions, stream, count)


def score_task(task: Task, suite: Suite, predictions: Predictions) -> Score:
    """All metrics of a task, and the interval of the first where it declares one.

    Raises DataError without a scored item and SpecError for a metric or interval that does not
    exist or that the protocol cannot feed.
    """
    if not predictions.ids:
        raise DataError(
            "no item is scored",
            where=task.id,
            remedy="check that the test split is not empty and its labels occur in training",
        )
    metrics = {m.id: _metric(m.id, predictions, task.division) for m in task.metrics}
    primary = task.metrics[0]
    interval = None
    replicates = _task_replicates(task, suite, predictions, suite.replicates)
    if replicates is not None:
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
