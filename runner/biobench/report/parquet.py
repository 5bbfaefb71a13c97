"""The Parquet file of predictions, decoded (SPEC.md, section "Results").

In: the bytes of a file that may be damaged or from anyone. Out: predictions, or why there are none.
Its library ends the process at some damaged files and has no limit of its own, so only the process
of :mod:`biobench.report.parquet_process` calls this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from biobench._common.text import joined, short
from biobench.data.predictions import Predictions
from biobench.report.rows import DERIVED, FORMS, MOST_TEXT, Unsound

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

MOST_ROWS = 2_000_000
MOST_BYTES = 256 << 20


def decoded(data: bytes) -> Predictions:
    """The predictions in a file.

    Raises:
        Unsound: The file has none as a run writes them.
    """
    try:
        return _of_table(_table(data))
    except (ValueError, TypeError, OverflowError, MemoryError) as error:
        raise Unsound(
            f"cannot be read as Parquet ({joined(error)[:200] or 'no memory'})"
        ) from error


def metadata(data: bytes) -> dict[str, str]:
    """The texts beside the columns of a file, such as the names of the classes.

    Raises:
        Unsound: The file cannot be read as Parquet.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        found = pq.read_schema(pa.BufferReader(pa.py_buffer(data))).metadata or {}
    except (OSError, pa.ArrowException, ValueError) as error:
        raise Unsound(f"cannot be read as Parquet ({joined(error)[:200]})") from error
    return {
        name.decode("utf-8", "replace"): v.decode("utf-8", "replace") for name, v in found.items()
    }


def _table(data: bytes) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        buffer = pa.py_buffer(data)
        names = pq.read_schema(pa.BufferReader(buffer)).names
        # Texts as numbers of a dictionary: a short file can repeat a long one without end.
        texts = [name for name in MOST_TEXT if name in names]
        file = pq.ParquetFile(pa.BufferReader(buffer), read_dictionary=texts)
        fault = _fault(file)
        if fault is not None:
            raise Unsound(fault)
        table = file.read(use_threads=False)
        # A damaged file can have numbers that no entry of its dictionary belongs to.
        table.validate(full=True)
        if table.nbytes > MOST_BYTES:
            # Lists have any number of values, whatever the footer says of rows and bytes.
            raise Unsound(f"holds more than {MOST_BYTES >> 20} MiB")
        return table
    except (OSError, pa.ArrowException) as error:
        raise ValueError(str(error)) from error


def _fault(file: pq.ParquetFile) -> str | None:
    """The reason why a file is not read, from its footer and its types; None where there is
    none."""
    footer, schema = file.metadata, file.schema_arrow
    names = list(schema.names)
    for name in ("id", "y_true", "y_pred"):
        if name not in names:
            return f"has no column {name}"
    if len(set(names)) < len(names):
        return "has a column twice"
    for field in schema:
        if not _fits(field.type, FORMS.get(field.name)):
            kind = str(field.type)[:80]
            return f"has a column {short(field.name)} of {kind}, which no predictions file has"
    if footer.num_rows > MOST_ROWS:
        return f"has {footer.num_rows} rows, more than {MOST_ROWS}"
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


def _of_table(table: pa.Table) -> Predictions:
    for name in table.column_names:
        if table[name].null_count:
            raise Unsound(f"has an empty cell in column {name}")
    for name, most in MOST_TEXT.items():
        chunks = table[name].chunks if name in table.column_names else []
        for text in (text for chunk in chunks for text in chunk.dictionary.to_pylist()):
            if text is None or len(text) > most:
                raise Unsound(f"has an empty or too long text in column {name}")
    columns = {name: _column(table[name]) for name in table.column_names if name != "id"}
    for name, column in columns.items():
        if column.dtype.kind == "f" and not np.isfinite(column).all():
            raise Unsound(f"has a number that is not finite in column {name}")
    predictions = Predictions(
        tuple(table["id"].to_pylist()),
        _labels(columns["y_true"]),
        _labels(columns["y_pred"]),
        {name: column for name, column in columns.items() if name not in DERIVED},
    )
    same = np.equal(predictions.y_true, predictions.y_pred)
    right = np.logical_and.reduce(same.reshape(len(predictions.ids), -1), axis=1)
    if "correct" in columns and not np.array_equal(columns["correct"], right):
        raise Unsound("has a column correct that does not follow from the labels")
    return predictions


def _labels(column: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
    labels: npt.NDArray[np.int32] = column.astype(np.int32)
    if not np.array_equal(labels, column):
        raise Unsound("has a label that is not a label id")
    return labels


def _column(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    """A column as an array of its own kind; lists give one row an item."""
    return np.array(column.to_pylist())
