"""The score of a task (SPEC.md, sections "Metrics" and "Intervals").

In: predictions. Out: the metrics of the task, the primary one with its bootstrap replicates and
interval.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from biobench.data.predictions import Predictions
from biobench.errors import DataError, SpecError
from biobench.metric.bootstrap import bounds
from biobench.metric.registry import METRICS, Kind
from biobench.metric.strata import smallest_stratum
from biobench.spec.canonical import sha256_json
from biobench.spec.documents import Division, Metric, Suite
from biobench.spec.generator import Stream

_METHOD = "bootstrap-stratified"


class Rules(Protocol):
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
    """A percentile interval. ``reliable`` is false where a stratum has too few scored items."""

    low: float
    high: float
    level: float
    method: str
    replicates: int
    reliable: bool


@dataclass(frozen=True, eq=False)
class Score:
    """The primary metric, all metrics by id in the task's order, and the primary's interval.

    Attributes:
        replicates: The primary metric of each resample, float64; None together with ``interval``
            where the division or the metric publishes none.
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


def _kind(name: str, predictions: Predictions) -> Kind:
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


def _task_replicates(
    task: Rules, suite: Suite, predictions: Predictions, count: int
) -> npt.NDArray[np.float64] | None:
    """The primary metric on the resamples 0 to ``count`` - 1, float64 (count,).

    The resamples come from stream ``bootstrap/<task id>`` of the suite's seed, so every model gets
    the same ones, and fewer are the first of more.

    Returns:
        The values; None where the division or the metric publishes no interval.

    Raises:
        SpecError: The interval is unknown.
    """
    primary = task.metrics[0]
    if primary.interval is None or task.division == "compat":
        return None
    if primary.interval != _METHOD:
        raise SpecError(
            f"unknown interval {primary.interval!r}", where=task.id, remedy=f"use {_METHOD}"
        )
    stream = Stream(suite.seed, f"bootstrap/{task.id}")
    return _kind(primary.id, predictions).replicates(predictions, stream, count)


def score_task(task: Rules, suite: Suite, predictions: Predictions) -> Score:
    """Compute all metrics of a task, and the interval of the first where it declares one.

    Args:
        task: The task's rules.
        suite: Its suite, for seed and constants.
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
    interval = None
    replicates = _task_replicates(task, suite, predictions, suite.replicates)
    if replicates is not None:
        low, high = bounds(replicates, suite.confidence)
        interval = Interval(
            low=low,
            high=high,
            level=suite.confidence,
            method=_METHOD,
            replicates=suite.replicates,
            reliable=smallest_stratum(predictions) >= suite.reliable_items_per_class,
        )
    return Score(metrics[primary.id], metrics, interval, replicates)
