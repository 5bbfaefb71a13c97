"""Logistic regression (SPEC.md, section 10.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from biobench.conformance.operations import Invalid
from biobench.conformance.operations._inputs import constants_of, float32, float64, int64
from biobench.errors import DataError, ModelError
from biobench.probe.logistic_regression.estimator import LogisticProbe, decide
from biobench.probe.logistic_regression.scaling import fit_scaling
from biobench.probe.logistic_regression.search import fold_numbers, fold_score, mean_score, ranking
from biobench.probe.logistic_regression.softmax import class_weights, gradient_at, regression
from biobench.spec.load import Spec


def _scale(given: Mapping[str, Any], spec: Spec) -> Any:
    _probe(given, spec)
    scaling = fit_scaling(float32(given["features"]))
    rows = scaling.apply(float32(given["test"]))
    return {
        "mean": scaling.mean.tolist(),
        "deviation": scaling.deviation.tolist(),
        "rows": rows.tolist(),
    }


def _weights(given: Mapping[str, Any], spec: Spec) -> Any:
    _probe(given, spec)
    classes, sizes = np.unique(int64(given["labels"]), return_counts=True)
    return {"classes": classes.tolist(), "weights": class_weights(sizes).tolist()}


def _folds(given: Mapping[str, Any], spec: Spec) -> Any:
    try:
        return {"folds": fold_numbers(int64(given["labels"]), _probe(given, spec).folds).tolist()}
    except DataError as error:
        raise Invalid("value") from error


def _fold_score(given: Mapping[str, Any], spec: Spec) -> Any:
    rule = _probe(given, spec).search_score_classes
    return {"score": fold_score(int64(given["y_true"]), int64(given["y_pred"]), rule)}


def _ranking(given: Mapping[str, Any], spec: Spec) -> Any:
    probe = _probe(given, spec)
    scores = float64(given["scores"])
    if scores.shape != (len(probe.candidates), probe.folds):
        raise Invalid("value")
    return {
        "means": [mean_score(row) for row in scores],
        "ranking": [
            probe.candidates[i] for i in ranking(probe.candidates, scores, probe.search_tie)
        ],
    }


def _decide(given: Mapping[str, Any], spec: Spec) -> Any:
    _probe(given, spec)
    return {"classes": decide(float64(given["decisions"])).tolist()}


def _gradient(given: Mapping[str, Any], spec: Spec) -> Any:
    problem = regression(float64(given["rows"]), int64(given["labels"]))
    weight = float64(given["weight"])
    intercept = float64(given["intercept"])
    gradient = gradient_at(problem, weight, intercept, float(given["C"]))
    return {
        "gradient": gradient.tolist(),
        "within": bool(np.abs(gradient).max() <= _probe(given, spec).gradient_tolerance),
    }


def _fit(given: Mapping[str, Any], spec: Spec) -> Any:
    probe = _fitted(given, spec, {"candidates": [given["C"]]})
    return {
        "weight": probe.coef_.tolist(),
        "intercept": probe.intercept_.tolist(),
        "y_pred": probe.predict(float32(given["test"])).tolist(),
    }


def _search(given: Mapping[str, Any], spec: Spec) -> Any:
    probe = _fitted(given, spec, given.get("constants", {}))
    return {
        "scores": probe.scores_.tolist(),
        "C": probe.C_,
        "y_pred": probe.predict(float32(given["test"])).tolist(),
    }


def _fitted(given: Mapping[str, Any], spec: Spec, instead: Mapping[str, Any]) -> LogisticProbe:
    try:
        return _probe(given, spec, instead).fit(float32(given["features"]), int64(given["labels"]))
    except (DataError, ModelError) as error:
        raise Invalid("value") from error


def _probe(
    given: Mapping[str, Any], spec: Spec, instead: Mapping[str, Any] | None = None
) -> LogisticProbe:
    """The probe of the protocol document; it refuses constants that it cannot have."""
    return LogisticProbe.from_protocol(constants_of(given, spec, instead))


OPERATIONS = {
    "logistic_regression.scale": _scale,
    "logistic_regression.weights": _weights,
    "logistic_regression.folds": _folds,
    "logistic_regression.fold_score": _fold_score,
    "logistic_regression.ranking": _ranking,
    "logistic_regression.decide": _decide,
    "logistic_regression.gradient": _gradient,
    "logistic_regression.fit": _fit,
    "logistic_regression.search": _search,
}
