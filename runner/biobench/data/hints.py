"""Hints for data sets whose data are missing or incomplete.

In: a data set and where it is looked for. Out: commands, as the end of a message.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from biobench.data.layouts import annotation_files
from biobench.data.layouts.options import split_rule_of
from biobench.data.locate import EMBEDDED
from biobench.data.sources import archive_folder, sources_of
from biobench.errors import DataError
from biobench.spec.documents import Dataset


def setup_commands(dataset: Dataset, data: Path | None = None) -> str:
    """The commands that provide a data set, in order; without the first where the folder ``data``
    has its archives. ``""`` where its document names no files."""
    sources = sources_of(dataset)
    if not sources:
        return ""
    steps = ["unpack"]
    if data is None or not all(s.is_whole(archive_folder(data, dataset)) for s in sources):
        steps.insert(0, "fetch")
    if dataset.videos is not None:
        steps.append("frames")
    return ", then ".join(f"`biobench data {step} {dataset.id}`" for step in steps)


def repair_remedy(dataset: Dataset, root: Path) -> str:
    """The remedy for a data set whose contents in ``root`` are incomplete."""
    if root.is_relative_to(EMBEDDED):
        return "install biobench again"
    tables = annotation_files(dataset.layout, split_rule_of(dataset.layout))
    if dataset.videos is not None and all((root / table).is_file() for table in tables):
        return (
            f"add the videos of what is missing and run `biobench data frames {dataset.id}` again"
        )
    commands = setup_commands(dataset, root.parent)
    if not commands:
        return f"provide a complete copy of the data set {dataset.id}"
    return f"unpack the data set {dataset.id} again (move the folder away, then {commands})"


@contextmanager
def with_setup_hint(dataset: Dataset, root: Path) -> Iterator[None]:
    """Add :func:`repair_remedy` to the remedy of a DataError."""
    try:
        yield
    except DataError as error:
        remedy = repair_remedy(dataset, root)
        remedy = remedy if error.remedy is None else f"{error.remedy}, or {remedy}"
        raise DataError(error.what, where=error.where, remedy=remedy) from error
