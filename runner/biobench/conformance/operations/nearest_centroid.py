"""Nearest centroid with rejection (SPEC.md, section 10.5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from biobench.conformance.operations import Invalid
from biobench.conformance.operations._inputs import constants_of, float32, float64, int64
from biobench.conformance.operations.interval import any_suite
from biobench.data.manifest import Manifest, Row
from biobench.errors import BiobenchError
from biobench.probe.nearest_centroid.covariance import class_covariance, within_class_covariance
from biobench.probe.nearest_centroid.estimator import CentroidProbe, percentile
from biobench.probe.nearest_centroid.triangular import NotPositiveDefinite, cholesky, whiten
from biobench.probe.predict import run_probe
from biobench.spec.load import Spec


def _classes(given: Mapping[str, Any], spec: Spec) -> Any:
    _probe(given, spec)
    features, labels = float32(given["features"]), int64(given["labels"])
    classes, numbers = np.unique(labels, return_inverse=True)
    means, pooled = within_class_covariance(features, numbers, len(classes))
    each = [class_covariance(features[labels == c].astype(np.float64)) for c in classes]
    return {
        "classes": classes.tolist(),
        "means": means.tolist(),
        "deviations": [one.deviation.tolist() for one in each],
        "shrinkages": [one.shrinkage for one in each],
        "covariance": pooled.tolist(),
    }


def _factor(given: Mapping[str, Any], spec: Spec) -> Any:
    _probe(given, spec)
    try:
        factor = cholesky(float64(given["matrix"]))
    except NotPositiveDefinite as error:
        raise Invalid("value") from error
    whitened = whiten(factor, float64(given["vectors"]))
    return {"factor": factor.tolist(), "whitened": whitened.tolist()}


def _threshold(given: Mapping[str, Any], spec: Spec) -> Any:
    scores = float64(given["scores"])
    return {"threshold": percentile(scores, _probe(given, spec).rejection_percentile)}


def _fit(given: Mapping[str, Any], spec: Spec) -> Any:
    probe = _probe(given, spec)
    try:
        probe.fit(float32(given["features"]), int64(given["labels"]))
    except BiobenchError as error:
        raise Invalid("value") from error
    test = float32(given["test"])
    return {
        "mean": probe.mean_.tolist(),
        "centroids": probe.centroids_.tolist(),
        "threshold": probe.threshold_,
        "scores": probe.scores(test).tolist(),
        "nearest": probe.nearest_labels(test).tolist(),
        "y_pred": probe.predict(test).tolist(),
    }


def _predict(given: Mapping[str, Any], spec: Spec) -> Any:
    """Predict as a task's probe stage does."""
    division = given["division"]
    protocol = spec.protocol(given["protocol"], division)
    task = replace(spec.task("herbarium19", division), protocol=protocol)
    labels = [*given["labels"], *(0 for _ in given["test"])]
    n = len(given["labels"])
    rows = tuple(
        Row(f"{i}", f"{i}.png", label, "train" if i < n else "test", i >= n)
        for i, label in enumerate(labels)
    )
    names = tuple(map(str, range(max(labels) + 1)))
    manifest = Manifest(Path(), names, rows, {}, names)
    try:
        found = run_probe(
            task, any_suite(spec), manifest, float32([*given["features"], *given["test"]])
        )
    except BiobenchError as error:
        raise Invalid("value") from error
    return {"y_pred": found.y_pred.tolist()}


def _probe(given: Mapping[str, Any], spec: Spec) -> CentroidProbe:
    return CentroidProbe.from_protocol(constants_of(given, spec))


OPERATIONS = {
    "nearest_centroid.classes": _classes,
    "nearest_centroid.factor": _factor,
    "nearest_centroid.threshold": _threshold,
    "nearest_centroid.fit": _fit,
    "nearest_centroid.predict": _predict,
}
