"""Section 4: digests of a result, from the predictions on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vectors.case import Case, VectorFile, refused_with
from vectors.digests import file, hashed, sha256


def predictions_value(given: Any) -> Any:
    return [
        [id, given["y_true"][i], given["y_pred"][i], {k: v[i] for k, v in given["extras"].items()}]
        for i, id in enumerate(given["ids"])
    ]


def predictions() -> VectorFile:
    knn = {
        "neighbours": [[3, 1, -1], [0, 2, 1]],
        "first_hit": [1, 0],
        "average_precision": [0.5, 0],
    }
    two = {"ids": ["a", "b"], "y_true": [0, 1], "y_pred": [1, 1]}
    cases = {
        "labels": {**two, "extras": {}},
        "none": {"ids": [], "y_true": [], "y_pred": [], "extras": {}},
        "neighbours": {**two, "extras": knn},
        "clusters": {**two, "extras": {"cluster": ["camera 7", "\u00e9"], "group": ["x", "y"]}},
        "traits": {"ids": ["a"], "y_true": [[0, 1, 1]], "y_pred": [[1, 1, 0]], "extras": {}},
        "unknown-and-unreadable": {**two, "y_true": [-1, 2], "y_pred": [-1, -2], "extras": {}},
    }
    flaws = {
        "repeated-id": ({**two, "ids": ["a", "a"], "extras": {}}, "duplicate-id"),
        "unequal-columns": ({**two, "y_pred": [1], "extras": {}}, "value"),
    }
    return file(
        "predictions",
        "Scored items; the columns of extras are members of the row's object.",
        [
            Case(f"digests/predictions/{k}", given, hashed(predictions_value))
            for k, given in cases.items()
        ]
        + [
            Case(f"digests/predictions/{k}", given, refused_with(error))
            for k, (given, error) in flaws.items()
        ],
    )


def scores() -> VectorFile:
    interval = {"low": 0.25, "high": 0.75, "level": 0.95, "method": "half-jackknife"}
    interval |= {"standard_error": 0.125, "few_clusters": True, "lone_classes": False}
    clusters = {"count": 12, "effective": 8.5}
    cases = {
        "with-interval": {
            "score": 0.5, "interval": interval, "no_interval": None, "clusters": clusters,
            "metrics": {"macro_f1": 0.5},
        },
        "without": {
            "score": 0.5, "interval": None, "no_interval": "few-clusters",
            "clusters": {"count": 4, "effective": 3}, "metrics": {"top1": 0.5, "top5": 0.875},
        },
        "declared": {
            "score": 0.5, "interval": None, "no_interval": "declared", "clusters": None,
            "metrics": {"top1": 0.5},
        },
    }  # fmt: skip
    return file(
        "score",
        "Score, interval, why there is none, clusters and metrics.",
        [Case(f"digests/score/{k}", v, hashed(lambda given: given)) for k, v in cases.items()],
    )


def roots() -> VectorFile:
    tasks = {task: sha256(task.encode()) for task in ("plankton", "beluga", "iwildcam")}
    return file(
        "root",
        "The root of a stage over the tasks of a result.",
        [
            Case("digests/root/three-tasks", {"tasks": tasks}, hashed(lambda g: g["tasks"])),
            Case("digests/root/no-task", {"tasks": {}}, hashed(lambda g: g["tasks"])),
        ],
    )


def result_value(given: Any) -> Any:
    value = {k: v for k, v in given["result"].items() if k not in ("environment", "run")}
    value["digests"] = {k: v for k, v in value["digests"].items() if k != "result"}
    value["tasks"] = {
        task: {k: v for k, v in entry.items() if k != "cost"}
        for task, entry in value["tasks"].items()
    }
    return value


def results() -> VectorFile:
    cost = {"wall_s": 12.5, "images": 3}
    result = {
        "schema": "biobench.results/1",
        "tasks": {
            "beluga": {"score": 0.5, "cost": cost},
            "plankton": {"score": 0.25, "cost": cost},
        },
        "digests": {"spec": sha256(b"spec"), "score": sha256(b"score")},
        "environment": {"cpu": "any"},
        "run": {"started": "2030-01-01T00:00:00+00:00"},
    }
    twice = {**result, "digests": {**result["digests"], "result": sha256(b"an old one")}}
    return file(
        "result",
        "A result without times, places, costs and its own digest.",
        [
            Case("digests/result/fresh", {"result": result}, hashed(result_value)),
            Case("digests/result/written-before", {"result": twice}, hashed(result_value)),
        ],
    )


def files() -> Iterator[VectorFile]:
    yield predictions()
    yield scores()
    yield roots()
    yield results()
