"""Every metric by its id (SPEC.md, section "Metrics").

In: predictions. Out: the metric on them, and on each of their resamples. A new metric is one entry
of :data:`METRICS`.
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
from biobench.metric import bootstrap
from biobench.metric.accuracy import accuracy, top_k
from biobench.metric.counts import IntArray, sequential_mean
from biobench.metric.group_accuracy import group_accuracy, group_numbers
from biobench.metric.macro_f1 import macro_f1
from biobench.metric.strata import stratum_numbers
from biobench.metric.traits_f1 import trait_codes, traits_f1
from biobench.metric.user_loss import losses, score_of
from biobench.spec.documents import Division
from biobench.spec.generator import Stream

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Kind:
    """A metric.

    Attributes:
        value: Its value on predictions.
        replicates: Its values on the first resamples of a stream, float64 (count,).
        traits: True where its labels are traits and not classes.
    """

    value: Callable[[Predictions, Division], float]
    replicates: Callable[[Predictions, Stream, int], Values]
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


def _macro_f1() -> Kind:
    def replicates(predictions: Predictions, stream: Stream, count: int) -> Values:
        numbers = stratum_numbers(predictions)
        return bootstrap.macro_f1_replicates(*_labels(predictions), stream, count, numbers=numbers)

    return Kind(lambda p, division: macro_f1(p.y_true, p.y_pred, division=division), replicates)


def _accuracy() -> Kind:
    def replicates(predictions: Predictions, stream: Stream, count: int) -> Values:
        right = predictions.y_true == predictions.y_pred
        return bootstrap.share_replicates(stratum_numbers(predictions), right, stream, count)

    return Kind(lambda p, division: accuracy(p.y_true, p.y_pred, division=division), replicates)


def _top(k: int) -> Kind:
    def ranks(predictions: Predictions) -> npt.NDArray[Any]:
        return _column(predictions, f"top{k}", "first_hit")

    def replicates(predictions: Predictions, stream: Stream, count: int) -> Values:
        right = (ranks(predictions) >= 1) & (ranks(predictions) <= k)
        return bootstrap.share_replicates(stratum_numbers(predictions), right, stream, count)

    return Kind(lambda p, _: top_k(ranks(p), k), replicates)


def _mean_average_precision() -> Kind:
    def values(predictions: Predictions) -> Values:
        column = _column(predictions, "mean_average_precision", "average_precision")
        found = reals("average_precision", column)
        if not ((found >= 0) & (found <= 1)).all():
            raise DataError(
                "average_precision holds a value that is not between 0 and 1",
                remedy="take predictions as the probe gives them",
            )
        return found

    def replicates(predictions: Predictions, stream: Stream, count: int) -> Values:
        numbers = stratum_numbers(predictions)
        return bootstrap.mean_replicates(numbers, values(predictions), stream, count)

    return Kind(lambda p, _: sequential_mean(values(p)), replicates)


def _traits_f1() -> Kind:
    def replicates(predictions: Predictions, stream: Stream, count: int) -> Values:
        codes = trait_codes(predictions.y_true, predictions.y_pred)
        return bootstrap.traits_f1_replicates(codes, stream, count)

    return Kind(
        lambda p, division: traits_f1(p.y_true, p.y_pred, division=division),
        replicates,
        traits=True,
    )


def _user_loss() -> Kind:
    def both(predictions: Predictions) -> tuple[IntArray, IntArray]:
        columns = (
            _column(predictions, "user_loss", name)
            for name in ("true_poisonous", "predicted_poisonous")
        )
        return losses(*_labels(predictions), *columns)

    def replicates(predictions: Predictions, stream: Stream, count: int) -> Values:
        numbers = stratum_numbers(predictions)
        return bootstrap.user_loss_replicates(numbers, *both(predictions), stream, count)

    return Kind(lambda p, _: score_of(*both(p)), replicates)


def _group_accuracy() -> Kind:
    def groups(predictions: Predictions) -> npt.NDArray[Any]:
        return _column(predictions, "group_accuracy", "group")

    def replicates(predictions: Predictions, stream: Stream, count: int) -> Values:
        return bootstrap.group_accuracy_replicates(
            stratum_numbers(predictions),
            group_numbers(groups(predictions)),
            predictions.y_true == predictions.y_pred,
            stream,
            count,
        )

    return Kind(lambda p, _: group_accuracy(p.y_true, p.y_pred, groups(p)), replicates)


METRICS: Mapping[str, Kind] = {
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
