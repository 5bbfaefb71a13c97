"""A learning curve as a value and as files (SPEC.md, section "Learning curves").

In: for each size a result, and why a task has no score at a size. Out: curve.json, curve.csv and a
page beside the folders of the sizes, each of which is a result like any other.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biobench._common.text import cells_shown
from biobench.data.sample import size_name
from biobench.errors import DataError, shown
from biobench.report.curve_page import curve_figure, render_curve
from biobench.report.earlier import CURVE, CURVE_PAGE, CURVE_TABLE
from biobench.report.figure import Figure
from biobench.report.outcome import TaskOutcome
from biobench.report.replace import replacing
from biobench.report.results import FILE as RESULTS
from biobench.report.results import Results
from biobench.report.write import PageOptions, write_beside, write_files
from biobench.spec.documents import Task

if TYPE_CHECKING:
    import pandas

SCHEMA = "biobench.curve/1"
FILE = CURVE
COLUMNS = ("task", "metric", "n_train", "train", "score", "low", "high", "reason")

Cell = TaskOutcome | str
"""A task at a size: its outcome, or the reason why there is none."""


@dataclass(frozen=True, eq=False, repr=False)
class Curve:
    """A learning curve.

    Attributes:
        document: curve.json as a JSON value.
        results: One a size, None where no task has a score.
        folder: Folder that the curve was written to, None where it was not.
    """

    document: dict[str, Any]
    results: tuple[Results | None, ...]
    folder: Path | None = None

    @property
    def tasks(self) -> dict[str, Any]:
        """The cells of each task, in the suite's order."""
        tasks: dict[str, Any] = self.document["tasks"]
        return tasks

    @property
    def protocols(self) -> dict[str, str]:
        """By task, the protocol that gave its scores, which all sizes share; without tasks that
        have no score at any size."""
        return {
            task: str(result.tasks[task]["protocol"])
            for task in self.tasks
            for result in self.results
            if result is not None and task in result.tasks
        }

    @property
    def sizes(self) -> tuple[int | None, ...]:
        """Sizes, ascending; None is the whole train split."""
        return tuple(size["n_train"] for size in self.document["sizes"])

    def rows(self) -> list[dict[str, Any]]:
        """One row a task and size, with the columns of :data:`COLUMNS`."""
        return [
            {"task": task, "metric": entry["metric"], **cell, "n_train": size_name(cell["n_train"])}
            for task, entry in self.tasks.items()
            for cell in entry["cells"]
        ]

    def __repr__(self) -> str:
        name, sizes = self.document["model"]["name"], map(size_name, self.sizes)
        return shown(f"Curve({name}: {', '.join(self.tasks)} at {', '.join(sizes)})")

    def to_frame(self) -> pandas.DataFrame:
        """A pandas DataFrame of :meth:`rows`.

        Raises:
            BiobenchError: pandas is not installed.
        """
        from biobench.report.notebook import frame

        return frame(self.rows(), COLUMNS)

    def plot(self) -> Figure:
        """A drawing of the scores by size with their intervals, which a notebook shows.

        Raises:
            BiobenchError: jinja2 is not installed.
        """
        return curve_figure(self.document)

    def _repr_html_(self) -> str | None:
        from biobench.report.notebook import curve_html

        return curve_html(self.document)

    def to_json(self) -> str:
        """The document as indented JSON text with a final newline."""
        return json.dumps(self.document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def to_csv(self) -> str:
        """:meth:`rows` as CSV with a header; None becomes an empty cell, and no text can act as a
        formula."""
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(cells_shown, self.rows()))
        return text.getvalue()


def size_folder(size: int | None) -> str:
    """The folder of a size: ``n-10``, ``all``."""
    return "all" if size is None else f"n-{size}"


def assemble_curve(
    sizes: Sequence[int | None],
    tasks: Sequence[Task],
    cells: Mapping[str, Mapping[int | None, Cell]],
    results: Sequence[Results | None],
) -> Curve:
    """The curve of results.

    Args:
        sizes: Sizes of the train split, ascending.
        tasks: The tasks, in the order of their suite.
        cells: By task id and size, the score or the reason why there is none.
        results: One a size; None where no task has a score.

    Raises:
        DataError: No task has a score at any size.
    """
    first = next((result for result in results if result is not None), None)
    if first is None:
        id, cell = next((id, cell) for id, by_size in cells.items() for cell in by_size.values())
        raise DataError(
            f"no size can be scored: {cell}", where=id, remedy="give --n-train other sizes"
        )
    head, model = first.document, first.document["model"]
    document = {
        "schema": SCHEMA,
        **{key: head[key] for key in ("biobench", "spec", "suite", "division")},
        "model": {key: model[key] for key in ("name", "resolved", "revision", "weights")},
        "sizes": [_size(size, result) for size, result in zip(sizes, results, strict=True)],
        "tasks": {
            task.id: {
                "version": task.version,
                "metric": task.metrics[0].id,
                "higher_is_better": task.metrics[0].higher_is_better,
                "cluster_unit": _cluster_unit(cells[task.id].values()),
                "cells": [_cell(size, cells[task.id][size]) for size in sizes],
            }
            for task in tasks
        },
    }
    return Curve(document, tuple(results))


def _cluster_unit(cells: Iterable[Cell]) -> str | None:
    """The unit of a task's clusters; None where it has no score at any size."""
    scored = (cell for cell in cells if not isinstance(cell, str))
    return next((cell.manifest.cluster_unit for cell in scored), None)


def _size(size: int | None, result: Results | None) -> dict[str, Any]:
    if result is None:
        return {"n_train": size, "results": None, "digest": None, "mean": None}
    mean = result.mean
    return {
        "n_train": size,
        "results": f"{size_folder(size)}/{RESULTS}",
        "digest": result.digests["result"],
        "mean": mean and {key: mean[key] for key in ("score", "low", "high")},
    }


def _cell(size: int | None, cell: Cell) -> dict[str, Any]:
    if isinstance(cell, str):
        empty = dict.fromkeys(("train", "score", "low", "high"))
        return {"n_train": size, **empty, "reason": cell}
    interval = cell.score.interval
    return {
        "n_train": size,
        "train": sum(row.split != "test" for row in cell.manifest.items.rows),
        "score": cell.score.score,
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
        "reason": None,
    }


def write_curve(
    curve: Curve,
    outcomes: Mapping[int | None, Sequence[TaskOutcome]],
    folder: Path,
    beside: Mapping[str, bytes],
    page: PageOptions,
) -> Curve:
    """Write the sizes' results and the curve under ``folder``, replacing an earlier run or curve.

    The folder holds all of the earlier files until it holds all of the new ones.

    Args:
        curve: The curve.
        outcomes: By size, the tasks that were run.
        folder: The folder.
        beside: Further files by name, such as that of the task.
        page: What the pages show.

    Returns:
        The curve with its folder.

    Raises:
        BiobenchError: The folder cannot be written.
    """
    with replacing(folder) as fresh:
        for size, result in zip(curve.sizes, curve.results, strict=True):
            if result is not None:
                write_files(result, outcomes[size], fresh / size_folder(size), page)
        (fresh / CURVE_TABLE).write_text(curve.to_csv(), encoding="utf-8")
        (fresh / CURVE_PAGE).write_text(
            render_curve(curve.document, curve.protocols), encoding="utf-8"
        )
        (fresh / FILE).write_text(curve.to_json(), encoding="utf-8")
        write_beside(beside, fresh)
    for size, result in zip(curve.sizes, curve.results, strict=True):
        if result is not None:
            result.folder = folder / size_folder(size)
    return Curve(curve.document, curve.results, folder)
