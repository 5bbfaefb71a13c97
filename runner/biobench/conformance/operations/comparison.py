"""Comparison of models (SPEC.md, section 18)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from biobench.conformance.operations import Invalid
from biobench.conformance.operations.interval import any_suite, any_task, predictions_of
from biobench.errors import BiobenchError
from biobench.metric.comparison import Clustered, compare, difference, holm, ranked
from biobench.metric.half_jackknife import Jackknife
from biobench.metric.signs import signs
from biobench.spec.generator import Stream
from biobench.spec.load import Spec


def _signs(given: Mapping[str, Any], spec: Spec) -> Any:
    stream = Stream(any_suite(spec).seed, f"signs/{given['task']}")
    blocks = list(signs(stream, given["clusters"], given["replicates"]))
    return {"signs": np.concatenate(blocks).T.astype(np.int64).tolist()}


def _difference(given: Mapping[str, Any], spec: Spec) -> Any:
    models = _models_of(given)
    try:
        return asdict(difference(models["a"], models["b"], any_suite(spec)))
    except BiobenchError as error:
        raise Invalid("value") from error


def _models(given: Mapping[str, Any], spec: Spec) -> Any:
    a, b = (predictions_of(given[name]) for name in ("a", "b"))
    try:
        return asdict(compare(a, b, any_task(given, spec), any_suite(spec)))
    except BiobenchError as error:
        raise Invalid("value") from error


def _holm(given: Mapping[str, Any], spec: Spec) -> Any:
    try:
        corrected = iter(holm([p for p in given["p"] if p is not None]))
        return {"corrected": [None if p is None else next(corrected) for p in given["p"]]}
    except BiobenchError as error:
        raise Invalid("value") from error


def _ranks(given: Mapping[str, Any], spec: Spec) -> Any:
    try:
        found = ranked(_models_of(given), any_suite(spec))
    except BiobenchError as error:
        raise Invalid("value") from error
    return {"ranks": None if found is None else found.document()}


def _models_of(given: Mapping[str, Any]) -> dict[str, list[Clustered]]:
    """Each model's scores by task, in the tasks' order; raises Invalid where a task lacks one."""
    if not all(task["models"].keys() >= set(given["models"]) for task in given["tasks"]):
        raise Invalid("value")
    return {
        name: [_clustered(task, name, given) for task in given["tasks"]] for name in given["models"]
    }


def _clustered(task: Mapping[str, Any], name: str, given: Mapping[str, Any]) -> Clustered:
    model = task["models"][name]
    jackknife = Jackknife(
        np.array(model["influence"], np.float64),
        np.array(model.get("weights", task["weights"]), np.float64),
        task.get("classes", 1),
        task.get("lone_classes", 0),
    )
    better = task.get("higher_is_better", given.get("higher_is_better", True))
    return Clustered(task["task"], model["score"], jackknife, better)


OPERATIONS = {
    "comparison.signs": _signs,
    "comparison.difference": _difference,
    "comparison.models": _models,
    "comparison.holm": _holm,
    "comparison.ranks": _ranks,
}
