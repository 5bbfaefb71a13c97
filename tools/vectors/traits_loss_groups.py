"""Sections 11.5 to 11.7, and 12 for them: traits, user loss and groups, with their strata."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, f1_score

from biobench.spec.generator import Stream
from vectors import plain
from vectors.case import Case, VectorFile
from vectors.metrics import refused

CLOSE = 1e-12
"""scikit-learn adds in another order."""
LOOP = "a plain loop over the drawn items"


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


def strata(given: Any) -> list[Any]:
    """Section 12: what an item has in common with its stratum, in the order of strata."""
    if isinstance(given["y_true"][0], list):
        return [0] * len(given["y_true"])
    if "group" in given:
        return list(zip(given["group"], given["y_true"], strict=True))
    return list(given["y_true"])


def drawn_items(given: Any, count: int) -> list[list[int]]:
    words, keys = plain.Words(f"bootstrap/{given['task']}"), strata(given)
    n = len(keys)
    order = sorted(range(n), key=lambda i: (keys[i], i))
    begins = [sum(key < keys[i] for key in keys) for i in order]
    sizes = [keys.count(keys[i]) for i in order]
    return [
        [order[begins[p] + words.below(sizes[p], r * n + p)] for p in range(n)]
        for r in range(count)
    ]


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


def same_items(given: Any, output: Any) -> None:
    assert output == {"items": drawn_items(given, given["replicates"])}


def same_replicates(given: Any, output: Any) -> None:
    score = METRICS[given["metric"]]
    assert output == {
        "values": [score(given, items) for items in drawn_items(given, given["replicates"])]
    }


def no_interval(given: Any, output: Any) -> None:
    score = METRICS[given["metric"]](given, range(len(given["y_true"])))
    assert output == {"score": score, "interval": None, "metrics": {given["metric"]: score}}


def same_end(given: Any, output: Any) -> None:
    """The whole result of a task."""
    score, constants = METRICS[given["metric"]], plain.SUITE["interval"]
    found = [score(given, items) for items in drawn_items(given, constants["replicates"])]
    low, high = plain.bounds(found, constants["confidence"])
    value = score(given, range(len(given["y_true"])))
    if given["metric"] == "traits_f1":
        columns = [list(column) for column in zip(*given["y_true"], strict=True)]
        least = min(column.count(v) for column in columns for v in set(column))
    else:
        least = min(strata(given).count(key) for key in strata(given))
    interval = {
        "low": low,
        "high": high,
        "level": constants["confidence"],
        "method": constants["method"],
        "replicates": constants["replicates"],
        "reliable": least >= constants["reliable_items_per_class"],
    }
    assert output == {"score": value, "interval": interval, "metrics": {given["metric"]: value}}


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
    yield from metric_files()
    yield from interval_files()


def metric_files() -> Iterator[VectorFile]:
    yield VectorFile(
        "metrics",
        "traits_f1",
        "11.5",
        "S",
        "metric.traits_f1",
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
                ("truth-of-two", {"y_true": [[0, 2]], "y_pred": [[0, 1]]}),
            ]
        ],
        source="scikit-learn f1_score and a plain loop",
    )
    mixed = fungi("mixed", {-1: 9, 0: 12, 1: 5, 2: 7, 3: 1})
    yield VectorFile(
        "metrics",
        "user_loss",
        "11.6",
        "S",
        "metric.user_loss",
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
    )
    yield VectorFile(
        "metrics",
        "group_accuracy",
        "11.7",
        "S",
        "metric.group_accuracy",
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
        source="scikit-learn accuracy_score and a plain loop",
    )  # fmt: skip


def interval_files() -> Iterator[VectorFile]:
    def case(kind: str, name: str, check: Any, **given: Any) -> Case:
        return Case(f"strata/{kind}/{name}", given, check)

    def file(name: str, operation: str, about: str, cases: list[Case]) -> VectorFile:
        return VectorFile(
            "intervals", name, "12", "S", f"interval.{operation}", about, cases, source=LOOP
        )

    yield file(
        "strata",
        "positions",
        "Items drawn from strata: classes with -1 first, groups and in them classes, all rows.",
        [
            case("positions", name, same_items, replicates=3, **given)
            for name, given in {
                "unknown-first": {"task": "fungiclef", "y_true": [2, -1, 0, 2, -1, 0, -1, 2, 5]},
                "groups-then-classes": {
                    "task": "newt", "y_true": [1, 0, 0, 1, 1, 0, 1, 0, 1],
                    "group": [*"babbaabba"],
                },
                "groups-by-code-point": {
                    "task": "newt", "y_true": [0, 0, 0, 0, 0, 0],
                    "group": ["z", "Z", "\u00e9", "Z", "z", "\u00e9"],
                },
                "groups-with-an-unknown-class": {
                    "task": "newt", "y_true": [0, -1, 0, -1, 3, 0, -1], "group": [*"bbaabba"],
                },
                "traits-are-one-stratum": {
                    "task": "fishnet", "y_true": [[0, 1], [1, 1], [0, 0], [1, 0], [0, 1]],
                },
            }.items()
        ],
    )  # fmt: skip
    observed = flagged(fungi("replicates", {-1: 6, 0: 5, 1: 4, 2: 1}), [1])
    grouped = pictures("replicates", {"b": [4, 3], "a": [5, 2, 2]})
    some = fish("replicates", [8, 1, 12], 12)
    yield file(
        "strata_replicates",
        "replicates",
        "The metric on the items of each resample.",
        [
            case("replicates", name, same_replicates, division="official", replicates=5, **given)
            for name, given in {
                "traits-f1": {"task": "fishnet", "metric": "traits_f1", **some},
                "value-missing-in-a-resample": {
                    "task": "fishnet", "metric": "traits_f1", **fish("rare", [1, 4], 5),
                },
                "user-loss": {"task": "fungiclef", "metric": "user_loss", **observed},
                "group-accuracy": {"task": "newt", "metric": "group_accuracy", **grouped},
                "accuracy-with-groups": {"task": "newt", "metric": "accuracy", **grouped},
                "macro-f1-with-groups": {"task": "newt", "metric": "macro_f1", **grouped},
                "accuracy-with-unknown": {
                    "task": "fungiclef", "metric": "accuracy",
                    "y_true": observed["y_true"], "y_pred": observed["y_pred"],
                },
            }.items()
        ],
    )  # fmt: skip
    whole: dict[str, dict[str, Any]] = {
        "traits-f1": {"task": "fishnet", "metric": "traits_f1", **fish("end", [10, 20, 30], 30)},
        "traits-f1-one-too-few": {
            "task": "fishnet", "metric": "traits_f1", **fish("thin", [9, 20, 15], 30),
        },
        "user-loss": {
            "task": "fungiclef", "metric": "user_loss",
            **flagged(fungi("end", {-1: 10, 0: 12, 1: 11}), [0]),
        },
        "user-loss-too-few-unknown": {
            "task": "fungiclef", "metric": "user_loss",
            **flagged(fungi("thin", {-1: 9, 0: 12, 1: 11}), [0, 1]),
        },
        "group-accuracy": {
            "task": "newt", "metric": "group_accuracy",
            **pictures("end", {"one": [10, 12], "two": [11, 10]}),
        },
        "group-accuracy-thin-class-in-a-group": {
            "task": "newt", "metric": "group_accuracy",
            **pictures("thin", {"one": [10, 9], "two": [11, 30]}),
        },
    }  # fmt: skip
    yield file(
        "strata_score",
        "score",
        "Score and interval of traits, losses and groups, end to end; none in division compat.",
        [
            case("score", name, same_end, division="official", **given)
            for name, given in whole.items()
        ]
        + [
            case("score", f"compat-{name}", no_interval, division="compat", **whole[name])
            for name in ("traits-f1", "user-loss", "group-accuracy")
        ]
        + [
            case("score/error", name, refused, division="official", **given)
            for name, given in {
                "loss-without-poisonous-columns": {
                    "task": "fungiclef", "metric": "user_loss", "y_true": [0, 1], "y_pred": [0, 1],
                },
                "groups-that-are-not-given": {
                    "task": "newt", "metric": "group_accuracy", "y_true": [0], "y_pred": [0],
                },
                "accuracy-of-traits": {"task": "fishnet", "metric": "accuracy", **some},
                "traits-f1-of-classes": {
                    "task": "fishnet", "metric": "traits_f1", "y_true": [0, 1], "y_pred": [0, 1],
                },
            }.items()
        ],
    )  # fmt: skip
