"""The class names that a predictions file carries, held to the data.

In: a result with its files. Out: findings of stage predictions. A submission has no such names.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from biobench.data.manifest import Manifest
from biobench.files import read_plain
from biobench.report.parquet import MOST_BYTES
from biobench.report.read import predictions_place
from biobench.report.results import Results
from biobench.verify.findings import Finding

_LISTS = ("classes", "test_classes")


def read_names(results: Results, task: str) -> dict[str, Any] | None:
    """``task``, ``classes`` and ``test_classes`` of a predictions file that was read before, as far
    as its metadata have them; ``None`` where there is no file."""
    if results.held is not None:
        return None
    import pyarrow as pa
    import pyarrow.parquet as pq

    data = read_plain(Path(predictions_place(results, task)), MOST_BYTES)
    found = pq.read_schema(pa.BufferReader(pa.py_buffer(data))).metadata or {}
    names: dict[str, Any] = {"task": found.get(b"task", b"").decode("utf-8", "replace")}
    for name in _LISTS:
        try:
            names[name] = json.loads(found.get(name.encode(), b"null"))
        except ValueError:
            names[name] = None
    return names


def check_names(results: Results, task: str, manifest: Manifest | None) -> Iterator[Finding]:
    """Whether the names are those of the data; without a manifest whether they can be."""
    names = read_names(results, task)
    if names is None:
        return
    stage, count = "predictions", results.tasks[task]["counts"]["classes"]
    if names["task"] != task:
        yield Finding(stage, False, f"its file is of the task {names['task'][:80]!r}", task)
    for name in _LISTS:
        if not isinstance(names[name], list):
            yield Finding(stage, False, f"its file does not list its {name}", task)
        elif manifest is not None and names[name] != list(getattr(manifest, name)):
            yield Finding(stage, False, f"the {name} of its file are not those of the data", task)
    if manifest is None and isinstance(names["classes"], list) and len(names["classes"]) != count:
        text = f"its file names {len(names['classes'])} classes, and the result counts {count}"
        yield Finding(stage, False, text, task)
