"""Influences of clusters, quantiles and the interval of a task (SPEC.md, section 12)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from biobench.conformance.operations import Invalid
from biobench.data.predictions import Predictions
from biobench.errors import BiobenchError
from biobench.metric.half_jackknife import t_quantile
from biobench.metric.score import Score, score_task
from biobench.spec.documents import Metric, Suite, Task
from biobench.spec.load import Spec

_COLUMNS: Mapping[str, Any] = {
    "first_hit": np.int32,
    "average_precision": np.float64,
    "group": np.str_,
    "cluster": np.str_,
    "true_poisonous": np.bool_,
    "predicted_poisonous": np.bool_,
}


def any_task(given: Mapping[str, Any], spec: Spec) -> Task:
    """A task with the id and division of the input, whose only metric is the input's; it publishes
    an interval unless the input's ``interval`` is null."""
    task = spec.task("herbarium19", given.get("division", "official"))
    better = given.get("higher_is_better", True)
    metric = Metric(given["metric"], better, given.get("interval", "half-jackknife"))
    return replace(task, id=given["task"], metrics=(metric,))


def any_suite(spec: Spec) -> Suite:
    """A suite, for the constants that all suites share."""
    return next(iter(spec.suites.values()))


def predictions_of(given: Mapping[str, Any]) -> Predictions:
    """The predictions of an input: columns by name. Items are numbered where it names none, and
    predictions equal the truth where it has none."""
    truth = np.array(given["y_true"], np.int32)
    return Predictions(
        tuple(given.get("ids", map(str, range(len(truth))))),
        truth,
        np.array(given.get("y_pred", given["y_true"]), np.int32),
        {name: np.array(given[name], kind) for name, kind in _COLUMNS.items() if name in given},
    )


def _scored(given: Mapping[str, Any], spec: Spec) -> Score:
    try:
        return score_task(any_task(given, spec), any_suite(spec), predictions_of(given))
    except BiobenchError as error:
        raise Invalid("value") from error


def _influences(given: Mapping[str, Any], spec: Spec) -> Any:
    jackknife = _scored(given, spec).jackknife
    if jackknife is None:
        return {"influence": None, "weights": None}
    return {"influence": jackknife.influence.tolist(), "weights": jackknife.weights.tolist()}


def _quantile(given: Mapping[str, Any], spec: Spec) -> Any:
    return {"quantile": t_quantile(any_suite(spec).interval.t_quantiles, given["freedom"])}


def _score(given: Mapping[str, Any], spec: Spec) -> Any:
    return _scored(given, spec).document()


OPERATIONS = {
    "interval.influences": _influences,
    "interval.quantile": _quantile,
    "interval.score": _score,
}
