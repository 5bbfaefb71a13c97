"""The task file of class folders, and the table beside it that lists every image.

In: images with class and split, and the rest of the task. Out: the bytes of both files, which run
again as ``--task FILE`` with the same manifest.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from biobench.data.manifest import Split
from biobench.errors import UsageError, shown
from biobench.spec.canonical import sha256_bytes

UNREADABLE = "unreadable"
"""Cell of the column of splits of an image that was left out."""
_WORD = re.compile("[a-z][a-z_-]+")
_SUM = "# unchanged since it was written: "
_NOTE = "note: "
_MOST_NOTES = 100


class ListedImage(NamedTuple):
    """A row of the table. ``why`` is the reason for which an image without a split is left out."""

    path: str
    label: str
    split: Split | None
    group: str | None = None
    why: str = ""


@dataclass(frozen=True)
class TaskFiles:
    """A task of class folders as files.

    Attributes:
        id: Id of the task and of its data set, and the names of the files.
        folder: Folder of the images, absolute.
        protocol: Id of the protocol.
        images: Every image, in code-point order of the paths.
        unit: The word for what a group is; None where images have none.
        lines: Lines for people at the top of the task file.
        notes: What is to be known of the images and their split, below those lines.
    """

    id: str
    title: str
    folder: Path
    protocol: str
    metrics: Sequence[Mapping[str, Any]]
    images: tuple[ListedImage, ...]
    unit: str | None = None
    lines: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, str]:
        """Names of the task file and of its table."""
        return f"{self.id}.yaml", f"{self.id}.csv"

    def value(self) -> dict[str, Any]:
        """The task document."""
        options: dict[str, Any] = {
            "table": self.names[1],
            "split": {"column": "split", "train": ["train"], "test": ["test"]},
            "path": "{path}",
            "label": "class",
        }
        if self.unit is not None:
            options["cluster"] = {"unit": self.unit, "template": "{group}"}
        return {
            "task": self.id,
            "title": self.title,
            "dataset": {
                "id": self.id,
                "folder": str(self.folder),
                "layout": {"id": "csv", "options": options},
            },
            "split": "train-test",
            "protocol": self.protocol,
            "metrics": [dict(metric) for metric in self.metrics],
        }

    def table(self) -> bytes:
        """The table: path, class and split, the group where images have one, and a note where one
        is left out."""
        grouped = any(image.group is not None for image in self.images)
        noted = any(image.why for image in self.images)
        names = ["path", "class", "split", *["group"] * grouped, *["note"] * noted]
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(names)
        for image in self.images:
            cells = {
                "path": image.path,
                "class": image.label,
                "split": image.split or UNREADABLE,
                "group": image.path if image.group is None else image.group,
                "note": image.why,
            }
            writer.writerow([cells[name] for name in names])
        return text.getvalue().encode()

    def without(self, unread: Mapping[str, str]) -> TaskFiles:
        """The same without a split for the images that turned out to be unreadable; ``unread``:
        path -> reason."""
        images = (
            image._replace(split=None, why=unread[image.path]) if image.path in unread else image
            for image in self.images
        )
        return replace(self, images=tuple(images))

    def files(self) -> dict[str, bytes]:
        """Name -> bytes of both files."""
        table, names = self.table(), self.names
        lines = [*self.lines, *(f"{_NOTE}{note}" for note in self.notes)]
        text = "".join(f"# {line}\n" for line in map(shown, lines))
        body = (text + _yaml(self.value())).encode()
        return {names[0]: _sum(body, table).encode() + body, names[1]: table}


def notes_of(task: Path) -> tuple[str, ...]:
    """The notes at the top of a task file; none where it has none or cannot be read."""
    try:
        lines = task.read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return ()
    top = itertools.takewhile(lambda line: line.startswith("#"), lines)
    mark = f"# {_NOTE}"
    return tuple(line.removeprefix(mark) for line in top if line.startswith(mark))[:_MOST_NOTES]


def refuse_edited(folder: Path, files: TaskFiles) -> None:
    """Raise UsageError where ``folder`` has a task file or table of these names that a person has
    edited: a run would replace it."""
    task, table = (folder / name for name in files.names)
    try:
        first, _, body = task.read_bytes().partition(b"\n")
        edited = first.decode() + "\n" != _sum(body, table.read_bytes())
    except FileNotFoundError:
        edited = task.exists() or table.exists()
    except (OSError, ValueError):
        edited = True
    if edited:
        raise UsageError(
            "this task file or its table was edited, and --images would replace it",
            where=str(task),
            remedy=f"run it with --task {task}, or give --out another folder",
        )


def task_id(folder: str, taken: Sequence[str]) -> str:
    """An id made of a folder's name that no task of the specification has."""
    words = re.findall("[a-z0-9]+", folder.lower())
    id = "-".join(words)[:60].rstrip("-") or "images"
    return f"{id}-images" if id in taken else id


def _yaml(value: Mapping[str, Any]) -> str:
    """A document as YAML in which every reader takes a text for a text."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """Quotes what is not a plain word."""

    def written(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
        style = None if _WORD.fullmatch(text) else '"'
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    Dumper.add_representer(str, written)
    # A folder's name may be long, and a folded text is hard to edit.
    return yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=1 << 20)


def _sum(body: bytes, table: bytes) -> str:
    return f"{_SUM}{sha256_bytes(sha256_bytes(body).encode() + sha256_bytes(table).encode())}\n"
