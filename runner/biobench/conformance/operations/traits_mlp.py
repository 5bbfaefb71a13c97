"""The traits network (SPEC.md, section 10.6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from biobench.conformance.operations import Invalid
from biobench.conformance.operations._inputs import constants_of, float32
from biobench.conformance.operations._training_plan import batches_of_epochs, rates_of_steps
from biobench.conformance.operations.interval import any_suite
from biobench.errors import BiobenchError
from biobench.probe.gradient_descent import schedule
from biobench.probe.traits_mlp.estimator import TraitsProbe, initial_layers
from biobench.probe.traits_mlp.plan import dropout_mask
from biobench.spec.load import Spec

_LAYERS = ("hidden_weight", "hidden_bias", "output_weight", "output_bias")


def _initial(given: Mapping[str, Any], spec: Spec) -> Any:
    probe, units = _probe(given, spec), given["units"]
    first, first_bias, second, second_bias = initial_layers(
        probe.seed, probe.stream, given["width"], probe.hidden, given["traits"]
    )
    return {
        "hidden": probe.hidden,
        "hidden_weight": first[units].tolist(),
        "hidden_bias": first_bias[units].tolist(),
        "output_weight": second[:, units].tolist(),
        "output_bias": second_bias.tolist(),
    }


def _batches(given: Mapping[str, Any], spec: Spec) -> Any:
    return batches_of_epochs(_probe(given, spec), given)


def _last_batch(given: Mapping[str, Any], spec: Spec) -> Any:
    rows, steps, last = given["rows"], 0, np.arange(given["rows"])
    for batch, _ in schedule(_probe(given, spec), rows):
        steps += 1
        last = np.arange(rows) if batch is None else batch
    return {"steps": steps, "last": last.tolist()}


def _rates(given: Mapping[str, Any], spec: Spec) -> Any:
    return rates_of_steps(_probe(given, spec), given)


def _dropout(given: Mapping[str, Any], spec: Spec) -> Any:
    mask = dropout_mask(_probe(given, spec), given["step"], given["place"], given["rows"])
    return {"factors": mask[:, given["units"]].tolist()}


def _train(given: Mapping[str, Any], spec: Spec) -> Any:
    probe = _probe(given, spec)
    try:
        probe.fit(float32(given["features"]), np.array(given["traits"]))
    except BiobenchError as error:
        raise Invalid("value") from error
    test = float32(given["test"])
    return {
        **{name: getattr(probe, f"{name}_").tolist() for name in _LAYERS},
        "logits": probe.decision_function(test).tolist(),
        "y_pred": probe.predict(test).tolist(),
    }


def _predict(given: Mapping[str, Any], spec: Spec) -> Any:
    probe = _probe(given, spec)
    for name in _LAYERS:
        setattr(probe, f"{name}_", float32(given[name]))
    return {"y_pred": probe.predict(float32(given["features"])).tolist()}


def _probe(given: Mapping[str, Any], spec: Spec) -> TraitsProbe:
    """The probe of the protocol document, with the constants that the input gives instead."""
    return TraitsProbe.from_protocol(
        constants_of(given, spec, given.get("constants")),
        seed=any_suite(spec).seed,
        task=given.get("task", ""),
    )


OPERATIONS = {
    "traits_mlp.initial": _initial,
    "traits_mlp.batches": _batches,
    "traits_mlp.last_batch": _last_batch,
    "traits_mlp.rates": _rates,
    "traits_mlp.dropout": _dropout,
    "traits_mlp.predict": _predict,
    "traits_mlp.train": _train,
}
