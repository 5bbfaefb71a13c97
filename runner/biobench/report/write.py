"""Writing a run's files: predictions, digests of items, the page and results.json (SPEC.md,
section "Results").

In: a result and its task outcomes. Out: files in a folder, all of them or none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from biobench.report.earlier import PAGE, PREDICTIONS
from biobench.report.item_digests import FOLDER, files_of
from biobench.report.outcome import TaskOutcome
from biobench.report.page.evidence import PICTURES_OFF_REASON, PageEvidence
from biobench.report.page.names import names_of_manifest
from biobench.report.replace import replacing
from biobench.report.result_page import render_page
from biobench.report.results import FILE, Results

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from biobench.data.predictions import Predictions


@dataclass(frozen=True)
class PageOptions:
    """Options of the page of a result.

    Attributes:
        images: True where it holds pictures of items.
        constants: What it needs to compute scores again, see
            :attr:`biobench.spec.load.Spec.interval_constants`; None leaves that out.
        notes: By task, what is to be known of its data.
    """

    images: bool = True
    constants: Mapping[str, Any] | None = None
    notes: Mapping[str, Sequence[str]] = field(default_factory=dict)


def write_run(
    results: Results,
    outcomes: Sequence[TaskOutcome],
    folder: Path,
    beside: Mapping[str, bytes] = MappingProxyType({}),
    page: PageOptions = PageOptions(),
) -> None:
    """Write all files of a run under ``folder``, replacing those of an earlier run or curve.

    The folder holds the whole earlier result until it holds the whole new one.

    Args:
        results: The result; its folder is set.
        outcomes: The tasks that were run.
        folder: The folder.
        beside: Further files by name, such as that of the task.
        page: What the page shows.

    Raises:
        BiobenchError: The folder cannot be written.
    """
    with replacing(folder) as fresh:
        write_files(results, outcomes, fresh, page)
        write_beside(beside, fresh)
    results.folder = folder


def write_beside(files: Mapping[str, bytes], folder: Path) -> None:
    """Write files by name to a folder."""
    for name, data in files.items():
        (folder / name).write_bytes(data)


def write_files(
    results: Results, outcomes: Sequence[TaskOutcome], folder: Path, page: PageOptions
) -> None:
    """Write everything of a run to an empty folder, which is made.

    Args:
        results: The result.
        outcomes: The tasks that were run.
        folder: The folder.
        page: What the page shows.
    """
    for name in (PREDICTIONS, FOLDER):
        (folder / name).mkdir(parents=True)
    for outcome in outcomes:
        path = folder / results.tasks[outcome.task.id]["predictions"]
        path.write_bytes(predictions_parquet(outcome))
        for place, data in files_of(outcome.task.id, outcome.leaves).items():
            (folder / place).write_bytes(data)
    evidence = {one.task.id: _evidence(one, images=page.images) for one in outcomes}
    text = render_page(results, evidence, page.constants, page.notes)
    (folder / PAGE).write_text(text, encoding="utf-8")
    (folder / FILE).write_text(results.to_json(), encoding="utf-8")


def predictions_parquet(outcome: TaskOutcome) -> bytes:
    """The predictions of a task as a Parquet file: one row a scored item, in manifest order.

    Columns: id string, y_true and y_pred int32 (traits: lists of int8), correct bool (traits: all
    of them), group string where the task has groups, cluster string where the layout has clusters,
    true_poisonous and predicted_poisonous bool where the data set lists poisonous classes, and the
    protocol's extras. Class names of truth and of prediction, or the names of the traits, are in
    the file's metadata, as JSON lists.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    predictions = outcome.predictions
    columns = {
        "id": pa.array(predictions.ids, pa.string()),
        "y_true": _labels(predictions.y_true),
        "y_pred": _labels(predictions.y_pred),
        "correct": pa.array(_correct(predictions), pa.bool_()),
    }
    extras = predictions.extras
    for name in ("group", "cluster"):
        if name in extras:
            columns[name] = pa.array(extras[name].tolist(), pa.string())
    for name in ("true_poisonous", "predicted_poisonous"):
        if name in extras:
            columns[name] = pa.array(extras[name], pa.bool_())
    if "neighbours" in extras:
        columns["neighbours"] = pa.array(list(extras["neighbours"]), pa.list_(pa.int32()))
        columns["first_hit"] = pa.array(extras["first_hit"], pa.int32())
        columns["average_precision"] = pa.array(extras["average_precision"], pa.float64())
    manifest = outcome.manifest
    metadata = {
        "task": outcome.task.id,
        "classes": json.dumps(list(manifest.classes), ensure_ascii=False),
        "test_classes": json.dumps(list(manifest.test_classes), ensure_ascii=False),
    }
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns).replace_schema_metadata(metadata), sink)
    return bytes(sink.getvalue())


def _labels(values: npt.NDArray[np.int32]) -> Any:
    """A column of label ids, or of lists of them."""
    import pyarrow as pa

    if values.ndim == 1:
        return pa.array(values, pa.int32())
    return pa.array(values.tolist(), pa.list_(pa.int8(), values.shape[1]))


def _correct(predictions: Predictions) -> npt.NDArray[np.bool_]:
    import numpy as np

    equal = np.equal(predictions.y_true, predictions.y_pred)
    every: npt.NDArray[np.bool_] = np.logical_and.reduce(equal.reshape(len(equal), -1), axis=1)
    return every


def _evidence(outcome: TaskOutcome, *, images: bool) -> PageEvidence:
    """The evidence of a task that was run just now."""
    return PageEvidence(
        outcome.predictions,
        names_of_manifest(outcome.manifest),
        outcome.task,
        outcome.manifest if images else None,
        None if images else PICTURES_OFF_REASON,
    )
