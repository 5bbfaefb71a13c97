"""Section 10.3: logistic regression."""

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

from biobench.spec.generator import Stream
from vectors import plain
from vectors.case import Case, VectorFile
from vectors.metrics import refused

OFFICIAL = {"protocol": "logistic_regression", "division": "official"}
COMPAT = {"protocol": "logistic_regression", "division": "compat"}
BOTH = {"official": OFFICIAL, "compat": COMPAT}
Matrix = np.ndarray[Any, np.dtype[np.float64]]


def drawn(name: str, rows: int, width: int) -> list[list[float]]:
    """Multiples of 2^-10 in [-2, 2), which float32 holds exactly."""
    values = Stream(17, f"vectors/logistic/{name}").integers(4096, rows * width) - 2048
    return (values.reshape(rows, width) / 1024).tolist()


def labelled(name: str, rows: int, classes: int) -> list[int]:
    """Every class first once, then drawn."""
    more = Stream(17, f"vectors/logistic/{name}/labels").integers(classes, rows - classes)
    return [*range(classes), *more.tolist()]


def clustered(name: str, labels: list[int], width: int, spread: float) -> list[list[float]]:
    """Rows around a centre of their class; ``spread`` is a power of two."""
    centres = drawn(f"{name}/centres", max(labels) + 1, width)
    noise = drawn(name, len(labels), width)
    return [
        [c + spread * x for c, x in zip(centres[label], row, strict=True)]
        for label, row in zip(labels, noise, strict=True)
    ]


def scale(given: Any, output: Any) -> None:
    """The plain loop word for word, and scikit-learn's scaler up to the last bits."""
    columns = list(zip(*given["features"], strict=True))
    means = [plain.left_to_right(column) / len(column) for column in columns]
    deviations = [
        math.sqrt(plain.left_to_right([(x - m) * (x - m) for x in column]) / len(column)) or 1.0
        for m, column in zip(means, columns, strict=True)
    ]
    rows = [
        [(x - m) / s for x, m, s in zip(row, means, deviations, strict=True)]
        for row in given["test"]
    ]
    assert output == {"mean": means, "deviation": deviations, "rows": rows}
    theirs = StandardScaler().fit(np.array(given["features"]))
    assert np.allclose(theirs.transform(np.array(given["test"])), rows, rtol=1e-9, atol=1e-12)


def weights(given: Any, output: Any) -> None:
    labels = given["labels"]
    classes = sorted(set(labels))
    expected = [len(labels) / (len(classes) * labels.count(c)) for c in classes]
    assert output == {"classes": classes, "weights": expected}


def folds(given: Any, output: Any) -> None:
    labels, count = given["labels"], plain.constants(**given_protocol(given))["folds"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        parts = list(StratifiedKFold(count).split(np.zeros(len(labels)), labels))
    for fold, (_, held) in enumerate(parts):
        assert [i for i, f in enumerate(output["folds"]) if f == fold] == held.tolist()


def given_protocol(given: Any) -> dict[str, str]:
    return {"protocol": given["protocol"], "division": given["division"]}


def fold_score(given: Any, output: Any) -> None:
    truth, predicted = given["y_true"], given["y_pred"]
    if given["division"] == "official":
        assert output == {"score": plain.macro_f1(truth, predicted, "official")}
    else:
        theirs = f1_score(truth, predicted, average="macro", zero_division=0.0)
        assert math.isclose(output["score"], theirs, rel_tol=1e-15)


def ranking(given: Any, output: Any) -> None:
    constants = plain.constants(**given_protocol(given))
    means = [plain.left_to_right(row) / len(row) for row in given["scores"]]
    places = list(range(len(means)))
    if constants["search_tie"] == "smallest":
        places.sort(key=lambda i: constants["candidates"][i])
    places.sort(key=lambda i: -means[i])
    assert output == {"means": means, "ranking": [constants["candidates"][i] for i in places]}


def decide(given: Any, output: Any) -> None:
    assert output == {"classes": [row.index(max(row)) for row in given["decisions"]]}


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
    """Whether no decision is so close that a fit within the tolerance could turn it."""
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
    constants = plain.constants(**given_protocol(given))
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
    """What :func:`fit` compares beyond the predictions, which a search does not answer."""
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


def scores(name: str, tied: bool) -> list[list[float]]:
    """Fold scores of 30 candidates: fractions as macro-F1 gives, with few values where ties are
    wanted."""
    values = Stream(17, f"vectors/logistic/{name}").integers(2 if tied else 1000, 150)
    return ((values.reshape(30, 5) + 1) / (3 if tied else 1001)).tolist()


FEATURES = drawn("scale", 7, 4)
TALL = [[1000.0 + x for x in row] for row in drawn("tall", 40, 2)]


def exact_files() -> Iterator[VectorFile]:
    def file(name: str, about: str, source: str, cases: list[Case]) -> VectorFile:
        return VectorFile(
            "logistic-regression", name, "10.3", "P", f"logistic_regression.{name}", about, cases,
            source=source,
        )  # fmt: skip

    yield file(
        "scale",
        "Mean and population deviation of each feature, and rows scaled by them.",
        "scikit-learn StandardScaler and a plain loop",
        [
            Case(f"logistic-regression/scale/{k}", {**OFFICIAL, "features": f, "test": t}, scale)
            for k, f, t in [
                ("drawn", FEATURES, drawn("scale/test", 3, 4)),
                ("its-own-rows", FEATURES, FEATURES),
                ("one-row", [[1.5, -2.0]], [[1.5, -2.0], [0.0, 1.0]]),
                ("constant-feature", [[3.0, 1.0], [3.0, 2.0], [3.0, 4.0]], [[3.0, 1.0], [5.0, 7]]),
                ("all-zero-feature", [[0.0, 1.0], [0.0, 2.0]], [[0.0, 1.5], [2.0, 1.5]]),
                ("far-from-zero", TALL, TALL[:3]),
                ("many-rows", drawn("many", 300, 1), drawn("many/test", 4, 1)),
            ]
        ],
    )
    yield file(
        "weights",
        "The weight of a row of each class that occurs, in ascending id.",
        "a plain loop",
        [
            Case(f"logistic-regression/weights/{k}", {**OFFICIAL, "labels": v}, weights)
            for k, v in {
                "balanced": [0, 1, 1, 0],
                "unequal": [2, 0, 0, 0, 1, 1, 0],
                "class-that-does-not-occur": [0, 3, 3],
                "drawn": labelled("weights", 40, 7),
            }.items()
        ],
    )
    yield file(
        "folds",
        "The fold of each row.",
        "scikit-learn StratifiedKFold",
        [
            Case(f"logistic-regression/folds/{k}", {**OFFICIAL, "labels": v}, folds)
            for k, v in {
                "two-equal-classes": [0, 1] * 5,
                "in-blocks": [0] * 6 + [1] * 5,
                "blocks-in-descending-id": [1] * 6 + [0] * 5,
                "first-row-decides-the-order": [2, *[0] * 7, *[1] * 4, 2, 2],
                "class-smaller-than-folds": [0] * 11 + [1] * 3,
                "single-row-of-a-class": [1, *[0] * 9],
                "single-row-last": [*[0] * 9, 1],
                "fewest-rows": [0] * 5,
                "drawn": labelled("folds", 60, 4),
                "many-classes": labelled("folds/many", 80, 15),
            }.items()
        ]
        + [
            Case(f"logistic-regression/folds/{k}", {**OFFICIAL, "labels": v}, refused)
            for k, v in {
                "no-class-is-large-enough": [0, 1, 2, 3] * 4,
                "fewer-rows-than-folds": [0, 0, 1, 1],
            }.items()
        ],
    )
    pairs = {
        "all-right": ([0, 1, 2, 1], [0, 1, 2, 1]),
        "only-predicted": ([0, 0, 1], [0, 0, 2]),
        "never-predicted": ([0, 0, 1], [0, 0, 0]),
        "ids-far-apart": ([3, 3, 9, 9, 20], [9, 3, 9, 9, 1]),
        "drawn": (labelled("score", 40, 6), labelled("score/other", 40, 7)),
    }
    yield file(
        "fold_score",
        "Macro-F1 of a fold's predictions, over the classes that the division counts.",
        "a plain loop, and scikit-learn f1_score up to the last bit",
        [
            Case(
                f"logistic-regression/fold-score/{division}-{k}",
                {**BOTH[division], "y_true": t, "y_pred": p},
                fold_score,
            )
            for division in BOTH
            for k, (t, p) in pairs.items()
        ],
    )
    step = [[0.5 + 0.25 * (i == j) for j in range(5)] for i in range(30)]
    yield file(
        "ranking",
        "The candidates of the protocol from best to worst, given their score in each fold.",
        "a plain loop",
        [
            Case(
                f"logistic-regression/ranking/{division}-{k}",
                {**BOTH[division], "scores": v},
                ranking,
            )
            for division in BOTH
            for k, v in {
                "all-equal": [[0.5] * 5] * 30,
                "five-best": step,
                "drawn": scores("ranking", tied=False),
                "drawn-with-ties": scores("ranking/tied", tied=True),
                # 0.1 + 0.2 + 0.3 and 0.3 + 0.2 + 0.1 are two numbers.
                "order-of-sums": [[0.1, 0.2, 0.3, 0, 0], [0.3, 0.2, 0.1, 0, 0]] * 15,
            }.items()
        ],
    )
    yield file(
        "decide",
        "The class of the largest decision value.",
        "a plain loop",
        [
            Case(
                "logistic-regression/decide/ties",
                {
                    **OFFICIAL,
                    "decisions": [[0, 0, 0], [1, 2, 2], [-1, -3, -1], [0.5, 0.25, 0.5], [1, 2, 3]],
                },
                decide,
            )
        ],
    )


def fitted_files() -> Iterator[VectorFile]:
    def file(
        name: str, about: str, source: str, cases: list[Case], tolerance: dict[str, Any]
    ) -> VectorFile:
        return VectorFile(
            "logistic-regression-fits", name, "10.3", "T", f"logistic_regression.{name}", about,
            cases, source=source, tolerance=tolerance,
        )  # fmt: skip

    labels = labelled("gradient", 12, 3)
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
        "plain loops",
        [
            Case(f"logistic-regression/gradient/{k}", {**OFFICIAL, **v}, gradient)
            for k, v in {
                "away-from-the-optimum": {**point, "C": 0.25},
                "weak-penalty": {**point, "C": 1000.0},
                "at-zero": {**point, "weight": [[0.0] * 2] * 3, "intercept": [0.0] * 3, "C": 1.0},
                "just-within": near_the_tolerance(0.999),
                "just-without": near_the_tolerance(1.001),
                "just-without-below-zero": near_the_tolerance(-1.001),
            }.items()
        ],
        {"/gradient": {"absolute": 1e-13}},
    )
    three, two = labelled("fit", 40, 3), labelled("fit/two", 24, 2)
    cases = {
        "three-classes": (clustered("fit", three, 4, 1.0), three, 1.0, 4),
        "strong-penalty": (clustered("fit", three, 4, 1.0), three, 0.001, 4),
        "weak-penalty": (clustered("fit", three, 4, 1.0), three, 10.0, 4),
        "two-classes": (clustered("fit/two", two, 3, 1.0), two, 0.5, 3),
        "more-features-than-rows": (drawn("fit/wide", 9, 12), [0, 1, 2] * 3, 0.1, 12),
        "single-row-of-a-class": (drawn("fit/single", 9, 2), [0, 0, 1, 1, 1, 4, 0, 1, 0], 0.3, 2),
        "constant-feature": (
            [[*row, 2.5] for row in drawn("fit/constant", 10, 2)], [0, 1] * 5, 1.0, 3,
        ),
        "unscaled-features": (
            [[1000 * a, b / 1024] for a, b in clustered("fit/units", [0, 1, 2] * 6, 2, 1.0)],
            [0, 1, 2] * 6, 0.7, 2,
        ),
    }  # fmt: skip
    yield file(
        "fit",
        "The fit with a given C on raw features: weights and intercepts over the scaled features, "
        "and predictions.",
        "scikit-learn LogisticRegression (newton-cg) behind StandardScaler",
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
        {"/weight": {"absolute": 1e-5}, "/intercept": {"absolute": 1e-5}},
    )
    labels = labelled("search", 45, 3)
    rare = [*labelled("search/rare", 40, 3), 3]
    yield file(
        "search",
        "The whole protocol: the score of each candidate in each fold, the C that is taken, and "
        "the predictions of the fit on all rows.",
        "scikit-learn LogisticRegression, StratifiedKFold and f1_score",
        [
            Case(
                f"logistic-regression/search/{division}-{k}",
                {
                    **BOTH[division],
                    "features": clustered(f"search/{k}", y, width, spread),
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
        {"/scores": {"absolute": 1e-12}},
    )


def files() -> Iterator[VectorFile]:
    yield from exact_files()
    yield from fitted_files()
