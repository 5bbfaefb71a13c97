"""Section 13: the mean of a suite."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from biobench.spec.generator import Stream
from vectors import plain
from vectors.case import Case, Section, VectorFile, refused

SECTION = Section("aggregate", "13", "S", "aggregate")


def mean(given: Any, output: Any) -> bool:
    members, tasks = given["members"], given["tasks"]
    if not set(members) <= set(tasks):
        return output == {"mean": None}
    n = len(members)
    columns = [tasks[member]["replicates"] for member in members]
    low = high = None
    if all(column is not None for column in columns):
        means = [plain.left_to_right(row) / n for row in zip(*columns, strict=True)]
        low, high = plain.bounds(means, plain.CONFIDENCE)
    score = plain.left_to_right([tasks[member]["score"] for member in members]) / n
    return output == {"mean": {"score": score, "low": low, "high": high, "tasks": n}}


def task(name: str, replicates: int | None = 8) -> dict[str, Any]:
    words = Stream(17, f"vectors/aggregate/{name}").integers(10_000, 1 + (replicates or 0))
    drawn = [int(word) / 10_000 for word in words]
    return {"score": drawn[0], "replicates": None if replicates is None else drawn[1:]}


def constant(value: float) -> dict[str, Any]:
    return {"score": value, "replicates": [value] * 3}


def files() -> Iterator[VectorFile]:
    nine = next(s["members"] for s in plain.SUITE["suites"] if s["id"] == "biobench")
    whole = {name: task(name, 80) for name in nine}
    tenths = {"c": constant(0.3), "a": constant(0.1), "b": constant(0.2)}
    cases = {
        "nine-tasks": (nine, whole),
        "order-of-the-suite": (["a", "b", "c"], tenths),
        "another-order-of-the-suite": (["c", "b", "a"], tenths),
        "missing-task": (nine, {k: v for k, v in whole.items() if k != "kabr"}),
        "nothing-was-run": (["a"], {}),
        "task-of-no-suite": (["a", "b"], tenths),
        "one-task": (["a"], {"a": task("one")}),
        "task-without-interval": (["a", "b"], {"a": task("with"), "b": task("without", None)}),
        "no-interval-at-all": (["a", "b"], {"a": task("d", None), "b": task("e", None)}),
    }
    yield SECTION.file(
        "mean",
        "The unweighted mean in the suite's order, replicate by replicate; null if one is missing.",
        [
            Case(f"aggregate/{name}", {"members": members, "tasks": tasks}, mean)
            for name, (members, tasks) in cases.items()
        ]
        + [Case("aggregate/error/no-member", {"members": [], "tasks": {}}, refused)],
        source="a plain loop",
    )
