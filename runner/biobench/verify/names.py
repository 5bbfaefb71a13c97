"""The class names that a predictions file carries, compared with the data.

In: a result with its files. Out: findings of stage predictions. A submission has no such names.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from biobench._common.text import short
from biobench.data.manifest import Manifest
from biobench.report.results import Results
from biobench.verify.findings import Finding

_LISTS = ("classes", "test_classes")


def read_names(results: Results, task: str) -> dict[str, Any] | None:
    """``task``, ``classes`` and ``test_classes`` of a predictions file that was read before, as far
    as its metadata have them; None where there is no file."""
    found = results.predictions_metadata(task)
    if found is None:
        return None
    names: dict[str, Any] = {"task": found.get("task", "")}
    for name in _LISTS:
        try:
            names[name] = json.loads(found.get(name, "null"))
        except (ValueError, RecursionError):
            names[name] = None
    return names


def check_names(results: Results, task: str, manifest: Manifest | None) -> Iterator[Finding]:
    """Check that the names are those of the data; without a manifest, that they are possible."""
    names = read_names(results, task)
    if names is None:
        return
    stage, count = "predictions", results.tasks[task]["counts"]["classes"]
    if names["task"] != task:
        yield Finding(stage, False, f"its file is of the task {short(names['task'])}", task)
    for name in _LISTS:
        if not isinstance(names[name], list):
            yield Finding(stage, False, f"its file does not list its {name}", task)
        elif manifest is not None and names[name] != list(getattr(manifest, name)):
            yield Finding(stage, False, f"the {name} of its file are not those of the data", task)
    if manifest is None and isinstance(names["classes"], list) and len(names["classes"]) != count:
        text = f"its file names {len(names['classes'])} classes, and the result counts {count}"
        yield Finding(stage, False, text, task)
