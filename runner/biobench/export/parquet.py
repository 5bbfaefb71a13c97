"""Parquet in long form: one row a model, task and item (of a task of traits: and trait)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from biobench.compare.groups import groups_of
from biobench.compare.results import is_open
from biobench.errors import DataError, UsageError
from biobench.export.formats import ExportOptions
from biobench.report.page.names import UNKNOWN
from biobench.report.results import Results
from biobench.spec.load import Spec

if TYPE_CHECKING:
    import pyarrow as pa


def write(results: Sequence[Results], spec: Spec, options: ExportOptions) -> bytes:
    """The predictions of all results as one file.

    Columns: ``suite``, ``division``, ``model``, ``resolved``, ``n_train``, ``task``, ``id``,
    ``group``, ``cluster``, ``trait``, ``y_true``, ``y_pred``, ``true_class``,
    ``predicted_class``, ``correct``. The suite is null for own tasks; names of classes are null
    where the predictions came without them, as in a submission.

    Raises:
        UsageError: The results may not share a table.
        DataError: Predictions cannot be read or are not those that were scored.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    for group in groups_of(results, by=("division",))[1:]:
        raise UsageError(f"cannot share a file: {group.reason}", remedy="export them one by one")
    tables = [_rows(result, task) for result in results for task in result.tasks
              if not result.tasks[task]["declared"]]  # fmt: skip
    if not tables:
        raise DataError("the results have no task that was run", remedy="give the folder of a run")
    sink = pa.BufferOutputStream()
    pq.write_table(pa.concat_tables(tables), sink, compression="zstd")
    return bytes(sink.getvalue())


def _rows(result: Results, task: str) -> pa.Table:
    import pyarrow as pa

    predictions = result.predictions(task)
    names = result.names(task)
    document, count = result.document, len(predictions.ids)
    traits = predictions.y_true.shape[1] if predictions.y_true.ndim == 2 else None
    repeat = traits or 1
    truth, predicted = predictions.y_true.ravel(), predictions.y_pred.ravel()
    rows = count * repeat
    columns: dict[str, Any] = {
        "suite": _constant(None if is_open(result) else document["suite"], rows),
        "division": _constant(document["division"], rows),
        "model": _constant(document["model"]["name"], rows),
        "resolved": _constant(document["model"]["resolved"], rows),
        "n_train": pa.array([document["n_train"]] * rows, pa.int64()),
        "task": _constant(task, rows),
        "id": pa.array([id for id in predictions.ids for _ in range(repeat)], pa.string()),
        **{
            name: _constant(None, rows) if predictions.extras.get(name) is None
            else pa.array(np.repeat(predictions.extras[name], repeat).tolist(), pa.string())
            for name in ("group", "cluster")
        },
        "trait": _constant(None, rows) if traits is None
        else pa.array(_traits(names.predicted, traits) * count, pa.string()),
        "y_true": pa.array(truth, pa.int32()),
        "y_pred": pa.array(predicted, pa.int32()),
        "true_class": _classes(truth, names.truth or names.predicted, traits),
        "predicted_class": _classes(predicted, names.predicted, traits),
        "correct": pa.array(truth == predicted, pa.bool_()),
    }  # fmt: skip
    return pa.table(columns)


def _constant(value: str | None, count: int) -> Any:
    import pyarrow as pa

    return pa.array([value] * count, pa.string())


def _traits(names: Sequence[str], count: int) -> list[str]:
    return list(names) if len(names) == count else [str(i) for i in range(count)]


def _classes(labels: Any, names: Sequence[str], traits: int | None) -> Any:
    """The name of each label: null where there is none, as of the values of a trait."""
    import pyarrow as pa

    known: list[str | None] = [None, *names] if traits is None else []
    found = [
        UNKNOWN if label == -1 else known[label + 1] if 0 <= label + 1 < len(known) else None
        for label in labels.tolist()
    ]
    return pa.array(found, pa.string())
