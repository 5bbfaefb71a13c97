"""Reading the predictions that a result names (SPEC.md, section "Results").

In: a result with its folder, or one that came with its predictions. Out: predictions whose digest
is the result's, ready to be compared with another model's. A damaged file is one line; a file that
somebody made to do harm may still cost memory, which is why a submission holds no Parquet.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from biobench._common.text import shown
from biobench.errors import DataError, UsageError
from biobench.files import Unreadable, read_plain
from biobench.probe.predictions import Predictions
from biobench.report.current import current
from biobench.report.results import Results

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_DERIVED = ("id", "y_true", "y_pred", "correct")
"""Columns that are no extras of the protocol: ``correct`` follows from the two before it."""
FORMS = {
    "id": "string",
    "y_true": "labels",
    "y_pred": "labels",
    "correct": "bool",
    "group": "string",
    "true_poisonous": "bool",
    "predicted_poisonous": "bool",
    "neighbours": "labels",
    "first_hit": "labels",
    "average_precision": "float",
}
"""Every column that a predictions file can have, and what its values are."""
EXTRAS = frozenset(FORMS) - frozenset(_DERIVED)
MOST_BYTES = 1 << 30
MOST_ROWS = 20_000_000
MOST_TEXT = {"id": 8_192, "group": 256}
"""Characters of a text. An array of groups has room for the longest in each row."""


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
    # The folder may be another one by now than when the result was read, with the same files.
    path = str(current(results.folder) / str(entry["predictions"]))
    try:
        return _of_table(_read(path), path)
    except (ValueError, TypeError, OverflowError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: str, error: Exception) -> DataError:
    reason = shown(" ".join(str(error).split())[:200])
    return DataError(
        f"cannot be read as Parquet ({reason})",
        where=path,
        remedy="take the whole folder that `biobench run --out` wrote",
    )


def _read(path: str) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        data = read_plain(Path(path), MOST_BYTES)
    except Unreadable as error:
        raise DataError(error.what, where=path, remedy=error.remedy) from error
    try:
        buffer = pa.py_buffer(data)
        names = pq.read_schema(pa.BufferReader(buffer)).names
        # Texts as numbers of a dictionary: a short file can repeat a long one without end.
        texts = [name for name in ("id", "group") if name in names]
        file = pq.ParquetFile(pa.BufferReader(buffer), read_dictionary=texts)
        fault = _fault(file)
        if fault is not None:
            raise DataError(fault, where=path, remedy="do not edit the file")
        table = file.read()
        # A damaged file can have numbers that no entry of its dictionary belongs to.
        table.validate(full=True)
        return table
    except (OSError, pa.ArrowException, MemoryError) as error:
        raise _unreadable(path, error) from error


def _fault(file: pq.ParquetFile) -> str | None:
    """Why a file is not read, from what its footer and its types say."""
    footer, schema = file.metadata, file.schema_arrow
    names = list(schema.names)
    for name in ("id", "y_true", "y_pred"):
        if name not in names:
            return f"has no column {name}"
    if len(set(names)) < len(names):
        return "has a column twice"
    for field in schema:
        if not _fits(field.type, FORMS.get(field.name)):
            kind = shown(str(field.type)[:80])
            return f"has a column {shown(field.name[:80])!r} of {kind}, as no predictions file has"
    if footer.num_rows > MOST_ROWS:
        return f"has {footer.num_rows} rows, more than {MOST_ROWS}"
    # Of single columns nothing is asked: pyarrow ends the process where their statistics are
    # damaged.
    size = sum(footer.row_group(i).total_byte_size for i in range(footer.num_row_groups))
    return f"holds more than {MOST_BYTES >> 20} MiB" if size > MOST_BYTES else None


def _fits(kind: pa.DataType, form: str | None) -> bool:
    import pyarrow.types as t

    if form == "string":
        return t.is_dictionary(kind) and t.is_string(kind.value_type) is True
    if form == "labels":
        listed = t.is_list(kind) or t.is_fixed_size_list(kind)
        return bool(t.is_integer(kind.value_type if listed else kind))
    if form == "bool":
        return bool(t.is_boolean(kind))
    return form == "float" and t.is_floating(kind) is True


def _of_table(table: pa.Table, path: str) -> Predictions:
    for name in table.column_names:
        if table[name].null_count:
            raise DataError(f"has an empty cell in column {name}", where=path)
    for name, most in MOST_TEXT.items():
        chunks = table[name].chunks if name in table.column_names else []
        for text in (text for chunk in chunks for text in chunk.dictionary.to_pylist()):
            if text is None or len(text) > most:
                raise DataError(f"has an absurd text in column {name}", where=path)
    columns = {name: _column(table[name]) for name in table.column_names if name != "id"}
    for name, column in columns.items():
        if column.dtype.kind == "f" and not np.isfinite(column).all():
            raise DataError(f"has a number that is not finite in column {name}", where=path)
    predictions = Predictions(
        tuple(table["id"].to_pylist()),
        _labels(columns["y_true"], path),
        _labels(columns["y_pred"], path),
        {name: column for name, column in columns.items() if name not in _DERIVED},
    )
    same = np.equal(predictions.y_true, predictions.y_pred)
    right = np.logical_and.reduce(same.reshape(len(predictions.ids), -1), axis=1)
    if "correct" in columns and not np.array_equal(columns["correct"], right):
        raise DataError(
            "has a column correct that does not follow from the labels",
            where=path,
            remedy="do not edit the file",
        )
    return predictions


def _labels(column: npt.NDArray[Any], path: str) -> npt.NDArray[np.int32]:
    labels: npt.NDArray[np.int32] = column.astype(np.int32)
    if not np.array_equal(labels, column):
        raise DataError("has a label that is no label id", where=path)
    return labels


def _column(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    """A column as an array of its own kind; lists give a row an item."""
    return np.array(column.to_pylist())
