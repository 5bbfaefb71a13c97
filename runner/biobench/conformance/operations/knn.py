"""Nearest neighbours (SPEC.md, section 10.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from biobench.conformance.operations import Invalid
from biobench.conformance.operations._inputs import constants_of, float32
from biobench.conformance.operations.interval import any_suite
from biobench.data.manifest import Manifest, Row
from biobench.errors import BiobenchError
from biobench.probe.knn.distance import squared_distances
from biobench.probe.knn.estimator import scaled_rows
from biobench.probe.predict import run_probe
from biobench.spec.load import Spec


def _predict(given: Mapping[str, Any], spec: Spec) -> Any:
    protocol = spec.protocol(given["protocol"], given["division"])
    task = replace(spec.task("beluga", given["division"]), protocol=protocol)
    labels = given["labels"]
    scored = set(given.get("scored", range(len(labels))))
    rows = tuple(
        Row(f"{i}", f"{i}.png", label, "gallery", i in scored) for i, label in enumerate(labels)
    )
    classes = tuple(map(str, range(max(labels) + 1)))
    manifest = Manifest(Path(), classes, rows, {}, classes)
    try:
        found = run_probe(task, any_suite(spec), manifest, float32(given["features"]))
    except BiobenchError as error:
        raise Invalid("value") from error
    extras = {name: found.extras[name].tolist() for name in sorted(found.extras)}
    return {"y_pred": found.y_pred.tolist(), **extras}


def _distances(given: Mapping[str, Any], spec: Spec) -> Any:
    try:
        normalise = constants_of(given, spec)["normalise"]
        rows = scaled_rows(float32(given["features"]), normalise)
    except BiobenchError as error:
        raise Invalid("value") from error
    query = rows[given["query"] : given["query"] + 1]
    return {"distances": squared_distances(query, rows)[0].tolist()}


OPERATIONS = {"knn.predict": _predict, "knn.distances": _distances}
