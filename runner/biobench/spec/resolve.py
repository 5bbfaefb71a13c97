"""From documents to resolved tasks: ``extends``, own tasks, divisions (SPEC.md, "Documents").

In: documents of a library. Out: a complete JSON value of one task in one division.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from biobench.spec.documents import Division
from biobench.spec.library import Document

_NO_COUNT = "A person's own task may leave its counts out."
OWN_TASK: Mapping[str, Any] = {
    "version": 1,
    "taxa": "",
    "modality": "",
    "mission": "",
    "citation": "",
    "label_rule": "train-names",
    "counts": {"train": None, "test": None, "classes": None},
    "view": {"kind": "image"},
    "feature": "official",
    "compat": {},
    "errata": [],
}
"""Keys that a person's own task may leave out, and their defaults."""


def chain(document: Document, tasks: Mapping[str, Document]) -> list[Document] | str:
    """The document and all that it extends, nearest first.

    Where an id is unknown or the chain comes back to itself, that id instead.
    """
    documents = [document]
    seen = {document.path}
    while True:
        parent = documents[-1].value.get("extends")
        if parent is None:
            return documents
        if not isinstance(parent, str) or parent not in tasks or tasks[parent].path in seen:
            return str(parent)
        documents.append(tasks[parent])
        seen.add(tasks[parent].path)


def merge(documents: list[Document]) -> dict[str, Any]:
    """A chain as one value: a key of a nearer document replaces the key of a farther one, whole.

    ``version``, ``counts`` and ``unknown`` belong to one document and are not inherited.
    """
    merged: dict[str, Any] = {}
    for i, document in enumerate(reversed(documents)):
        if i:
            for own in ("version", "counts", "unknown"):
                merged.pop(own, None)
        merged.update(document.value)
    merged.pop("extends", None)
    return merged


def with_defaults(task: Mapping[str, Any]) -> dict[str, Any]:
    """A person's own task with the keys that it left out; ``title`` falls back to the id."""
    full = {**OWN_TASK, "title": task.get("task"), "unknown": {}, **task}
    if "counts" not in task:
        reasons = {f"/counts/{key}": _NO_COUNT for key in OWN_TASK["counts"]}
        full["unknown"] = {**reasons, **full["unknown"]}
    return full


def in_division(task: Mapping[str, Any], division: Division) -> dict[str, Any]:
    """A resolved task with the overrides of a division; ``open`` uses the official definitions."""
    overrides = task["compat"] if division == "compat" else {}
    return {**task, **overrides}
