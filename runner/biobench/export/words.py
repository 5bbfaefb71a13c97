"""Words that several formats share: the title of a task, and what a score was made under."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from biobench.spec.documents import Task
from biobench.spec.load import Spec


def known_task(task: str, spec: Spec) -> Task | None:
    """The task of the specification, None for one of a person's own."""
    return spec.task(task) if task in spec.task_ids() else None


def task_title(task: str, spec: Spec) -> str:
    """The title of a task, its id where the specification does not have it."""
    known = known_task(task, spec)
    return task if known is None else known.title


def dataset_title(task: str, spec: Spec) -> str:
    """The title of a task's data set, the task's id where the specification does not have it."""
    known = known_task(task, spec)
    return task if known is None else known.dataset.title


def setup(document: Mapping[str, Any]) -> list[str]:
    """Specification and division of a result, and that it is not official where it could be."""
    words = [f"biobench {document['spec']['version']}", f"division {document['division']}"]
    silent = document["official"] or document["division"] == "open"
    return words if silent else [*words, "not official"]
