"""Two benchmarks over the same models (SPEC.md, section 19)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from biobench.conformance.errors import Invalid
from biobench.conformance.operations.interval import any_suite
from biobench.errors import BiobenchError
from biobench.metric.association import MEASURES, associate
from biobench.spec.generator import Stream
from biobench.spec.load import Spec


def _measures(given: Mapping[str, Any], spec: Spec) -> Any:
    try:
        return {name: measure(given["x"], given["y"]) for name, measure in MEASURES.items()}
    except BiobenchError as error:
        raise Invalid("value") from error


def _intervals(given: Mapping[str, Any], spec: Spec) -> Any:
    suite = any_suite(spec)
    stream = Stream(suite.seed, f"association/{given['x_id']}/{given['y_id']}")
    try:
        found = associate(
            given["x"],
            given["y"],
            stream,
            replicates=suite.replicates,
            confidence=suite.confidence,
        )
    except BiobenchError as error:
        raise Invalid("value") from error
    return asdict(found)


OPERATIONS = {"association.measures": _measures, "association.intervals": _intervals}
