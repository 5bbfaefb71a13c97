"""The linear probe (SPEC.md, section 10.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from biobench.conformance.operations import Invalid
from biobench.conformance.operations._inputs import constants_of, float32, int64
from biobench.conformance.operations._training_plan import batches_of_epochs, rates_of_steps
from biobench.conformance.operations.interval import any_suite
from biobench.errors import DataError, ModelError
from biobench.probe.linear_probe.estimator import LinearProbe, initial_values
from biobench.probe.rows import standard_rows
from biobench.spec.load import Spec


def _standardise(given: Mapping[str, Any], spec: Spec) -> Any:
    rows = standard_rows(float32(given["features"]), _probe(given, spec).normalisation_epsilon)
    return {"rows": rows.tolist()}


def _initial(given: Mapping[str, Any], spec: Spec) -> Any:
    probe = _probe(given, spec)
    weight, bias = initial_values(probe.seed, probe.stream, given["classes"], given["width"])
    return {"weight": weight.tolist(), "bias": bias.tolist()}


def _batches(given: Mapping[str, Any], spec: Spec) -> Any:
    return batches_of_epochs(_probe(given, spec), given)


def _rates(given: Mapping[str, Any], spec: Spec) -> Any:
    return rates_of_steps(_probe(given, spec), given)


def _train(given: Mapping[str, Any], spec: Spec) -> Any:
    probe = _probe(given, spec)
    try:
        probe.fit(float32(given["features"]), int64(given["labels"]))
    except (DataError, ModelError) as error:
        raise Invalid("value") from error
    predicted = probe.predict(float32(given["test"]))
    return {
        "weight": probe.weight_.tolist(),
        "bias": probe.bias_.tolist(),
        "y_pred": predicted.tolist(),
    }


def _predict(given: Mapping[str, Any], spec: Spec) -> Any:
    probe = _probe({**given, "classes": len(given["bias"])}, spec)
    probe.classes_ = np.arange(len(given["bias"]))
    probe.weight_, probe.bias_ = float32(given["weight"]), float32(given["bias"])
    return {"y_pred": probe.predict(float32(given["features"])).tolist()}


def _probe(given: Mapping[str, Any], spec: Spec) -> LinearProbe:
    """The probe of the protocol document, with the constants that the input gives instead."""
    return LinearProbe.from_protocol(
        constants_of(given, spec, given.get("constants")),
        classes=given.get("classes", 2),
        seed=any_suite(spec).seed,
        task=given.get("task", ""),
    )


OPERATIONS = {
    "linear_probe.standardise": _standardise,
    "linear_probe.initial": _initial,
    "linear_probe.batches": _batches,
    "linear_probe.rates": _rates,
    "linear_probe.train": _train,
    "linear_probe.predict": _predict,
}
