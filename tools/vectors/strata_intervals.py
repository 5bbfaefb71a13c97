"""Section 12: strata and intervals of traits, losses and groups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vectors import plain
from vectors.case import Case, Section, VectorFile, refused
from vectors.traits_loss_groups import METRICS, fish, flagged, fungi, pictures

LOOP = "a plain loop over the drawn items"


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
    score, count = METRICS[given["metric"]], plain.SUITE["interval"]["replicates"]
    found = [score(given, items) for items in drawn_items(given, count)]
    value = score(given, range(len(given["y_true"])))
    if given["metric"] == "traits_f1":
        columns = [list(column) for column in zip(*given["y_true"], strict=True)]
        least = min(column.count(v) for column in columns for v in set(column))
    else:
        least = min(strata(given).count(key) for key in strata(given))
    interval = plain.interval(found, least)
    assert output == {"score": value, "interval": interval, "metrics": {given["metric"]: value}}


def files() -> Iterator[VectorFile]:
    def case(kind: str, name: str, check: Any, **given: Any) -> Case:
        return Case(f"strata/{kind}/{name}", given, check)

    file = Section("intervals", "12", "S", "interval", LOOP).file

    yield file(
        "strata",
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
        operation="positions",
    )  # fmt: skip
    observed = flagged(fungi("replicates", {-1: 6, 0: 5, 1: 4, 2: 1}), [1])
    grouped = pictures("replicates", {"b": [4, 3], "a": [5, 2, 2]})
    some = fish("replicates", [8, 1, 12], 12)
    yield file("strata_replicates", "The metric on the items of each resample.", [
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
        operation="replicates",
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
        operation="score",
    )  # fmt: skip
