"""Resamples, their statistics and the interval of a task (SPEC.md, section 12)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from biobench.conformance.errors import Invalid
from biobench.data.predictions import Predictions
from biobench.errors import BiobenchError
from biobench.metric.bootstrap import Strata, bounds, resamples
from biobench.metric.score import Score, score_task
from biobench.metric.strata import stratum_numbers
from biobench.spec.documents import Metric, Suite, Task
from biobench.spec.generator import Stream
from biobench.spec.load import Spec

_COLUMNS: Mapping[str, Any] = {
    "first_hit": np.int32,
    "average_precision": np.float64,
    "group": np.str_,
    "true_poisonous": np.bool_,
    "predicted_poisonous": np.bool_,
}


def any_task(given: Mapping[str, Any], spec: Spec) -> Task:
    """A task with the id and division of the input, whose only metric is the input's."""
    task = spec.task("herbarium19", given.get("division", "official"))
    better = given.get("higher_is_better", True)
    metric = Metric(given["metric"], better, "bootstrap-stratified")
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


def _positions(given: Mapping[str, Any], spec: Spec) -> Any:
    strata = Strata.of(stratum_numbers(predictions_of(given)))
    stream = Stream(any_suite(spec).seed, f"bootstrap/{given['task']}")
    blocks = [block.copy() for block in resamples(strata, stream, given["replicates"])]
    return {"items": strata.order[np.concatenate(blocks)].tolist()}


def _scored(given: Mapping[str, Any], spec: Spec, suite: Suite) -> Score:
    try:
        return score_task(any_task(given, spec), suite, predictions_of(given))
    except BiobenchError as error:
        raise Invalid("value") from error


def _replicates(given: Mapping[str, Any], spec: Spec) -> Any:
    suite = replace(any_suite(spec), replicates=given["replicates"])
    replicates = _scored(given, spec, suite).replicates
    return {"values": None if replicates is None else replicates.tolist()}


def _bounds(given: Mapping[str, Any], spec: Spec) -> Any:
    try:
        low, high = bounds(np.array(given["values"], np.float64), given["confidence"])
    except BiobenchError as error:
        raise Invalid("value") from error
    return {"low": low, "high": high}


def _score(given: Mapping[str, Any], spec: Spec) -> Any:
    return _scored(given, spec, any_suite(spec)).document()


OPERATIONS = {
    "interval.positions": _positions,
    "interval.replicates": _replicates,
    "interval.bounds": _bounds,
    "interval.score": _score,
}
