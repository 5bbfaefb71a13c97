"""Sections 11.5 to 11.7: traits, user loss and groups."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, f1_score

from biobench.spec.generator import Stream
from vectors import plain
from vectors.case import Case, Section, VectorFile, refused

SECTION = Section("metrics", "11.5", "S", "metric")

CLOSE = 1e-12
"""scikit-learn adds in another order."""


def traits_f1(given: Any, items: Sequence[int]) -> float:
    """Section 11.5, on some items in their order."""
    division = given.get("division", "official")
    width, means = len(given["y_true"][0]), []
    for trait in range(width):
        truth = [given["y_true"][i][trait] for i in items]
        prediction = [given["y_pred"][i][trait] for i in items]
        values = [v for v in (0, 1) if division == "compat" or v in truth]
        f1 = []
        for v in values:
            size = truth.count(v) + prediction.count(v)
            hits = sum(t == p == v for t, p in zip(truth, prediction, strict=True))
            f1.append((2 * hits) / size if size else 0.0)
        means.append(plain.left_to_right(f1) / len(values))
    return plain.left_to_right(means) / width


def user_loss(given: Any, items: Sequence[int]) -> float:
    """Section 11.6 in fractions, by the costs of each item."""
    loss = worst = Fraction(0)
    for i in items:
        t, p = given["y_true"][i], given["y_pred"][i]
        if "poisonous" in given:
            deadly, called = t in given["poisonous"], p in given["poisonous"]
        else:
            deadly, called = given["true_poisonous"][i], given["predicted_poisonous"][i]
        if t == -1:
            loss += 10 * (p != -1)
        elif p != t:
            loss += Fraction(1, 10) if p == -1 else 1
        loss += 100 * (deadly and not called) + (called and not deadly)
        worst += (10 if t == -1 else 1) + (100 if deadly else 1)
    return float(1 - loss / worst)


def group_accuracy(given: Any, items: Sequence[int]) -> float:
    """Section 11.7."""
    shares = []
    for name in sorted({given["group"][i] for i in items}):
        mine = [i for i in items if given["group"][i] == name]
        shares.append(sum(given["y_true"][i] == given["y_pred"][i] for i in mine) / len(mine))
    return plain.left_to_right(shares) / len(shares)


METRICS: dict[str, Callable[[Any, Sequence[int]], float]] = {
    "traits_f1": traits_f1,
    "user_loss": user_loss,
    "group_accuracy": group_accuracy,
    "accuracy": lambda given, items: plain.metric("accuracy", given, items, "official"),
    "macro_f1": lambda given, items: plain.metric("macro_f1", given, items, "official"),
}


def same_traits(given: Any, output: Any) -> None:
    truth, prediction = np.array(given["y_true"]), np.array(given["y_pred"])
    assert output == {"score": traits_f1(given, range(len(truth)))}
    means = []
    for t, p in zip(truth.T, prediction.T, strict=True):
        labels = [0, 1] if given["division"] == "compat" else sorted(set(t.tolist()))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # labels that are in neither
            means.append(f1_score(t, p, labels=labels, average="macro", zero_division=0))
    assert abs(output["score"] - np.mean(means)) < CLOSE


def same_loss(given: Any, output: Any) -> None:
    assert output == {"score": user_loss(given, range(len(given["y_true"])))}


def same_groups(given: Any, output: Any) -> None:
    assert output == {"score": group_accuracy(given, range(len(given["y_true"])))}
    truth, prediction, group = (np.array(given[k]) for k in ("y_true", "y_pred", "group"))
    each = [accuracy_score(truth[group == g], prediction[group == g]) for g in set(given["group"])]
    assert abs(output["score"] - np.mean(each)) < CLOSE


def fish(name: str, sizes: list[int], items: int) -> dict[str, Any]:
    """Traits of which the first ``sizes[t]`` items of a drawn order have trait t; 4 of 5 right."""
    stream = Stream(17, f"vectors/traits/{name}")
    truth = np.stack(
        [stream.permutation(items, t * items) < size for t, size in enumerate(sizes)], axis=1
    ).astype(int)
    right = stream.integers(5, truth.size, 10_000).reshape(truth.shape) > 0
    return {"y_true": truth.tolist(), "y_pred": np.where(right, truth, 1 - truth).tolist()}


def fungi(name: str, sizes: dict[int, int]) -> dict[str, Any]:
    """Labels of as many items a class as ``sizes`` says, -1 among them, and predictions."""
    stream, n = Stream(17, f"vectors/fungi/{name}"), sum(sizes.values())
    truth = np.repeat(list(sizes), list(sizes.values()))[stream.permutation(n)]
    other = stream.integers(len(sizes) + 1, n, n) - 1
    prediction = np.where(stream.integers(10, n, 2 * n) < 6, truth, other)
    return {"y_true": truth.tolist(), "y_pred": prediction.tolist()}


def flagged(data: dict[str, Any], poisonous: list[int]) -> dict[str, Any]:
    return {
        **data,
        "true_poisonous": [t in poisonous for t in data["y_true"]],
        "predicted_poisonous": [p in poisonous for p in data["y_pred"]],
    }


def pictures(name: str, sizes: dict[str, list[int]]) -> dict[str, Any]:
    """Groups of as many items a class as ``sizes`` says, in a drawn order."""
    stream = Stream(17, f"vectors/groups/{name}")
    rows = [
        (group, label)
        for group, counts in sizes.items()
        for label, count in enumerate(counts)
        for _ in range(count)
    ]
    rows = [rows[i] for i in stream.permutation(len(rows))]
    truth = np.array([label for _, label in rows])
    prediction = np.where(stream.integers(10, len(rows), 10_000) < 7, truth, (truth + 1) % 3)
    return {
        "y_true": truth.tolist(),
        "y_pred": prediction.tolist(),
        "group": [group for group, _ in rows],
    }


def in_thirds(names: Sequence[str]) -> dict[str, Any]:
    """Groups with 1 of 1, 1 of 3 and 3 of 5 right, the last in code-point order last: the sum has
    other bits in any other order."""
    first, second, last = sorted(names)
    right = {first: (1, 1), second: (1, 3), last: (3, 5)}
    rows = [(name, i < right[name][0]) for name in names for i in range(right[name][1])]
    return {
        "y_true": [0] * len(rows),
        "y_pred": [int(not is_right) for _, is_right in rows],
        "group": [name for name, _ in rows],
    }


TRAITS: dict[str, dict[str, Any]] = {
    "all-right": {"y_true": [[0, 1], [1, 0], [1, 1]], "y_pred": [[0, 1], [1, 0], [1, 1]]},
    "all-wrong": {"y_true": [[0, 1], [1, 0]], "y_pred": [[1, 0], [0, 1]]},
    "one-item": {"y_true": [[0, 1, 1]], "y_pred": [[0, 0, 1]]},
    "trait-that-all-have": {"y_true": [[1, 0], [1, 1], [1, 0]], "y_pred": [[1, 0], [1, 1], [1, 1]]},
    "value-only-predicted": {"y_true": [[1], [1], [1]], "y_pred": [[1], [0], [1]]},
    "value-never-predicted": {"y_true": [[1], [0], [0]], "y_pred": [[0], [0], [0]]},
    "no-prediction": {"y_true": [[1, 0], [1, 1], [0, 0]], "y_pred": [[1, 0], [-2, -2], [0, 1]]},
    "nothing-predicted": {"y_true": [[1, 0], [0, 0]], "y_pred": [[-2, -2], [-2, -2]]},
    "thirds": {
        "y_true": [[0, 1, 1], [0, 0, 1], [0, 1, 0], [1, 1, 1], [1, 0, 0], [1, 1, 0]],
        "y_pred": [[0, 1, 0], [1, 1, 1], [0, 1, 0], [1, 0, 1], [0, 0, 1], [1, 1, 1]],
    },
    "nine-traits": fish("nine", [30, 20, 10, 5, 1, 0, 33, 28, 40], 40),
}
LOSSES: dict[str, tuple[list[int], list[int], list[int]]] = {
    "all-right": ([0, 1, -1], [0, 1, -1], [1]),
    "wrong-known": ([0, 1, 2], [1, 2, 2], []),
    "known-called-unknown": ([0, 1, 2], [-1, -1, 2], []),
    "unknown-called-known": ([-1, 0, -1], [0, 0, -1], []),
    "poisonous-called-edible": ([3, 0, 1], [0, 0, 1], [3]),
    "edible-called-poisonous": ([0, 0, 1], [3, 0, 1], [3]),
    "poisonous-called-unknown": ([3, 0], [-1, 0], [3]),
    "poisonous-called-another-poisonous": ([3, 4, 0], [4, 4, 0], [3, 4]),
    "unknown-called-poisonous": ([-1, 0], [3, 0], [3]),
    "no-unknown": ([0, 1, 2, 3], [0, 2, 2, 0], [3]),
    "no-poisonous": ([0, -1, 2, 3], [0, 2, -1, 0], []),
    "poisonous-that-nobody-has": ([0, 1], [0, 0], [7]),
    "only-unknown": ([-1, -1], [-1, 4], [4]),
    "worst": ([3, 0, -1], [0, 3, 3], [3]),
    "unreadable": ([-1, 0, 3, 1], [-2, -2, -2, 1], [3]),
}


def files() -> Iterator[VectorFile]:
    yield SECTION.file(
        "traits_f1",
        "Macro-F1 of the values of each trait, averaged over the traits.",
        [
            Case(f"traits-f1/{division}/{name}", {"division": division, **given}, same_traits)
            for division in ("official", "compat", "open")
            for name, given in TRAITS.items()
            if division != "open" or name == "trait-that-all-have"
        ]
        + [
            Case(f"traits-f1/error/{name}", {"division": "official", **given}, refused)
            for name, given in [
                ("no-item", {"y_true": [], "y_pred": []}),
                ("other-items", {"y_true": [[0], [1]], "y_pred": [[0]]}),
                ("other-traits", {"y_true": [[0, 1]], "y_pred": [[0]]}),
                ("more-traits", {"y_true": [[0, 1]], "y_pred": [[0, 1, 1]]}),
                ("items-of-unequal-traits", {"y_true": [[0, 1], [0]], "y_pred": [[0, 1], [0]]}),
                ("classes", {"y_true": [0, 1], "y_pred": [0, 1]}),
                ("truth-of-two", {"y_true": [[0, 2]], "y_pred": [[0, 1]]}),
            ]
        ],
        source="scikit-learn f1_score and a plain loop",
    )
    mixed = fungi("mixed", {-1: 9, 0: 12, 1: 5, 2: 7, 3: 1})
    yield SECTION.file(
        "user_loss",
        "The share of the worst loss that is avoided; unknown, poisonous and unreadable items.",
        [
            Case(
                f"user-loss/{name}",
                {"y_true": truth, "y_pred": prediction, "poisonous": poisonous},
                same_loss,
            )
            for name, (truth, prediction, poisonous) in LOSSES.items()
        ]
        + [Case("user-loss/drawn", {**mixed, "poisonous": [1, 3]}, same_loss)]
        + [
            Case(
                f"user-loss/error/{name}",
                {"y_true": truth, "y_pred": prediction, "poisonous": poisonous},
                refused,
            )
            for name, truth, prediction, poisonous in [
                ("no-item", [], [], []),
                ("unequal-lengths", [0, 1], [0], []),
                ("truth-below-minus-one", [0, -2], [0, 0], []),
                ("unknown-as-poisonous", [0, 1], [0, 1], [-1]),
            ]
        ],
        source="the costs of each item in fractions",
        number="11.6",
    )
    yield SECTION.file(
        "group_accuracy",
        "The mean of the groups' accuracies, groups in code-point order.",
        [
            Case(f"group-accuracy/{name}", given, same_groups)
            for name, given in {
                "one-group": {"y_true": [0, 1, 1], "y_pred": [0, 0, 1], "group": ["a"] * 3},
                "groups-weigh-alike": {
                    "y_true": [0, 0, 0, 0, 1], "y_pred": [0, 0, 0, 0, 0], "group": [*"xxxxy"],
                },
                "one-item-each": {"y_true": [0, 1, 0], "y_pred": [0, 0, 0], "group": [*"cab"]},
                "code-points": {
                    "y_true": [0, 1, 0, 1, 0, 1, 1], "y_pred": [0, 0, 0, 1, 1, 0, 1],
                    "group": ["\u00e9", "z", "Z", "z", "\U0001f41f", "\uff5e", "z"],
                },
                "no-prediction": {"y_true": [0, 0, 1], "y_pred": [-2, 0, 1], "group": [*"bab"]},
                "not-by-appearance": in_thirds(["8", "10", "9"]),
                "names-are-no-numbers": in_thirds(["10", "9", "8"]),
                "code-points-beyond-the-basic-plane": in_thirds(["z", "\ufb33", "\U0001f41f"]),
                "drawn": pictures("drawn", {"b": [5, 4], "c": [3, 3, 3], "a": [7, 1]}),
            }.items()
        ]
        + [
            Case(
                "group-accuracy/error/no-item",
                {"y_true": [], "y_pred": [], "group": []},
                refused,
            ),
            Case(
                "group-accuracy/error/groups-of-other-items",
                {"y_true": [0, 1], "y_pred": [0, 1], "group": ["a"]},
                refused,
            ),
        ],
        source="scikit-learn accuracy_score and a plain loop", number="11.7",
    )  # fmt: skip
