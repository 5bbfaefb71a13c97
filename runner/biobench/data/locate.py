"""Finding the folder of a task's data (SPEC.md, section "Data folders").

In: a task and the folder that the user gave. Out: the folder that the layout's paths are relative
to, or None where the task's data are absent.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from biobench.errors import DataError, shown
from biobench.spec.documents import Task

EMBEDDED = Path(__file__).resolve().parent.parent / "_demo"
"""The demo suite's data sets, which ship with the package."""


@dataclass(frozen=True)
class LocatedTask:
    """A task and the folder that its layout's paths are relative to."""

    task: Task
    root: Path


def locate(task: Task, data: Path | None, *, only_task: bool = False) -> Path | None:
    """Find the data folder of ``task``: ``DIR/<data set id>`` if that exists, else the folder that
    its data set names if that exists, else DIR itself where ``only_task`` (exactly one task is
    chosen), else the embedded demo data set, else None.

    An embedded data set is never looked for in DIR itself.

    Raises:
        DataError: ``data`` is given and is not a folder.
    """
    embedded = EMBEDDED / task.dataset.id
    has_embedded = embedded.is_dir()
    named = task.dataset.folder
    if named is not None and not named.is_dir():
        named = None
    if data is not None:
        require_data_folder(data, f"{task.dataset.id}/")
        own = data / task.dataset.id
        if own.is_dir():
            return own
        if named is None and only_task and not has_embedded:
            return data
    return named or (embedded if has_embedded else None)


def require_data_folder(data: Path, content: str) -> None:
    """Raise DataError unless ``data`` is a folder; ``content``: what it should hold."""
    if not data.is_dir():
        raise DataError(
            "the data folder is missing" if not data.exists() else "the data folder is a file",
            where=shown(str(data)),
            remedy=f"give --data a folder that holds {content}",
        )
