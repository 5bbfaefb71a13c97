"""Reading the predictions that a result names (SPEC.md, section "Results").

In: a result with its folder, or one that came with its predictions. Out: predictions whose digest
is the result's, ready to be compared with another model's. A damaged file, or one that somebody
made to do harm, is one line: the process that decodes it is another one.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from biobench._common.files import Unreadable, read_plain
from biobench.data.predictions import Predictions
from biobench.errors import DataError, UsageError
from biobench.report.current import current
from biobench.report.parquet import MOST_BYTES, MOST_ROWS
from biobench.report.parquet_process import canonical_of, metadata_of
from biobench.report.results import Results
from biobench.report.rows import Limits, Unsound, predictions_of

MOST_COLUMNS = 1 << 30
T = TypeVar("T")


def read_predictions(results: Results, task: str) -> Predictions:
    """The predictions of one task of a result that was saved.

    Raises UsageError for a task that the result does not have or only declares, and DataError where
    its file is missing or is not the one that was scored.
    """
    predictions = load_predictions(results, task)
    if predictions.digest != results.tasks[task]["digests"]["predictions"]:
        raise DataError(
            "is not the file that the result was scored on: its digest differs",
            where=predictions_place(results, task),
            remedy="take results.json and predictions/ from one run",
        )
    return predictions


def predictions_place(results: Results, task: str) -> str:
    """Where the predictions of a task come from, for messages."""
    named = str(results.tasks[task]["predictions"])
    return named if results.folder is None else str(results.folder / named)


def load_predictions(results: Results, task: str) -> Predictions:
    """As :func:`read_predictions`, whatever their digest is."""
    if task not in results.tasks:
        raise UsageError(
            f"the result has no task {task!r}", remedy=f"it has {', '.join(results.tasks)}"
        )
    entry = results.tasks[task]
    if entry["declared"]:
        raise UsageError(
            f"the score of {task} is declared, so there are no predictions",
            remedy=f"it comes from {entry['source']}",
        )
    if results.held is not None:
        return results.held[task]
    if results.folder is None:
        raise DataError(
            "the result was not saved, so there is no predictions file",
            where=task,
            remedy="load it from the folder that `biobench run --out` wrote",
        )
    return _from_file(
        results,
        task,
        lambda data: predictions_of(task, canonical_of(data), Limits(MOST_ROWS, MOST_COLUMNS)),
    )


def predictions_metadata(results: Results, task: str) -> dict[str, str] | None:
    """The texts beside the columns of a task's file, such as the names of the classes; ``None``
    where the predictions came with the result or it was not saved. Raises DataError for a file that
    cannot be read."""
    if results.held is not None or results.folder is None:
        return None
    return _from_file(results, task, metadata_of)


def _from_file(results: Results, task: str, read: Callable[[bytes], T]) -> T:
    """What the predictions file of a task holds; DataError where it cannot be read."""
    assert results.folder is not None
    # The folder may be another one by now than when the result was read, with the same files.
    path = str(current(results.folder) / str(results.tasks[task]["predictions"]))
    try:
        return read(read_plain(Path(path), MOST_BYTES))
    except Unreadable as error:
        raise DataError(error.what, where=path, remedy=error.remedy) from error
    except Unsound as error:
        raise DataError(
            str(error), where=path, remedy="take the whole folder that `biobench run --out` wrote"
        ) from error
