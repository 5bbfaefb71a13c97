"""Sections 11.1 to 11.4: macro-F1, accuracy, top-k and average precision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, average_precision_score, f1_score

from biobench.spec.generator import Stream
from vectors import plain
from vectors.case import Case, Section, VectorFile, refused

SECTION = Section("metrics", "11.1", "S", "metric")

CLOSE = 1e-12
"""scikit-learn adds in another order."""


def drawn(name: str, count: int, below: int, share: int) -> tuple[list[int], list[int]]:
    """Truth and prediction of ``count`` items; about ``share`` of ten are right."""
    stream = Stream(17, f"vectors/metrics/{name}")
    truth, other = stream.integers(below, count), stream.integers(below, count, count)
    right = stream.integers(10, count, 2 * count) < share
    return truth.tolist(), np.where(right, truth, other).tolist()


LABELS: dict[str, tuple[list[int], list[int]]] = {
    "all-right": ([0, 1, 2, 1], [0, 1, 2, 1]),
    "all-wrong": ([0, 0, 1, 2], [1, 2, 0, 0]),
    "one-item": ([3], [3]),
    "absent-class": ([0, 0, 2, 2, 2], [0, 2, 2, 2, 0]),
    "predicted-class-absent-from-truth": ([0, 0, 1, 1], [0, 0, 1, 7]),
    "class-never-predicted": ([0, 1, 1, 2, 2, 2], [0, 1, 1, 1, 0, 1]),
    "truth-with-large-ids": ([4, 9, 9, 4, 900], [4, 9, 4, 4, 9]),
    "no-prediction": ([0, 0, 1, 2], [0, -1, 1, -2]),
    "no-prediction-at-all": ([0, 1, 1], [-1, -1, -2]),
    "one-class": ([5, 5, 5, 5], [5, 5, 6, -1]),
    "thirds": ([0, 0, 0, 1, 1, 1, 2, 2, 2], [0, 1, 2, 1, 1, 0, 2, 0, 1]),
    # As text 10 would come before 9, and its share be added first.
    "ids-are-no-text": (
        [9, *[10] * 3, *[100] * 5],
        [9, 10, 100, 100, 100, 100, 100, 10, 10],
    ),
    "many-classes": drawn("many-classes", 180, 60, 5),
    "few-right": drawn("few-right", 90, 40, 1),
}


def f1(given: Any, output: Any) -> str | None:
    truth, prediction, division = given["y_true"], given["y_pred"], given["division"]
    ids = sorted(set(truth))
    if division == "compat":
        ids = list(range(max(*truth, *prediction) + 1))
    theirs = f1_score(truth, prediction, labels=ids, average="macro", zero_division=0)
    assert abs(output["score"] - theirs) < CLOSE, theirs
    assert output["score"] == plain.macro_f1(truth, prediction, division)


def shares(given: Any, output: Any) -> None:
    theirs = accuracy_score(given["y_true"], given["y_pred"])
    assert abs(output["score"] - theirs) < CLOSE, theirs
    assert output["score"] == plain.accuracy(given["y_true"], given["y_pred"])


def top(given: Any, output: Any) -> None:
    assert output["score"] == plain.top_k(given["first_hit"], given["k"])


def precision(given: Any, output: Any) -> None:
    relevant, count = given["relevant"], given["n_relevant"]
    assert output["average_precision"] == plain.average_precision(relevant, count)
    if count and count == sum(relevant):
        theirs = average_precision_score(relevant, -np.arange(len(relevant)))
        assert abs(output["average_precision"] - theirs) < CLOSE, theirs


def labels(truth: Sequence[int], prediction: Sequence[int]) -> dict[str, Any]:
    return {"y_true": list(truth), "y_pred": list(prediction)}


def files() -> Iterator[VectorFile]:
    yield SECTION.file(
        "macro_f1",
        "Macro-F1 with absent classes, items without a prediction, and sums in ascending id.",
        [
            Case(f"macro-f1/{division}/{name}", {"division": division, **labels(*pair)}, f1)
            for division in ("official", "compat", "open")
            for name, pair in LABELS.items()
            if division != "open" or name in ("absent-class", "thirds")
        ]
        + [
            Case(f"macro-f1/error/{name}", {"division": division, **labels(*pair)}, refused)
            for division, name, pair in [
                ("official", "no-item", ([], [])),
                ("official", "unequal-lengths", ([0, 1], [0])),
                ("official", "truth-below-zero", ([-1, 0], [-1, 0])),
                ("compat", "compat-truth-below-zero", ([-1, 0], [0, 0])),
                ("official", "fewer-truths", ([0], [0, 1])),
                ("official", "traits", ([[0, 1]], [[0, 1]])),
            ]
        ],
        source="scikit-learn f1_score and a plain loop",
    )
    more = {"unknown-class": ([-1, -1, 0, 1], [-1, 0, -1, 1]), "unreadable": ([-1, 0], [-2, -2])}
    yield SECTION.file(
        "accuracy",
        "Right predictions over items.",
        [
            Case(f"accuracy/{name}", labels(*pair), shares)
            for name, pair in {**LABELS, **more}.items()
            if name not in ("truth-with-large-ids", "all-wrong", "class-never-predicted")
        ]
        + [
            Case("accuracy/error/no-item", labels([], []), refused),
            Case("accuracy/error/unequal-lengths", labels([0], [0, 0]), refused),
            Case("accuracy/error/traits", {"y_true": [[0, 1]], "y_pred": [[0, 1]]}, refused),
        ],
        source="scikit-learn accuracy_score and a plain loop",
        number="11.2",
    )
    ranks = [1, 5, 6, 0, 2, 1, 40]
    yield SECTION.file(
        "top_k",
        "Queries whose first right row is among the first k; rank 0 is none.",
        [
            Case(f"top-k/{name}", {"first_hit": first_hit, "k": k}, top)
            for name, first_hit, k in [
                ("one", ranks, 1),
                ("five", ranks, 5),
                ("six", ranks, 6),
                ("beyond-the-list", ranks, 1000),
                ("no-hit-at-all", [0, 0, 0], 5),
                ("one-query", [3], 3),
            ]
        ]
        + [
            Case(f"top-k/error/{name}", {"first_hit": first_hit, "k": k}, refused)
            for name, first_hit, k in [
                ("no-query", [], 1),
                ("negative-rank", [-1, 2], 1),
                ("k-of-zero", [1], 0),
            ]
        ],
        source="a plain loop",
        number="11.3",
    )
    flags = {
        "first": [1, 0, 0, 0],
        "last": [0, 0, 0, 1],
        "all": [1, 1, 1],
        "thirds": [0, 1, 0, 0, 1, 1, 0, 1],
        "sevenths": [0, 0, 0, 0, 0, 0, 1, 1, 0, 1],
    }
    many = Stream(17, "vectors/metrics/relevant").integers(3, 70).tolist()
    flags["many"] = [int(v == 0) for v in many]
    yield SECTION.file(
        "average_precision",
        "Average precision of one ranked list, with relevant rows outside it and without any.",
        [
            Case(
                f"average-precision/{name}",
                {"relevant": [bool(f) for f in row], "n_relevant": sum(row)},
                precision,
            )
            for name, row in flags.items()
        ]
        + [
            Case(f"average-precision/{name}", {"relevant": row, "n_relevant": count}, check)
            for name, row, count, check in [
                ("unlisted-relevant-row", [False, True], 2, precision),
                ("nothing-relevant", [False, False, False], 0, precision),
                ("no-row", [], 0, precision),
                ("no-row-but-relevant-ones", [], 3, precision),
                ("error/more-found-than-exist", [True, True], 1, refused),
                ("error/fewer-than-none", [], -1, refused),
            ]
        ],
        source="scikit-learn average_precision_score and a plain loop",
        number="11.4",
    )
