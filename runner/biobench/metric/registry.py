"""Every metric by its id (SPEC.md, section "Metrics").

In: predictions. Out: the metric on them, and what each of their clusters adds to it. A new metric
is a module, an entry of :data:`METRICS`, and the places outside of this package that
CONTRIBUTING.md lists ("Places of an addition"): schema, fit rules, text, operation, self test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench._common.arguments import reals
from biobench.data.predictions import Predictions
from biobench.errors import DataError, SpecError
from biobench.metric.accuracy import accuracy, top_k
from biobench.metric.cells import (
    Cells,
    class_cells,
    cluster_numbers,
    group_cells,
    ratio_cells,
    shares,
    trait_cells,
)
from biobench.metric.counts import IntArray, sequential_mean
from biobench.metric.group_accuracy import group_accuracy, group_numbers
from biobench.metric.macro_f1 import macro_f1
from biobench.metric.traits_f1 import trait_codes, traits_f1
from biobench.metric.user_loss import losses, score_of
from biobench.spec.documents import Division

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class MetricKind:
    """A metric.

    Attributes:
        value: Its value on predictions.
        cells: What the clusters of the predictions add to it.
        traits: True where its labels are traits and not classes.
    """

    value: Callable[[Predictions, Division], float]
    cells: Callable[[Predictions], Cells]
    traits: bool = False


def _labels(predictions: Predictions) -> tuple[IntArray, IntArray]:
    return predictions.y_true.astype(np.int64), predictions.y_pred.astype(np.int64)


def _column(predictions: Predictions, metric: str, name: str) -> npt.NDArray[Any]:
    if name not in predictions.extras:
        raise SpecError(
            f"metric {metric} needs the column {name}, which neither the task's protocol nor its "
            "data set gives",
            remedy="take another metric, protocol or layout",
        )
    return predictions.extras[name]


def _macro_f1() -> MetricKind:
    return MetricKind(
        lambda p, division: macro_f1(p.y_true, p.y_pred, division=division),
        lambda p: class_cells(cluster_numbers(p), *_labels(p)),
    )


def _accuracy() -> MetricKind:
    return MetricKind(
        lambda p, division: accuracy(p.y_true, p.y_pred, division=division),
        lambda p: ratio_cells(cluster_numbers(p), *shares(p.y_true == p.y_pred)),
    )


def _top(k: int) -> MetricKind:
    def ranks(predictions: Predictions) -> npt.NDArray[Any]:
        return _column(predictions, f"top{k}", "first_hit")

    def cells(predictions: Predictions) -> Cells:
        right = (ranks(predictions) >= 1) & (ranks(predictions) <= k)
        return ratio_cells(cluster_numbers(predictions), *shares(right))

    return MetricKind(lambda p, _: top_k(ranks(p), k), cells)


def _mean_average_precision() -> MetricKind:
    def values(predictions: Predictions) -> Values:
        column = _column(predictions, "mean_average_precision", "average_precision")
        found = reals("average_precision", column)
        if not ((found >= 0) & (found <= 1)).all():
            raise DataError(
                "average_precision holds a value that is not between 0 and 1",
                remedy="take predictions as the probe gives them",
            )
        return found

    def cells(predictions: Predictions) -> Cells:
        found = values(predictions)
        return ratio_cells(cluster_numbers(predictions), found, np.ones(found.size))

    return MetricKind(lambda p, _: sequential_mean(values(p)), cells)


def _traits_f1() -> MetricKind:
    return MetricKind(
        lambda p, division: traits_f1(p.y_true, p.y_pred, division=division),
        lambda p: trait_cells(cluster_numbers(p), trait_codes(p.y_true, p.y_pred)),
        traits=True,
    )


def _user_loss() -> MetricKind:
    def both(predictions: Predictions) -> tuple[IntArray, IntArray]:
        columns = (
            _column(predictions, "user_loss", name)
            for name in ("true_poisonous", "predicted_poisonous")
        )
        return losses(*_labels(predictions), *columns)

    def cells(predictions: Predictions) -> Cells:
        loss, worst = both(predictions)
        gain, whole = (worst - loss).astype(np.float64), worst.astype(np.float64)
        return ratio_cells(cluster_numbers(predictions), gain, whole)

    return MetricKind(lambda p, _: score_of(*both(p)), cells)


def _group_accuracy() -> MetricKind:
    def groups(predictions: Predictions) -> npt.NDArray[Any]:
        return _column(predictions, "group_accuracy", "group")

    def cells(predictions: Predictions) -> Cells:
        numbers = group_numbers(groups(predictions))
        right = shares(predictions.y_true == predictions.y_pred)
        return group_cells(cluster_numbers(predictions), numbers, *right)

    return MetricKind(lambda p, _: group_accuracy(p.y_true, p.y_pred, groups(p)), cells)


METRICS: Mapping[str, MetricKind] = {
    "macro_f1": _macro_f1(),
    "accuracy": _accuracy(),
    "top1": _top(1),
    "top5": _top(5),
    "mean_average_precision": _mean_average_precision(),
    "traits_f1": _traits_f1(),
    "user_loss": _user_loss(),
    "group_accuracy": _group_accuracy(),
}
"""Metric id -> the functions that compute it."""
