"""The result of a run, as a value and as a file (SPEC.md, section "Results").

In: results.json or the document in memory. Out: tasks, mean, digests and a table for notebooks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biobench._common.files import write_atomically
from biobench.errors import DataError, UsageError, shown
from biobench.report.current import current, read_from
from biobench.report.item_digests import ItemDigests, Stage, place_of, read_item_digests
from biobench.report.read import read_metadata, read_predictions
from biobench.report.result_document import REMEDY, read_document

if TYPE_CHECKING:
    import pandas

    from biobench.data.predictions import Predictions
    from biobench.report.figure import Figure
    from biobench.report.page.names import Names

    RowsOf = Callable[[str, str, Predictions, Names], list[dict[str, Any]]]

SCHEMA = "biobench.results/1"
FILE = "results.json"
MOST_TASKS = 1_000
"""Most tasks of a result: the schema checks each, which takes time."""
_SHAPE: dict[str, type | tuple[type, ...]] = {
    "model": dict,
    "tasks": dict,
    "digests": dict,
    "mean": (dict, type(None)),
    "division": str,
}


class Results:
    """A result document with views of it.

    Attributes:
        document: The JSON value.
        folder: Folder that it was read from or written to, None where there is none.
        loaded_predictions: Predictions by task, where they came with the document.
        loaded_digests: Digests of items by place, where they came with the document.
        loaded_names: Names of classes by task, where they came with the document.
    """

    def __init__(
        self,
        document: dict[str, Any],
        folder: Path | None = None,
        loaded_predictions: Mapping[str, Predictions] | None = None,
        loaded_digests: Mapping[str, ItemDigests] | None = None,
        loaded_names: Mapping[str, Names] | None = None,
    ) -> None:
        self.document = document
        self.folder = folder
        self.loaded_predictions = loaded_predictions
        self.loaded_digests = loaded_digests
        self.loaded_names = loaded_names

    @property
    def model(self) -> str:
        """The name of the model as the user gave it."""
        return str(self.document["model"]["name"])

    @property
    def tasks(self) -> dict[str, Any]:
        """Task entries by id, in the suite's order."""
        tasks: dict[str, Any] = self.document["tasks"]
        return tasks

    @property
    def mean(self) -> dict[str, Any] | None:
        """The aggregate, or None when a task of the suite is missing."""
        mean: dict[str, Any] | None = self.document["mean"]
        return mean

    @property
    def digests(self) -> dict[str, str]:
        """Root digest of every stage."""
        digests: dict[str, str] = self.document["digests"]
        return digests

    def __getitem__(self, task: str) -> dict[str, Any]:
        """The entry of a task, as in results.json.

        Raises:
            UsageError: There is no such task.
        """
        if task not in self.tasks:
            raise UsageError(
                f"the result has no task {task!r}", remedy=f"it has {', '.join(self.tasks)}"
            )
        entry: dict[str, Any] = self.tasks[task]
        return entry

    def __contains__(self, task: object) -> bool:
        return task in self.tasks

    def __iter__(self) -> Iterator[str]:
        return iter(self.tasks)

    def predictions(self, task: str) -> Predictions:
        """Read the predictions of one task of a result that was saved.

        Raises:
            UsageError: The result does not have the task or only declares its score.
            DataError: The file is missing or is not the one that was scored.
        """
        predictions = self.unchecked_predictions(task)
        if predictions.digest != self.tasks[task]["digests"]["predictions"]:
            raise DataError(
                "is not the file that the result was scored on: its digest differs",
                where=self.place_of(task),
                remedy="take results.json and predictions/ from one run",
            )
        return predictions

    def unchecked_predictions(self, task: str) -> Predictions:
        """As :meth:`predictions`, errors included, without checking their digest."""
        entry = self[task]
        if entry["declared"]:
            raise UsageError(
                f"the score of {task} is declared, so there are no predictions",
                remedy=f"it comes from {entry['source']}",
            )
        if self.loaded_predictions is not None:
            return self.loaded_predictions[task]
        if self.folder is None:
            raise DataError(
                "the result was not saved, so there is no predictions file",
                where=task,
                remedy="load it from the folder that `biobench run --out` wrote",
            )
        return read_predictions(self.folder, str(entry["predictions"]), task)

    def item_digests(self, task: str, stage: Stage) -> ItemDigests:
        """Digests of a task's images (pixels) or items (features), uint8 (rows, 32), as its files
        state them.

        Raises:
            DataError: The digests cannot be read.
        """
        if self.loaded_digests is not None:
            return self.loaded_digests[place_of(task, stage)]
        if self.folder is None:
            raise DataError(
                "the result was not saved, so it has no digests of its items",
                where=task,
                remedy="load it from the folder that `biobench run --out` wrote",
            )
        return read_item_digests(self.folder, task, stage)

    def predictions_metadata(self, task: str) -> dict[str, str] | None:
        """The metadata of a task's predictions, such as the names of the classes.

        None where the predictions came with the result or it was not saved.

        Raises:
            DataError: The file cannot be read.
        """
        if self.loaded_predictions is not None or self.folder is None:
            return None
        return read_metadata(self.folder, str(self.tasks[task]["predictions"]))

    def names(self, task: str) -> Names:
        """The names that label ids of a task index; none where they did not come with it.

        Raises:
            DataError: The predictions file cannot be read.
        """
        from biobench.report.page.names import names_of_metadata

        if self.loaded_names is not None:
            return self.loaded_names[task]
        return names_of_metadata(self.predictions_metadata(task) or {})

    def place_of(self, task: str) -> str:
        """The location of a task's predictions, for messages."""
        named = str(self.tasks[task]["predictions"])
        return named if self.folder is None else str(self.folder / named)

    def to_json(self) -> str:
        """The document as indented JSON text with a final newline."""
        return json.dumps(self.document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def to_frame(self) -> pandas.DataFrame:
        """A pandas DataFrame, one row a task: model, task, metric, score, low, high, test,
        declared.

        Raises:
            BiobenchError: pandas is not installed.
        """
        from biobench.report.notebook import FRAME_COLUMNS, frame, score_rows

        return frame(score_rows(self.document), FRAME_COLUMNS)

    def per_class(self, task: str | None = None) -> pandas.DataFrame:
        """A pandas DataFrame, one row a class of the test items (or a trait), worst first: model,
        task, class, support, right, called, recall, precision, f1.

        Args:
            task: A task; by default all that were run.

        Raises:
            UsageError: The result does not have the task or only declares its score.
            DataError: Predictions are missing or are not those that were scored.
            BiobenchError: pandas is not installed.
        """
        from biobench.report.notebook import CLASS_COLUMNS, class_rows

        return self._frame(CLASS_COLUMNS, class_rows, task)

    def per_group(self, task: str | None = None) -> pandas.DataFrame:
        """A pandas DataFrame, one row a group of test items, worst first: model, task, unit, group,
        items, right, share.

        Groups are those of the task, or where it has none its clusters, such as what ``group=``
        keeps together; items that belong to no other are in none.

        Args:
            task: A task; by default all that were run.

        Raises:
            BiobenchError: As :meth:`per_class`.
        """
        from biobench.report.notebook import GROUP_COLUMNS, group_rows

        def rows(model: str, id: str, found: Predictions, names: Names) -> list[dict[str, Any]]:
            return group_rows(model, id, self.tasks[id]["cluster_unit"], found)

        return self._frame(GROUP_COLUMNS, rows, task)

    def errors(self, task: str | None = None) -> pandas.DataFrame:
        """A pandas DataFrame, one row an item that was predicted wrong: model, task, id (for most
        tasks the path of the image), truth, predicted, group (as :meth:`per_group`, None where the
        item belongs to no other).

        Args:
            task: A task; by default all that were run.

        Raises:
            BiobenchError: As :meth:`per_class`.
        """
        from biobench.report.notebook import ERROR_COLUMNS, error_rows

        return self._frame(ERROR_COLUMNS, error_rows, task)

    def plot(self) -> Figure:
        """A drawing of the scores with their intervals, which a notebook shows.

        Raises:
            BiobenchError: jinja2 is not installed.
        """
        from biobench.report.figure import score_figure
        from biobench.report.page.plot import score_rows

        return score_figure(f"Scores of {self.model}", score_rows(self.document))

    def _frame(self, columns: Sequence[str], rows_of: RowsOf, task: str | None) -> pandas.DataFrame:
        """Rows of a task, or of every one that was run."""
        from biobench.report.notebook import frame

        ran = [id for id, entry in self.tasks.items() if not entry["declared"]]
        tasks = ran if task is None else [task]
        found = (rows_of(self.model, id, self.predictions(id), self.names(id)) for id in tasks)
        return frame((row for rows in found for row in rows), columns)

    def _repr_html_(self) -> str | None:
        from biobench.report.notebook import result_html

        return result_html(self.document)

    def save(self, folder: Path) -> Path:
        """Write ``results.json`` whole or not at all to ``folder``, which is made where it is not
        there, and return its path.

        Raises:
            BiobenchError: The file cannot be written.
        """
        path = folder / FILE
        write_atomically(path, self.to_json().encode())
        self.folder = folder
        return path

    def __repr__(self) -> str:
        scores = ", ".join(f"{task}={entry['score']:.4f}" for task, entry in self.tasks.items())
        return shown(f"Results({self.document['model']['name']}: {scores})")


def load_results(path: str | Path) -> Results:
    """Read ``results.json`` (the file, or the folder that holds it).

    Args:
        path: The file or the folder.

    Returns:
        The result.

    Raises:
        DataError: The file is missing, is not JSON, or has a schema that this version does not
            know.
    """
    path = Path(path)
    if current(path).is_dir():
        path = path / FILE
    place = read_from(path.parent) / path.name
    return results_of(read_document(place), str(path), path.parent)


def results_in(folder: Path) -> Results:
    """As :func:`load_results`, even while a newer result is being put in place there."""
    path = folder / FILE
    return results_of(read_document(path), str(path), folder)


def results_of(
    document: Any,
    where: str,
    folder: Path | None = None,
    loaded_predictions: Mapping[str, Predictions] | None = None,
) -> Results:
    """A result from a JSON value.

    Raises:
        DataError: This version does not know the result's schema.
    """
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema != SCHEMA:
        raise DataError(
            f"schema {str(schema)[:80]!r} is not known",
            where=where,
            remedy=f"this version reads {SCHEMA}",
        )
    for name, kind in _SHAPE.items():
        if not isinstance(document.get(name), kind):
            raise DataError(
                f"has no {name}, which a result must have",
                where=where,
                remedy="give a results.json that `biobench run` wrote, unchanged",
            )
    if len(document["tasks"]) > MOST_TASKS:
        count = len(document["tasks"])
        raise DataError(f"has {count} tasks, more than {MOST_TASKS}", where=where, remedy=REMEDY)
    return Results(document, folder, loaded_predictions)
