"""Section 10.3: fits of logistic regression."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler

from vectors import plain
from vectors.case import Case, Section, VectorFile, refused
from vectors.logistic_regression import BOTH, DRAWS, OFFICIAL, Matrix, given_protocol

drawn = DRAWS.rows


def gradient(given: Any, output: Any) -> None:
    """The formulas of step 3 as plain loops, and the verdict where it is meant to be close."""
    rows, labels, c = given["rows"], given["labels"], given["C"]
    classes, n, width = max(labels) + 1, len(rows), len(rows[0])
    expected = [[w / (c * n) for w in weight] + [0.0] for weight in given["weight"]]
    for row, label in zip(rows, labels, strict=True):
        logits = [
            sum(a * b for a, b in zip(w, row, strict=True)) + t
            for w, t in zip(given["weight"], given["intercept"], strict=True)
        ]
        shares = [math.exp(v - max(logits)) for v in logits]
        for k in range(classes):
            part = n / (classes * labels.count(label)) / n
            part *= shares[k] / sum(shares) - (k == label)
            for j in range(width):
                expected[k][j] += part * row[j]
            expected[k][width] += part
    assert np.allclose(output["gradient"], expected, rtol=0, atol=1e-14)
    tolerance = plain.constants(**given_protocol(given))["gradient_tolerance"]
    assert output["within"] == (np.abs(expected).max() <= tolerance)


def solved(features: Any, labels: Any, c: float) -> tuple[StandardScaler, LogisticRegression]:
    """scikit-learn's fit; two classes it does with one weight vector, at twice the C."""
    scaler = StandardScaler().fit(np.array(features))
    model = LogisticRegression(
        C=c * (2 if len(set(labels)) == 2 else 1),
        class_weight="balanced",
        solver="newton-cg",
        tol=1e-11,
        max_iter=10_000,
    )
    return scaler, model.fit(scaler.transform(np.array(features)), labels)


def decisions(scaler: StandardScaler, model: LogisticRegression, features: Any) -> Matrix:
    values = model.decision_function(scaler.transform(np.array(features)))
    return np.column_stack([-values / 2, values / 2]) if values.ndim == 1 else values


def clear(values: Matrix) -> bool:
    """True where no decision is so close that a fit within the tolerance could turn it."""
    ordered = np.sort(values, axis=1)
    return bool((ordered[:, -1] - ordered[:, -2]).min() > 1e-5)


def fit(given: Any, output: Any) -> None:
    scaler, model = solved(given["features"], given["labels"], given["C"])
    weight, intercept = model.coef_, model.intercept_
    if len(model.classes_) == 2:
        weight, intercept = np.vstack([-weight, weight]) / 2, np.append(-intercept, intercept) / 2
    assert np.allclose(output["weight"], weight, rtol=0, atol=1e-6)
    assert np.allclose(output["intercept"], intercept - intercept.mean(), rtol=0, atol=1e-6)
    values = decisions(scaler, model, given["test"])
    assert clear(values)
    assert output["y_pred"] == model.classes_[values.argmax(axis=1)].tolist()


def search(given: Any, output: Any) -> None:
    """Every fit of the search by scikit-learn, with its folds and, in compat, its score."""
    constants = {**plain.constants(**given_protocol(given)), **given.get("constants", {})}
    features, labels = np.array(given["features"]), np.array(given["labels"])
    scores = np.empty((len(constants["candidates"]), constants["folds"]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        parts = list(StratifiedKFold(constants["folds"]).split(features, labels))
    for i, c in enumerate(constants["candidates"]):
        for f, (train, held) in enumerate(parts):
            scaler, model = solved(features[train], labels[train], c)
            values = decisions(scaler, model, features[held])
            assert clear(values), (c, f)
            predicted = model.classes_[values.argmax(axis=1)].tolist()
            truth = labels[held].tolist()
            scores[i, f] = (
                plain.macro_f1(truth, predicted, "official")
                if given["division"] == "official"
                else f1_score(truth, predicted, average="macro", zero_division=0.0)
            )
    assert np.allclose(output["scores"], scores, rtol=0, atol=1e-12)
    means = [plain.left_to_right(row) for row in output["scores"]]
    best = [c for c, m in zip(constants["candidates"], means, strict=True) if m == max(means)]
    assert output["C"] == (min(best) if constants["search_tie"] == "smallest" else best[0])
    fit({**given, "C": output["C"]}, {**output, **fields(given, output["C"])})


def fields(given: Any, c: float) -> dict[str, Any]:
    """The fields that :func:`fit` compares beyond the predictions, and a search does not answer."""
    _, model = solved(given["features"], given["labels"], c)
    return {
        "weight": model.coef_.tolist(),
        "intercept": (model.intercept_ - model.intercept_.mean()).tolist(),
    }


def near_the_tolerance(factor: float) -> dict[str, Any]:
    """Two classes at -1 and 1, the weights chosen so that the largest component of the gradient is
    ``factor`` times the tolerance of the official protocol."""
    wanted = factor * plain.constants("logistic_regression", "official")["gradient_tolerance"]
    v = 0.75
    pull = 1 / (1 + math.exp(2 * v))
    return {
        "rows": [[-1.0], [1.0], [-1.0], [1.0]],
        "labels": [0, 1, 0, 1],
        "weight": [[-v], [v]],
        "intercept": [0.0, 0.0],
        "C": v / (4 * (pull + wanted)),
    }


def files() -> Iterator[VectorFile]:
    file = Section("logistic-regression", "10.3", "P", "logistic_regression").file

    labels = DRAWS.labels("gradient", 12, 3)
    point = {
        "rows": drawn("gradient", 12, 2),
        "labels": labels,
        "weight": drawn("gradient/weight", 3, 2),
        "intercept": [0.5, -1.0, 0.5],
    }
    yield file(
        "gradient",
        "The gradient of the objective by class, features then intercept, and whether a fit may "
        "end there.",
        [
            Case(f"logistic-regression/gradient/{k}", {**OFFICIAL, **v}, gradient)
            for k, v in {
                "away-from-the-optimum": {**point, "C": 0.25},
                "weak-penalty": {**point, "C": 1000.0},
                "at-zero": {**point, "weight": [[0.0] * 2] * 3, "intercept": [0.0] * 3, "C": 1.0},
                "just-within": near_the_tolerance(0.999),
                "just-without": near_the_tolerance(1.001),
                "just-without-below-zero": near_the_tolerance(-1.001),
                # The two other classes share what one is below zero.
                "just-below-zero-alone": {
                    "rows": [[0.0]] * 3,
                    "labels": [0, 1, 2],
                    "weight": [[0.0]] * 3,
                    "intercept": [-4.5045e-9, 0.0, 0.0],
                    "C": 1.0,
                },
            }.items()
        ],
        source="plain loops",
    )
    three, two = DRAWS.labels("fit", 40, 3), DRAWS.labels("fit/two", 24, 2)
    many = [*range(18)] * 3
    cases = {
        "three-classes": (DRAWS.clustered("fit", three, 4, 1.0), three, 1.0, 4),
        "strong-penalty": (DRAWS.clustered("fit", three, 4, 1.0), three, 0.001, 4),
        "weak-penalty": (DRAWS.clustered("fit", three, 4, 1.0), three, 10.0, 4),
        "two-classes": (DRAWS.clustered("fit/two", two, 3, 1.0), two, 0.5, 3),
        "more-features-than-rows": (drawn("fit/wide", 9, 12), [0, 1, 2] * 3, 0.1, 12),
        "ids-that-are-no-text": (
            drawn("fit/text", 9, 2), [9, 10, 2, 2, 9, 10, 9, 2, 10], 0.3, 2,
        ),
        "single-row-of-a-class": (drawn("fit/single", 9, 2), [0, 0, 1, 1, 1, 4, 0, 1, 0], 0.3, 2),
        # More numbers than a sum has lanes.
        "many-classes": (DRAWS.clustered("fit/many", many, 5, 1.0), many, 0.2, 5),
        "constant-feature": (
            [[*row, 2.5] for row in drawn("fit/constant", 10, 2)], [0, 1] * 5, 1.0, 3,
        ),
        "unscaled-features": (
            [[1000 * a, b / 1024] for a, b in DRAWS.clustered("fit/units", [0, 1, 2] * 6, 2, 1.0)],
            [0, 1, 2] * 6, 0.7, 2,
        ),
    }  # fmt: skip
    yield file(
        "fit",
        "The fit with a given C on raw features: weights and intercepts over the scaled features, "
        "and predictions.",
        [
            Case(
                f"logistic-regression/fit/{k}",
                {
                    **OFFICIAL,
                    "features": f,
                    "labels": y,
                    "C": c,
                    "test": drawn(f"fit/{k}/test", 5, width),
                },
                fit,
            )
            for k, (f, y, c, width) in cases.items()
        ]
        + [
            Case(
                "logistic-regression/fit/one-class",
                {**OFFICIAL, "features": [[1.0], [2.0]], "labels": [1, 1], "C": 1.0, "test": [[1]]},
                refused,
            )
        ],
        source="scikit-learn LogisticRegression (newton-cg) behind StandardScaler",
    )
    labels = DRAWS.labels("search", 45, 3)
    rare = [*DRAWS.labels("search/rare", 40, 3), 3]
    yield file(
        "search",
        "The whole protocol: the score of each candidate in each fold, the C that is taken, and "
        "the predictions of the fit on all rows.",
        [
            Case(
                f"logistic-regression/search/{division}-{k}",
                {
                    **BOTH[division],
                    "features": DRAWS.clustered(f"search/{k}", y, width, spread),
                    "labels": y,
                    "test": drawn(f"search/{k}/test", 8, width),
                },
                search,
            )
            for division in BOTH
            for k, y, width, spread in [
                ("three-classes", labels, 3, 2.0),
                ("class-in-one-fold-only", rare, 4, 2.0),
            ]
        ]
        + [
            Case(
                # Starts between equal candidates would divide by 0.
                "logistic-regression/search/equal-candidates",
                {
                    **OFFICIAL,
                    "features": DRAWS.clustered("search/equal", labels, 3, 2.0),
                    "labels": labels,
                    "test": drawn("search/equal/test", 8, 3),
                    "constants": {"candidates": [1.0, 0.125, 1.0, 8.0, 2.0]},
                },
                search,
            )
        ]
        + [
            Case(
                f"logistic-regression/search/{k}",
                {
                    **OFFICIAL,
                    "features": drawn(f"search/{k}", len(y), 2),
                    "labels": y,
                    "test": [[0.0, 0.0]],
                },
                refused,
            )
            for k, y in {
                "no-class-is-large-enough": [0, 1] * 4,
                "fold-leaves-one-class": [0, 0, 1, 0, 0, 0, 0],
            }.items()
        ],
        source="scikit-learn LogisticRegression, StratifiedKFold and f1_score",
    )
