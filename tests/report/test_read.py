"""Predictions read back: those that were scored, or one line that says why not."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from biobench.errors import DataError, UsageError
from biobench.probe.predictions import Predictions
from biobench.report.read import read_predictions
from biobench.report.results import Results

IDS = ("a", "b", "c")
LABELS = {"y_true": [0, 1, -1], "y_pred": [0, 2, -2], "correct": [True, False, False]}
RANKS = {
    "neighbours": [[1, 2], [0, -1], [0, 1]],
    "first_hit": [1, 0, 2],
    "average_precision": [1.0, 0.0, 1 / 3],
}
TRAITS = {"y_true": [[0, 1], [1, 1], [0, 0]], "y_pred": [[0, 1], [0, 1], [0, 0]]}
GROUPS = {"group": ["x", "y", "x"], "true_poisonous": [True, False, False]}


def saved(folder: Path, document: dict[str, Any], columns: dict[str, Any], task: str) -> Results:
    """A result in ``folder`` whose task has a predictions file of these columns."""
    path = folder / "predictions" / "t.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(pa.table({"id": IDS, **columns}), path)
    document = copy.deepcopy(document)
    extras = {k: np.array(v) for k, v in columns.items() if k not in LABELS}
    truth, predicted = (np.array(columns[k], np.int32) for k in ("y_true", "y_pred"))
    digest = Predictions(IDS, truth, predicted, extras).digest
    document["tasks"][task]["predictions"] = "predictions/t.parquet"
    document["tasks"][task]["digests"]["predictions"] = digest
    return Results(document, folder)


@pytest.fixture
def document(repository: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((repository / "tests/spec/results.json").read_text())
    return value


@pytest.mark.parametrize("columns", [LABELS, LABELS | RANKS, TRAITS, LABELS | GROUPS])
def test_every_kind_of_column_comes_back(
    columns: dict[str, Any], document: dict[str, Any], tmp_path: Path
) -> None:
    """Labels, lists of traits, ranks, names and flags: the digest is that of the result."""
    task = next(iter(document["tasks"]))
    results = saved(tmp_path, document, columns, task)
    found = read_predictions(results, task)
    assert found.ids == IDS
    assert found.y_pred.tolist() == columns["y_pred"]
    assert found.y_true.dtype == found.y_pred.dtype == np.int32
    assert found.digest == results.tasks[task]["digests"]["predictions"]
    extras = {name for name in columns if name not in LABELS}
    assert {name: column.tolist() for name, column in found.extras.items()} == {
        name: columns[name] for name in extras
    }


def test_another_runs_file_is_refused(document: dict[str, Any], tmp_path: Path) -> None:
    """One prediction changed, a column cut off, no Parquet, no file, no folder, no such task."""
    task = next(iter(document["tasks"]))
    results = saved(tmp_path, document, LABELS, task)
    path = tmp_path / "predictions" / "t.parquet"
    pq.write_table(pa.table({"id": IDS, **LABELS, "y_pred": [0, 2, 1]}), path)
    with pytest.raises(DataError, match=r"t\.parquet: .*digest differs"):
        read_predictions(results, task)
    pq.write_table(pa.table({"id": IDS, "y_true": [0, 1, -1]}), path)
    with pytest.raises(DataError, match="no column y_pred"):
        read_predictions(results, task)
    path.write_bytes(b"PAR1 but not really")
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        read_predictions(results, task)
    path.unlink()
    with pytest.raises(DataError, match=r"t\.parquet"):
        read_predictions(results, task)
    with pytest.raises(DataError, match="was not saved"):
        read_predictions(Results(results.document), task)
    with pytest.raises(UsageError, match="no task 'x'"):
        read_predictions(results, "x")


def test_a_damaged_footer(document: dict[str, Any], tmp_path: Path) -> None:
    """Whichever byte of it changed: the same predictions, or one line. (Asked about a single
    column, pyarrow ends the whole process at some of them.)"""
    task = next(iter(document["tasks"]))
    results = saved(tmp_path, document, LABELS | GROUPS, task)
    path = tmp_path / "predictions" / "t.parquet"
    whole = path.read_bytes()
    length = int.from_bytes(whole[-8:-4], "little") + 8
    digest, caught = read_predictions(results, task).digest, 0
    for at in range(len(whole) - length, len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x04]) + whole[at + 1 :])
        try:
            assert read_predictions(results, task).digest == digest
        except DataError:
            caught += 1
    assert caught > length // 20
