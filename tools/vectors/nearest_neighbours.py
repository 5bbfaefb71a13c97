"""Section 10.2: nearest neighbours."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.neighbors import KNeighborsClassifier

from biobench.spec.generator import Stream
from vectors import plain
from vectors.case import Case, Section, VectorFile, refused
from vectors.drawn import Draws

SECTION = Section("nearest-neighbours", "10.2", "P", "knn")

OFFICIAL = {"protocol": "knn", "division": "official"}
COMPAT = {"protocol": "knn", "division": "compat"}


def scaled(features: list[list[float]], normalise: str) -> list[list[float]]:
    if normalise == "none":
        return features
    norms = [math.sqrt(plain.left_to_right([x * x for x in row])) for row in features]
    return [[x / norm for x in row] for row, norm in zip(features, norms, strict=True)]


def distance(a: list[float], b: list[float]) -> float:
    return plain.left_to_right([(x - y) * (x - y) for x, y in zip(a, b, strict=True)])


def ranking(given: Any, output: Any) -> None:
    """The whole output, word for word."""
    assert np.array_equal(np.array(given["features"], np.float32), given["features"])
    constants = plain.constants("knn", given["division"])
    rows, labels = scaled(given["features"], constants["normalise"]), given["labels"]
    listed = constants["listed_neighbours"]
    expected: dict[str, list[Any]] = {
        name: [] for name in ("y_pred", "neighbours", "first_hit", "average_precision")
    }
    for query in given.get("scored", range(len(rows))):
        others = [i for i in range(len(rows)) if i != query]
        others.sort(key=lambda i: (distance(rows[query], rows[i]), i))
        nearest = [labels[i] for i in others[: constants["k"]]]
        relevant = [labels[i] == labels[query] for i in others]
        expected["y_pred"].append(min(nearest, key=lambda c: (-nearest.count(c), c)))
        expected["neighbours"].append((others + [-1] * listed)[:listed])
        expected["first_hit"].append(relevant.index(True) + 1 if any(relevant) else 0)
        precision = plain.average_precision(relevant, sum(relevant))
        expected["average_precision"].append(precision)
    assert output == expected, expected


def classified(given: Any, output: Any) -> None:
    """Drawn rows have no ties: scikit-learn's classifier must agree too."""
    ranking(given, output)
    constants = plain.constants("knn", given["division"])
    features, labels = np.array(given["features"]), np.array(given["labels"])
    if constants["normalise"] == "l2":
        features = features / np.linalg.norm(features, axis=1, keepdims=True)
    for place, query in enumerate(given.get("scored", range(len(labels)))):
        rest = np.arange(len(labels)) != query
        theirs = KNeighborsClassifier(constants["k"], algorithm="brute")
        theirs.fit(features[rest], labels[rest])
        assert theirs.predict(features[query : query + 1])[0] == output["y_pred"][place]


def exact(given: Any, output: Any) -> None:
    normalise = plain.constants("knn", given["division"])["normalise"]
    rows = scaled(given["features"], normalise)
    assert output == {"distances": [distance(rows[given["query"]], row) for row in rows]}


DRAWS = Draws("nearest")


def labelled(name: str, rows: int, classes: int) -> list[int]:
    return Stream(17, f"vectors/nearest/{name}/labels").integers(classes, rows).tolist()


def files() -> Iterator[VectorFile]:
    half, tiny, small = 2.0**-27, 2.0**-30, 2.0**-140
    far = [[9.0, 9.0], [9.0, -9.0], [-9.0, 9.0], [-9.0, -9.0]]
    line = [[0.0], [1.0], [2.0], [3.0], [4.0], [5.0], [60.0]]
    twelve = DRAWS.rows("doubled", 12, 3)
    official: dict[str, dict[str, Any]] = {
        "directions-and-not-lengths": {
            "features": [[1, 0], [9, 1], [1.25, 0.75], [0, 3], [1, 9]],
            "labels": [0, 0, 1, 1, 2],
        },
        "equal-distances-by-row": {
            "features": [[1, 0], [0, -1], [0, 1], [0, 2], [-1, 0]],
            "labels": [0, 2, 1, 1, 0],
        },
        "duplicates-at-other-lengths": {
            "features": [[1, 2], [2, 4], [4, 8], [2, 1], [0.5, 1]],
            "labels": [0, 1, 0, 1, 1],
        },
        "nearest-has-the-larger-id": {
            "features": [[1, 0], [8, 1], [4, 1], [0, 1]],
            "labels": [1, 1, 0, 0],
        },
        "fewer-rows-than-are-listed": {"features": [[1, 0], [0, 1], [1, 1]], "labels": [0, 0, 1]},
        "two-rows": {"features": [[3, 4], [5, 12]], "labels": [0, 1]},
        "class-of-one-row-is-a-neighbour": {
            "features": [[1, 0], [16, 1], [0, 1], [1, 8], [-1, 0]],
            "labels": [0, 1, 2, 2, 0],
            "scored": [0, 2, 3, 4],
        },
        "nothing-to-find": {
            "features": [[1, 0], [1, 1], [0, 1]],
            "labels": [0, 1, 2],
            "scored": [1],
        },
        "subnormal-rows": {
            "features": [[small, 0], [0, small], [3 * small, small], [2.0**100, 2.0**126]],
            "labels": [0, 1, 0, 1],
        },
        "doubled-rows": {"features": twelve + twelve, "labels": labelled("doubled", 24, 4)},
    }
    compat: dict[str, dict[str, Any]] = {
        "lengths-count": {
            "features": [[1, 0], [9, 1], [1.25, 0.75], [0, 3], [1, 9], [2, 0]],
            "labels": [0, 0, 1, 1, 2, 2],
        },
        "zeros-are-rows": {
            "features": [[0, 0], [0, 0], [1, 1], [0, 1], [1, 0], [2, 2]],
            "labels": [0, 1, 0, 1, 1, 0],
        },
        "tied-vote-to-the-smallest-id": {
            "features": line,
            "labels": [4, 3, 3, 1, 1, 2, 0],
            "scored": [0],
        },
        "tied-vote-of-longer-ids": {
            "features": line,
            "labels": [0, 10, 10, 2, 2, 100, 9],
            "scored": [0],
        },
        "tied-vote-of-five": {
            "features": line,
            "labels": [0, 10, 11, 9, 100, 12, 9],
            "scored": [0],
        },
        "five-different-labels": {
            "features": line,
            "labels": [6, 5, 4, 3, 2, 1, 0],
            "scored": [0, 6],
        },
        "majority-beats-the-nearest": {
            "features": line,
            "labels": [0, 1, 2, 2, 3, 2, 1],
            "scored": [0],
        },
        "sixth-row-has-no-vote": {
            "features": line,
            "labels": [0, 2, 2, 1, 1, 3, 1],
            "scored": [0],
        },
        "smallest-gallery": {"features": line[:6], "labels": [0, 0, 1, 1, 1, 0]},
        "sums-run-in-index-order": {
            "features": [[0] * 5, [1, 1, 1, 1, 2.0**27], [2.0**27, 1, 1, 1, 1]]
            + [[3e8 * (i + 1)] * 5 for i in range(4)],
            "labels": [0, 0, 1, 1, 2, 2, 0],
            "scored": [0],
        },
        "no-fused-multiply-add": {
            "features": [[0, tiny], [half, 1], [0, 1], *far],
            "labels": [0, 0, 1, 1, 2, 2, 0],
            "scored": [0],
        },
        "distances-in-float64": {
            "features": [[0, 0], [1, 2.0**-13], [1, 0], *far],
            "labels": [0, 0, 1, 1, 2, 2, 0],
            "scored": [0],
        },
    }
    wrong: dict[str, dict[str, Any]] = {
        "official-zero-norm": {
            **OFFICIAL, "features": [[1, 0], [0, 0], [0, 1]], "labels": [0, 0, 1],
        },
        "official-one-row": {**OFFICIAL, "features": [[1, 0]], "labels": [0]},
        "compat-five-rows": {**COMPAT, "features": line[:5], "labels": [0, 0, 1, 1, 1]},
        "no-scored-row": {**OFFICIAL, "features": line, "labels": [0] * 7, "scored": []},
    }  # fmt: skip
    many = {"features": DRAWS.rows("many", 40, 6), "labels": labelled("many", 40, 7)}
    part = {"features": DRAWS.rows("part", 30, 9), "labels": labelled("part", 30, 3)}
    part["scored"] = [0, 3, 4, 17, 29]
    yield SECTION.file(
        "predict",
        "Predictions and extras: ties, duplicates, small galleries, rounding, both divisions.",
        [Case(f"knn/official/{k}", {**OFFICIAL, **v}, ranking) for k, v in official.items()]
        + [Case(f"knn/compat/{k}", {**COMPAT, **v}, ranking) for k, v in compat.items()]
        + [Case(f"knn/error/{name}", value, refused) for name, value in wrong.items()]
        + [
            Case(f"knn/{division['division']}/{name}", {**division, **value}, classified)
            for division in (OFFICIAL, COMPAT)
            for name, value in {"forty-rows": many, "some-queries": part}.items()
        ],
        source="scikit-learn KNeighborsClassifier and a plain loop",
    )
    rows = DRAWS.rows("distances", 6, 17)
    thirds = [[1 / 3, 2 / 3, 1], [0.1, 0.2, 0.3], [1e-3, 1e3, 0.5], [-1 / 3, 5, 7]]
    float32 = np.array(thirds, np.float32).astype(np.float64).tolist()
    yield SECTION.file(
        "distances",
        "The distances of one query to every row, itself included, to the bit.",
        [
            Case(f"knn-distances/{d['division']}/{name}", {**d, "features": f, "query": q}, exact)
            for d in (OFFICIAL, COMPAT)
            for name, f, q in [("seventeen-features", rows, 2), ("thirds", float32, 0)]
        ]
        + [
            Case(
                "knn-distances/compat/fused-products-differ",
                {**COMPAT, "features": [[0, tiny], [half, 1], [0, 1]], "query": 0},
                exact,
            )
        ],
        source="a plain loop",
    )
