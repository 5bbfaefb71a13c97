"""Two benchmarks over the same models (SPEC.md, section 19)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from biobench.conformance.operations import Invalid
from biobench.conformance.operations.interval import any_suite
from biobench.errors import BiobenchError
from biobench.metric.association import MEASURES, associate
from biobench.metric.percentile import bounds
from biobench.spec.generator import Stream
from biobench.spec.load import Spec


def _measures(given: Mapping[str, Any], spec: Spec) -> Any:
    try:
        return {name: measure(given["x"], given["y"]) for name, measure in MEASURES.items()}
    except BiobenchError as error:
        raise Invalid("value") from error


def _intervals(given: Mapping[str, Any], spec: Spec) -> Any:
    suite = any_suite(spec)
    rules = suite.association
    stream = Stream(suite.seed, f"association/{given['x_id']}/{given['y_id']}")
    try:
        found = associate(
            given["x"],
            given["y"],
            stream,
            replicates=rules.replicates,
            confidence=rules.confidence,
        )
    except BiobenchError as error:
        raise Invalid("value") from error
    return asdict(found)


def _bounds(given: Mapping[str, Any], spec: Spec) -> Any:
    try:
        low, high = bounds(np.array(given["values"], np.float64), given["confidence"])
    except BiobenchError as error:
        raise Invalid("value") from error
    return {"low": low, "high": high}


OPERATIONS = {
    "association.bounds": _bounds,
    "association.measures": _measures,
    "association.intervals": _intervals,
}
