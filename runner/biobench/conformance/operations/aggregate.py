"""The mean of a suite (SPEC.md, section 13)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from biobench.conformance.operations import Invalid
from biobench.conformance.operations.interval import any_suite
from biobench.errors import BiobenchError
from biobench.metric.aggregate import aggregate
from biobench.metric.score import Spread
from biobench.spec.load import Spec


def _mean(given: Mapping[str, Any], spec: Spec) -> Any:
    scores = {task: value["score"] for task, value in given["tasks"].items()}
    spreads = {
        task: Spread(value["standard_error"], value["effective_clusters"])
        for task, value in given["tasks"].items()
        if value["standard_error"] is not None
    }
    try:
        mean = aggregate(given["members"], scores, spreads, any_suite(spec).interval)
    except BiobenchError as error:
        raise Invalid("value") from error
    return {"mean": None if mean is None else asdict(mean)}


OPERATIONS = {"aggregate.mean": _mean}
