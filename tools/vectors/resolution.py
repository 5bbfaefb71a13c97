"""Sections 6.4 and 6.5: every task, protocol and suite as it is in a division."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from biobench.spec.location import spec_root
from vectors.case import Case, Section, VectorFile, refused_with

SECTION = Section("resolution", "6.4", "S", "documents")

SOURCE = "PyYAML, merged by hand"
V1 = spec_root() / "v1"
DIVISIONS = ("official", "compat")
NOT_INHERITED = ("version", "counts", "unknown")


def read(path: str) -> dict[str, Any]:
    value = yaml.safe_load((V1 / path).read_text(encoding="utf-8"))
    assert isinstance(value, dict)
    return value


def names(folder: str) -> list[str]:
    return sorted(p.stem for p in Path(V1 / folder).glob("*.yaml") if ".v" not in p.stem)


def inherited(task: Mapping[str, Any]) -> dict[str, Any]:
    """A task with all that it extends."""
    if "extends" not in task:
        return dict(task)
    parent = inherited(read(f"tasks/{task['extends']}.yaml"))
    kept = {key: value for key, value in parent.items() if key not in NOT_INHERITED}
    return {**kept, **task}


def protocol_value(name: str, division: str) -> dict[str, Any]:
    document = read(f"protocols/{name}.yaml")
    overrides = document["compat"] if division == "compat" else {}
    return {
        "protocol": name,
        "kind": document["kind"],
        "version": document["version"],
        "constants": {**document["constants"], **overrides},
    }


def task_value(task: Mapping[str, Any], division: str) -> dict[str, Any]:
    full = inherited(task)
    if division == "compat":
        full.update(full["compat"])
    dataset = full["dataset"]
    if isinstance(dataset, str):
        dataset = {"dataset": dataset, "layout": read(f"datasets/{dataset}.yaml")["layout"]}
    else:
        dataset = {"dataset": dataset["id"], "layout": dataset["layout"]}
    keys = ("task", "version", "split", "label_rule", "counts", "view", "feature", "metrics")
    return {
        **{key: full[key] for key in keys},
        "dataset": dataset,
        "protocol": protocol_value(full["protocol"], division),
    }


def task(given: Any, output: Any) -> bool:
    return bool(output == task_value(read(f"tasks/{given['task']}.yaml"), given["division"]))


def protocol(given: Any, output: Any) -> bool:
    return bool(output == protocol_value(given["protocol"], given["division"]))


def suite(given: Any, output: Any) -> bool:
    document = read("suite.yaml")
    (found,) = (s for s in document["suites"] if s["id"] == given["suite"])
    shared = {
        part: {k: v for k, v in document[part].items() if k not in ("method", "correction")}
        for part in ("interval", "comparison", "association")
    }
    return bool(
        output
        == {
            "members": found["members"],
            "complete": not found["pending"],
            "seed": document["seed"],
            "micro_batch": document["micro_batch"],
            **shared,
            "tolerance": document["tolerance"],
        }
    )


def own_task(given: Any, output: Any) -> bool:
    defaults = {"version": 1, "label_rule": "train-names", "view": {"kind": "image"}}
    defaults |= {"feature": "official", "compat": {}}
    defaults |= {"counts": {"train": None, "test": None, "classes": None}}
    full = inherited(given["task"])
    return bool(output == task_value({**defaults, **full}, given["division"]))


SPLITS = {"train": "train", "test": "test"}
OVERLAPPING = {"train": "a", "test": "a/b"}
TRAIN = {"train": "train"}
NULL_COUNT = {"train": None, "test": 4, "classes": 2}
FOLDER = {"id": "image-folder", "options": {"splits": SPLITS}}
F1 = {"id": "macro_f1", "higher_is_better": True, "interval": "half-jackknife"}
OWN = {
    "task": "my-moths",
    "dataset": {"id": "moths", "layout": FOLDER},
    "split": "train-test",
    "protocol": "linear_probe",
    "metrics": [F1],
}
# What an own task may state and leave out. Each is valid.
OWN_TASKS: dict[str, tuple[dict[str, Any], str]] = {
    "defaults": (OWN, "open"),
    "division-compat": (OWN, "compat"),
    "extends-a-task": (
        {"task": "my-plankton", "extends": "plankton", "dataset": {"id": "mine", "layout": FOLDER}},
        "open",
    ),
    "extends-in-compat": ({"task": "my-plants", "extends": "plantnet"}, "compat"),
    "own-compat": ({**OWN, "compat": {"label_rule": "union-names"}}, "compat"),
    # What compat states replaces the whole value, and so does what an extending task states.
    "compat-counts": (
        {**OWN, "counts": {"train": 9, "test": 4, "classes": 2}}
        | {"compat": {"counts": {"train": 9, "test": 5, "classes": 3}}},
        "compat",
    ),
    "compat-view": (
        {"task": "my-clips", "extends": "kabr", "compat": {"view": {"kind": "image"}}},
        "compat",
    ),
    "view-in-place-of-another": (
        {"task": "my-frames", "extends": "kabr", "view": {"kind": "image"}, "compat": {}},
        "open",
    ),
    "extends-a-task-of-another-version": (
        {"task": "my-fish", "extends": "fishnet", "counts": {"train": 9, "test": 4, "classes": 2}},
        "open",
    ),
    "constants-of-open": ({**OWN, "protocol": "svm"}, "open"),
    "stated": ({**OWN, "version": 3, "counts": {"train": 9, "test": 4, "classes": 2}}, "open"),
}
OWN_FLAWS = {
    "no-split": ({k: v for k, v in OWN.items() if k != "split"}, "missing-key"),
    "unknown-protocol": ({**OWN, "protocol": "quadratic_probe"}, "unknown-reference"),
    "unknown-parent": ({"task": "mine", "extends": "no-such-task"}, "unknown-reference"),
    "unknown-key": ({**OWN, "xyzzy": 1}, "unknown-key"),
    "pinned": ({**OWN, "protocol_version": 1}, "unknown-key"),
    "folders-that-overlap": (
        {**OWN, "dataset": {"id": "m", "layout": {**FOLDER, "options": {"splits": OVERLAPPING}}}},
        "overlapping-splits",
    ),
    "metric-twice": ({**OWN, "metrics": [F1, F1]}, "duplicate-id"),
    "id-of-another": ({**OWN, "task": "plankton"}, "duplicate-id"),
    "no-id": ({"extends": "plantnet"}, "missing-key"),
    "parent-of-a-number": ({"task": "mine", "extends": 5}, "type"),
    "parent-with-an-end-of-line": ({"task": "mine", "extends": "kabr\n"}, "value"),
    "extends-itself": ({"task": "mine", "extends": "mine"}, "extends-cycle"),
    # The splits that are left do not fit the split rule either.
    "train-without-test": (
        {**OWN, "dataset": {"id": "m", "layout": {**FOLDER, "options": {"splits": TRAIN}}}},
        "missing-key",
    ),
    "null-count": ({**OWN, "counts": NULL_COUNT}, "null-without-reason"),
    "reason-without-null": (
        {**OWN, "counts": {**NULL_COUNT, "train": 9}, "unknown": {"/counts/train": "Why."}},
        "reason-without-null",
    ),
}


def both(folder: str, key: str, check: Any) -> list[Case]:
    return [
        Case(f"resolution/{key}/{name}/{division}", {key: name, "division": division}, check)
        for name in names(folder)
        for division in DIVISIONS
    ]


def files() -> Iterator[VectorFile]:
    nothing = refused_with("unknown-reference")
    yield SECTION.file(
        "tasks",
        "Every task of the bundle in both divisions.",
        [
            *both("tasks", "task", task),
            Case(
                "resolution/task/absent", {"task": "no-such-task", "division": "official"}, nothing
            ),
        ],
        source=SOURCE,
        operation="task",
    )
    yield SECTION.file(
        "protocols",
        "Every protocol of the bundle in both divisions.",
        [
            *both("protocols", "protocol", protocol),
            Case(
                "resolution/protocol/absent",
                {"protocol": "no_such_protocol", "division": "official"},
                nothing,
            ),
        ],
        source=SOURCE,
        operation="protocol",
        number="6.3",
    )
    yield SECTION.file(
        "suites",
        "Every suite of the bundle with the constants that all tasks share.",
        [
            *(
                Case(f"resolution/suite/{found['id']}", {"suite": found["id"]}, suite)
                for found in read("suite.yaml")["suites"]
            ),
            Case("resolution/suite/absent", {"suite": "no-such-suite"}, nothing),
        ],
        source=SOURCE,
        operation="suite",
        number="6.5",
    )
    yield SECTION.file(
        "own_tasks",
        "A person's own task against the bundle: what it leaves out, what it extends.",
        [
            Case(f"resolution/own/{k}", {"task": value, "division": division}, own_task)
            for k, (value, division) in OWN_TASKS.items()
        ]
        + [
            Case(f"resolution/own/{k}", {"task": value, "division": "open"}, refused_with(error))
            for k, (value, error) in OWN_FLAWS.items()
        ],
        source=SOURCE,
        operation="own_task",
    )
