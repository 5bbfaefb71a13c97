"""Section 10.3: logistic regression, but for the fits."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler

from biobench.spec.generator import Stream
from vectors import plain
from vectors.case import Case, Section, VectorFile, refused
from vectors.drawn import Draws

OFFICIAL = {"protocol": "logistic_regression", "division": "official"}
COMPAT = {"protocol": "logistic_regression", "division": "compat"}
BOTH = {"official": OFFICIAL, "compat": COMPAT}
DRAWS = Draws("logistic")
Matrix = np.ndarray[Any, np.dtype[np.float64]]


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


def scores(name: str, tied: bool) -> list[list[float]]:
    """Fold scores of 30 candidates: fractions as macro-F1 gives, with few values where ties are
    wanted."""
    values = Stream(17, f"vectors/logistic/{name}").integers(2 if tied else 1000, 150)
    return ((values.reshape(30, 5) + 1) / (3 if tied else 1001)).tolist()


FEATURES = DRAWS.rows("scale", 7, 4)
TALL = [[1000.0 + x for x in row] for row in DRAWS.rows("tall", 40, 2)]


def files() -> Iterator[VectorFile]:
    file = Section("logistic-regression", "10.3", "P", "logistic_regression").file

    yield file(
        "scale",
        "Mean and population deviation of each feature, and rows scaled by them.",
        [
            Case(f"logistic-regression/scale/{k}", {**OFFICIAL, "features": f, "test": t}, scale)
            for k, f, t in [
                ("drawn", FEATURES, DRAWS.rows("scale/test", 3, 4)),
                ("its-own-rows", FEATURES, FEATURES),
                ("one-row", [[1.5, -2.0]], [[1.5, -2.0], [0.0, 1.0]]),
                ("constant-feature", [[3.0, 1.0], [3.0, 2.0], [3.0, 4.0]], [[3.0, 1.0], [5.0, 7]]),
                ("all-zero-feature", [[0.0, 1.0], [0.0, 2.0]], [[0.0, 1.5], [2.0, 1.5]]),
                ("far-from-zero", TALL, TALL[:3]),
                ("tiny-spread", [[0.0], [2.0**-70], [3 * 2.0**-70]], [[2.0**-69], [0.0]]),
                ("many-rows", DRAWS.rows("many", 300, 1), DRAWS.rows("many/test", 4, 1)),
            ]
        ],
        source="scikit-learn StandardScaler and a plain loop",
    )
    yield file(
        "weights",
        "The weight of a row of each class that occurs, in ascending id.",
        [
            Case(f"logistic-regression/weights/{k}", {**OFFICIAL, "labels": v}, weights)
            for k, v in {
                "balanced": [0, 1, 1, 0],
                "unequal": [2, 0, 0, 0, 1, 1, 0],
                "class-that-does-not-occur": [0, 3, 3],
                "drawn": DRAWS.labels("weights", 40, 7),
            }.items()
        ],
        source="a plain loop",
    )
    yield file(
        "folds",
        "The fold of each row.",
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
                "drawn": DRAWS.labels("folds", 60, 4),
                "many-classes": DRAWS.labels("folds/many", 80, 15),
            }.items()
        ]
        + [
            Case(f"logistic-regression/folds/{k}", {**OFFICIAL, "labels": v}, refused)
            for k, v in {
                "no-class-is-large-enough": [0, 1, 2, 3] * 4,
                "fewer-rows-than-folds": [0, 0, 1, 1],
            }.items()
        ],
        source="scikit-learn StratifiedKFold",
    )
    pairs = {
        "all-right": ([0, 1, 2, 1], [0, 1, 2, 1]),
        "only-predicted": ([0, 0, 1], [0, 0, 2]),
        "never-predicted": ([0, 0, 1], [0, 0, 0]),
        "ids-far-apart": ([3, 3, 9, 9, 20], [9, 3, 9, 9, 1]),
        "drawn": (DRAWS.labels("score", 40, 6), DRAWS.labels("score/other", 40, 7)),
    }
    yield file(
        "fold_score",
        "Macro-F1 of a fold's predictions, over the classes that the division counts.",
        [
            Case(
                f"logistic-regression/fold-score/{division}-{k}",
                {**BOTH[division], "y_true": t, "y_pred": p},
                fold_score,
            )
            for division in BOTH
            for k, (t, p) in pairs.items()
        ],
        source="a plain loop, and scikit-learn f1_score up to the last bit",
    )
    step = [[0.5 + 0.25 * (i == j) for j in range(5)] for i in range(30)]
    yield file(
        "ranking",
        "The candidates of the protocol from best to worst, given their score in each fold.",
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
        source="a plain loop",
    )
    yield file(
        "decide",
        "The class of the largest decision value.",
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
        source="a plain loop",
    )
