"""Support vector machine (SPEC.md, section 10.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from biobench.conformance.operations import Invalid
from biobench.conformance.operations._inputs import constants_of, float32, float64
from biobench.conformance.operations.interval import any_suite
from biobench.data.manifest import Manifest, Row
from biobench.errors import DataError, ModelError
from biobench.probe.predict import run_probe
from biobench.probe.svm.estimator import SVMProbe, centre, centred_rows, vote
from biobench.probe.svm.hinge import is_allowed, midpoint, violation
from biobench.spec.load import Spec


def _rows(given: Mapping[str, Any], spec: Spec) -> Any:
    _probe(given, spec)
    try:
        mean, rows = centre(float32(given["features"]))
        test = centred_rows(float32(given["test"]), mean)
    except ModelError as error:
        raise Invalid("value") from error
    return {"mean": mean.tolist(), "features": rows.tolist(), "test": test.tolist()}


def _intercept(given: Mapping[str, Any], spec: Spec) -> Any:
    _probe(given, spec)
    return {"intercept": midpoint(float64(given["gaps"]), given["positives"])}


def _vote(given: Mapping[str, Any], spec: Spec) -> Any:
    tie = _probe(given, spec).decision_tie
    return {"classes": vote(float64(given["decisions"]), given["classes"], tie).tolist()}


def _violation(given: Mapping[str, Any], spec: Spec) -> Any:
    probe = _probe(given, spec)
    signs, dual = float64(given["signs"]), float64(given["dual"])
    found = violation(float64(given["rows"]), signs, dual, probe.C)
    may_end = found <= probe.violation_tolerance and is_allowed(signs, dual, probe.C)
    return {"violation": found, "within": may_end}


def _fit(given: Mapping[str, Any], spec: Spec) -> Any:
    try:
        probe = _probe(given, spec).fit(float32(given["features"]), np.array(given["labels"]))
        test = float32(given["test"])
        decisions, predicted = probe.pair_decisions(test), probe.predict(test)
    except (DataError, ModelError) as error:
        raise Invalid("value") from error
    return {
        "weight": probe.coef_.tolist(),
        "intercept": probe.intercept_.tolist(),
        "decisions": decisions.tolist(),
        "y_pred": predicted.tolist(),
    }


def _groups(given: Mapping[str, Any], spec: Spec) -> Any:
    protocol = spec.protocol(given["protocol"], given["division"])
    task = replace(spec.task("newt", given["division"]), protocol=protocol)
    splits: tuple[Literal["train", "test"], ...] = ("train", "test")
    rows = tuple(
        Row(f"{split}/{i}", f"{split}/{i}.png", label, split, split == "test", group=group)
        for split in splits
        for i, (label, group) in enumerate(given[split])
    )
    classes = tuple(map(str, range(max(row.label for row in rows) + 1)))
    manifest = Manifest(Path(), classes, rows, {}, classes)
    try:
        found = run_probe(task, any_suite(spec), manifest, float32(given["features"]))
    except (DataError, ModelError) as error:
        raise Invalid("value") from error
    return {"y_pred": found.y_pred.tolist()}


def _probe(given: Mapping[str, Any], spec: Spec) -> SVMProbe:
    """The probe of the protocol document, with the constants that the input gives instead; it
    refuses constants that it cannot have."""
    return SVMProbe.from_protocol(constants_of(given, spec, given.get("constants")))


OPERATIONS = {
    "svm.rows": _rows,
    "svm.intercept": _intercept,
    "svm.vote": _vote,
    "svm.violation": _violation,
    "svm.fit": _fit,
    "svm.groups": _groups,
}
