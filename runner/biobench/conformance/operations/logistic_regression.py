"""Logistic regression (SPEC.md, section 10.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from biobench.conformance.operations import Invalid
from biobench.errors import DataError, ModelError
from biobench.probe.logistic_regression.estimator import LogisticProbe, decide
from biobench.probe.logistic_regression.scaling import fit_scaling
from biobench.probe.logistic_regression.search import fold_numbers, fold_score, mean_score, ranking
from biobench.probe.logistic_regression.softmax import class_weights, gradient_at, regression
from biobench.spec.load import Spec


def _scale(given: Mapping[str, Any], spec: Spec) -> Any:
    _probe(given, spec)
    scaling = fit_scaling(_features(given["features"]))
    rows = scaling.apply(_features(given["test"]))
    return {
        "mean": scaling.mean.tolist(),
        "deviation": scaling.deviation.tolist(),
        "rows": rows.tolist(),
    }


def _weights(given: Mapping[str, Any], spec: Spec) -> Any:
    _probe(given, spec)
    classes, sizes = np.unique(_ids(given["labels"]), return_counts=True)
    return {"classes": classes.tolist(), "weights": class_weights(sizes).tolist()}


def _folds(given: Mapping[str, Any], spec: Spec) -> Any:
    try:
        return {"folds": fold_numbers(_ids(given["labels"]), _probe(given, spec).folds).tolist()}
    except DataError as error:
        raise Invalid("value") from error


def _fold_score(given: Mapping[str, Any], spec: Spec) -> Any:
    rule = _probe(given, spec).search_score_classes
    return {"score": fold_score(_ids(given["y_true"]), _ids(given["y_pred"]), rule)}


def _ranking(given: Mapping[str, Any], spec: Spec) -> Any:
    probe = _probe(given, spec)
    scores = np.array(given["scores"], np.float64)
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
    return {"classes": decide(np.array(given["decisions"], np.float64)).tolist()}


def _gradient(given: Mapping[str, Any], spec: Spec) -> Any:
    problem = regression(np.array(given["rows"], np.float64), _ids(given["labels"]))
    weight = np.array(given["weight"], np.float64)
    intercept = np.array(given["intercept"], np.float64)
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
        "y_pred": probe.predict(_features(given["test"])).tolist(),
    }


def _search(given: Mapping[str, Any], spec: Spec) -> Any:
    probe = _fitted(given, spec, given.get("constants", {}))
    return {
        "scores": probe.scores_.tolist(),
        "C": probe.C_,
        "y_pred": probe.predict(_features(given["test"])).tolist(),
    }


def _fitted(given: Mapping[str, Any], spec: Spec, instead: Mapping[str, Any]) -> LogisticProbe:
    try:
        return _probe(given, spec, instead).fit(_features(given["features"]), _ids(given["labels"]))
    except (DataError, ModelError) as error:
        raise Invalid("value") from error


def _probe(
    given: Mapping[str, Any], spec: Spec, instead: Mapping[str, Any] | None = None
) -> LogisticProbe:
    """The probe of the protocol document; it refuses constants that it cannot have."""
    constants = spec.protocol(given["protocol"], given["division"]).constants
    return LogisticProbe.from_protocol({**constants, **(instead or {})})


def _features(values: Any) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.array(values, np.float32)


def _ids(values: Any) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.array(values, np.int64)


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
