"""The mean of a suite (SPEC.md, section 13)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from biobench.conformance.errors import Invalid
from biobench.conformance.operations.interval import any_suite
from biobench.errors import BiobenchError
from biobench.metric.aggregate import aggregate
from biobench.metric.bootstrap import bounds
from biobench.metric.score import Interval, Score
from biobench.spec.documents import Suite
from biobench.spec.load import Spec


def _mean(given: Mapping[str, Any], spec: Spec) -> Any:
    suite = any_suite(spec)
    scores = {task: _task_score(value, suite) for task, value in given["tasks"].items()}
    try:
        mean = aggregate(given["members"], scores)
    except BiobenchError as error:
        raise Invalid("value") from error
    return {"mean": None if mean is None else asdict(mean)}


def _task_score(value: Mapping[str, Any], suite: Suite) -> Score:
    metrics = {"macro_f1": value["score"]}
    if value["replicates"] is None:
        return Score(value["score"], metrics, None, None)
    column = np.array(value["replicates"], np.float64)
    low, high = bounds(column, suite.confidence)
    interval = Interval(low, high, suite.confidence, "bootstrap-stratified", column.size, True)
    return Score(value["score"], metrics, interval, column)


OPERATIONS = {"aggregate.mean": _mean}
