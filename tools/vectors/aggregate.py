"""Section 13: the mean of a suite."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from biobench.spec.generator import Stream
from vectors import plain, plain_clusters
from vectors.case import Case, Section, VectorFile, refused

SECTION = Section("aggregate", "13", "S", "aggregate")


def mean(given: Any, output: Any) -> bool:
    members, tasks = given["members"], given["tasks"]
    if not set(members) <= set(tasks):
        return output == {"mean": None}
    ordered = [tasks[member] for member in members]
    value = plain_clusters.mean_of_scores([task["score"] for task in ordered])
    low = high = se = effective = None
    if all(task["standard_error"] is not None for task in ordered):
        se, effective = plain_clusters.spread_of_mean(
            [(task["standard_error"], task["effective_clusters"]) for task in ordered]
        )
        low, high = plain_clusters.wilson(value, se, effective - 1) or (None, None)
    return output == {
        "mean": {
            "score": value, "low": low, "high": high, "standard_error": se,
            "effective_clusters": effective, "tasks": len(members),
        }
    }  # fmt: skip


def task(name: str) -> dict[str, Any]:
    score, error, clusters = Stream(17, f"vectors/aggregate/{name}").integers(10_000, 3).tolist()
    return with_interval(score / 10_000, error / 200_000, 5 + clusters / 100)


def with_interval(score: float, error: float, effective: float) -> dict[str, Any]:
    return {"score": score, "standard_error": error, "effective_clusters": effective}


def without(score: float) -> dict[str, Any]:
    return {"score": score, "standard_error": None, "effective_clusters": None}


def files() -> Iterator[VectorFile]:
    nine = next(s["members"] for s in plain.SUITE["suites"] if s["id"] == "biobench")
    whole = {name: task(name) for name in nine}
    tenths = {
        "c": with_interval(0.3, 0.03, 6.5),
        "a": with_interval(0.1, 0.01, 30.25),
        "b": with_interval(0.2, 0.02, 1000),
    }
    cases = {
        "nine-tasks": (nine, whole),
        "order-of-the-suite": (["a", "b", "c"], tenths),
        "another-order-of-the-suite": (["c", "b", "a"], tenths),
        "missing-task": (nine, {k: v for k, v in whole.items() if k != "kabr"}),
        "nothing-was-run": (["a"], {}),
        "task-of-no-suite": (["a", "b"], tenths),
        "one-task": (["a"], {"a": task("one")}),
        "one-task-of-few-clusters-decides": (
            ["a", "b"],
            {"a": with_interval(0.5, 0.09, 5), "b": with_interval(0.6, 0.001, 4000)},
        ),
        "task-without-interval": (["a", "b"], {"a": task("with"), "b": without(0.5)}),
        "no-interval-at-all": (["a", "b"], {"a": without(0.25), "b": without(0.5)}),
        "one-cluster-without-spread": (
            ["a", "b"],
            {"a": with_interval(0.5, 0, 1), "b": with_interval(0.6, 0.03, 12)},
        ),
        "one-cluster-with-spread": (
            ["a", "b"],
            {"a": with_interval(0.5, 0.001, 1), "b": with_interval(0.6, 0.03, 12)},
        ),
        "one-task-as-it-is": (["a"], {"a": with_interval(0.5, 0.0642, 8.72)}),
        # Rounding takes each bound out of [0, 1].
        "lower-bound-that-is-cut": (
            ["a"],
            {"a": with_interval(2.270740737201793e-09, 0.18914206578212805, 25)},
        ),
        "upper-bound-that-is-cut": (
            ["a"],
            {"a": with_interval(0.9999999999940304, 0.0010603293610157724, 25)},
        ),
        "error-whose-square-vanishes": (["a"], {"a": with_interval(0.5, 1e-170, 9)}),
        "no-spread": (["a", "b"], {"a": with_interval(0.5, 0, 9), "b": with_interval(0.5, 0, 6)}),
    }
    yield SECTION.file(
        "mean",
        "The unweighted mean in the suite's order and its interval; null if a task is missing.",
        [
            Case(f"aggregate/{name}", {"members": members, "tasks": tasks}, mean)
            for name, (members, tasks) in cases.items()
        ]
        + [Case("aggregate/error/no-member", {"members": [], "tasks": {}}, refused)],
        source="a plain loop",
    )
