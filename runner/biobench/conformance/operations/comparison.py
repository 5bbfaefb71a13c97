"""Comparison of models (SPEC.md, section 18)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from biobench.conformance.errors import Invalid
from biobench.conformance.operations.interval import any_suite, any_task, predictions_of
from biobench.errors import BiobenchError
from biobench.metric.comparison import (
    Resampled,
    compare,
    difference,
    holm,
    resampled_mean,
    ties_for_best,
)
from biobench.spec.load import Spec


def _difference(given: Mapping[str, Any], spec: Spec) -> Any:
    a, b = (_resampled(given[name], given) for name in ("a", "b"))
    try:
        return asdict(difference(a, b, any_suite(spec).confidence))
    except BiobenchError as error:
        raise Invalid("value") from error


def _mean(given: Mapping[str, Any], spec: Spec) -> Any:
    a, b = ([_resampled(task, given) for task in given[name]] for name in ("a", "b"))
    try:
        confidence = any_suite(spec).confidence
        return asdict(difference(resampled_mean(a), resampled_mean(b), confidence))
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
        return {"corrected": holm(given["p"])}
    except BiobenchError as error:
        raise Invalid("value") from error


def _ties_for_best(given: Mapping[str, Any], spec: Spec) -> Any:
    suite = any_suite(spec)
    models = {model["name"]: _resampled(model, given) for model in given["models"]}
    try:
        best = ties_for_best(models, suite.alpha, suite.confidence)
    except BiobenchError as error:
        raise Invalid("value") from error
    return {**asdict(best), "ties": list(best.ties), "p": dict(best.p)}


def _resampled(value: Mapping[str, Any], given: Mapping[str, Any]) -> Resampled:
    return Resampled(
        value["score"],
        np.array(value["replicates"], np.float64),
        value.get("higher_is_better", given.get("higher_is_better", True)),
        value.get("reliable", True),
    )


OPERATIONS = {
    "comparison.difference": _difference,
    "comparison.mean": _mean,
    "comparison.models": _models,
    "comparison.holm": _holm,
    "comparison.ties_for_best": _ties_for_best,
}
