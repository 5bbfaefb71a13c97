"""Reading the predictions that a result names (SPEC.md, section "Results").

In: a result with its folder. Out: predictions whose digest is the result's, ready to be compared
with another model's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from biobench.errors import DataError, UsageError
from biobench.probe.predictions import Predictions
from biobench.report.results import Results

if TYPE_CHECKING:
    import pyarrow as pa

_DERIVED = ("id", "y_true", "y_pred", "correct")
"""Columns that are no extras of the protocol: ``correct`` follows from the two before it."""


def read_predictions(results: Results, task: str) -> Predictions:
    """The predictions of one task of a result that was saved.

    Raises UsageError for a task that the result does not have or only declares, and DataError where
    its file is missing or is not the one that was scored.
    """
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
    if results.folder is None:
        raise DataError(
            "the result was not saved, so there is no predictions file",
            where=task,
            remedy="load it from the folder that `biobench run --out` wrote",
        )
    path = results.folder / str(entry["predictions"])
    predictions = _of_table(_read(str(path)), str(path))
    if predictions.digest != entry["digests"]["predictions"]:
        raise DataError(
            "is not the file that the result was scored on: its digest differs",
            where=str(path),
            remedy="take results.json and predictions/ from one run",
        )
    return predictions


def _read(path: str) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise DataError(
            f"cannot be read as Parquet ({' '.join(str(error).split())})",
            where=path,
            remedy="take the whole folder that `biobench run --out` wrote",
        ) from error


def _of_table(table: pa.Table, path: str) -> Predictions:
    missing = [name for name in ("id", "y_true", "y_pred") if name not in table.column_names]
    if missing:
        raise DataError(f"has no column {missing[0]}", where=path, remedy="do not edit the file")
    return Predictions(
        tuple(table["id"].to_pylist()),
        _column(table["y_true"]).astype(np.int32),
        _column(table["y_pred"]).astype(np.int32),
        {name: _column(table[name]) for name in table.column_names if name not in _DERIVED},
    )


def _column(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    """A column as an array of its own kind; lists give a row an item."""
    return np.array(column.to_pylist())
