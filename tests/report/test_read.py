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

from biobench.data.predictions import Predictions
from biobench.errors import DataError, UsageError
from biobench.report import parquet_process
from biobench.report.results import Results
from biobench.report.rows import RowLimits, Unsound, predictions_of
from biobench.spec.canonical import canonical_json

IDS = ("a", "b", "c")
LABELS = {"y_true": [0, 1, -1], "y_pred": [0, 2, -2], "correct": [True, False, False]}
RANKS = {
    "neighbours": [[1, 2], [0, -1], [0, 1]],
    "first_hit": [1, 0, 2],
    "average_precision": [1.0, 0.0, 1 / 3],
}
TRAITS = {"y_true": [[0, 1], [1, 1], [0, 0]], "y_pred": [[0, 1], [0, 1], [0, 0]]}
GROUPS = {
    "group": ["x", "y", "x"],
    "cluster": ["k1", "é", "k1"],
    "true_poisonous": [True, False, False],
}


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
    found = results.predictions(task)
    assert found.ids == IDS
    assert found.y_pred.tolist() == columns["y_pred"]
    assert found.y_true.dtype == found.y_pred.dtype == np.int32
    assert found.digest == results.tasks[task]["digests"]["predictions"]
    extras = {name for name in columns if name not in LABELS}
    assert {name: column.tolist() for name, column in found.extras.items()} == {
        name: columns[name] for name in extras
    }


def test_a_cluster_may_be_a_path(document: dict[str, Any], tmp_path: Path) -> None:
    """Protects: an image that belongs to no group is a cluster by its path, which is as long as an
    id may be; it is read from Parquet and from the rows of a submission. Longer ones are not."""
    task = next(iter(document["tasks"]))
    for length, sound in ((8_192, True), (8_193, False)):
        clusters = ["x" * length, "site", "y"]
        results = saved(tmp_path / str(length), document, LABELS | {"cluster": clusters}, task)
        rows = [[id, 0, 0, {"cluster": name}] for id, name in zip(IDS, clusters, strict=True)]
        data = canonical_json(rows)
        if sound:
            assert results.predictions(task).extras["cluster"].tolist() == clusters
            read = predictions_of(task, data, RowLimits(10, 1 << 20))
            assert read.extras["cluster"].tolist() == clusters
        else:
            with pytest.raises(DataError, match="too long text in column cluster"):
                results.predictions(task)
            with pytest.raises(Unsound, match="too long a text in column 'cluster'"):
                predictions_of(task, data, RowLimits(10, 1 << 20))


def test_another_runs_file_is_refused(document: dict[str, Any], tmp_path: Path) -> None:
    """One prediction changed, a column cut off, no Parquet, no file, no folder, no such task."""
    task = next(iter(document["tasks"]))
    results = saved(tmp_path, document, LABELS, task)
    path = tmp_path / "predictions" / "t.parquet"
    pq.write_table(pa.table({"id": IDS, **LABELS, "y_pred": [0, 2, 1]}), path)
    with pytest.raises(DataError, match=r"t\.parquet: .*digest differs"):
        results.predictions(task)
    pq.write_table(pa.table({"id": IDS, "y_true": [0, 1, -1]}), path)
    with pytest.raises(DataError, match="no column y_pred"):
        results.predictions(task)
    path.write_bytes(b"PAR1 but not really")
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        results.predictions(task)
    path.unlink()
    with pytest.raises(DataError, match=r"t\.parquet"):
        results.predictions(task)
    with pytest.raises(DataError, match="was not saved"):
        Results(results.document).predictions(task)
    with pytest.raises(UsageError, match="no task 'x'"):
        results.predictions("x")


def test_a_damaged_footer(document: dict[str, Any], tmp_path: Path) -> None:
    """Whichever byte of it changed: the same predictions, or one line. (Asked about a single
    column, pyarrow ends the whole process at some of them.)"""
    task = next(iter(document["tasks"]))
    results = saved(tmp_path, document, LABELS | GROUPS, task)
    path = tmp_path / "predictions" / "t.parquet"
    whole = path.read_bytes()
    length = int.from_bytes(whole[-8:-4], "little") + 8
    digest, caught = results.predictions(task).digest, 0
    for at in range(len(whole) - length, len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x04]) + whole[at + 1 :])
        try:
            assert results.predictions(task).digest == digest
        except DataError:
            caught += 1
    assert caught > length // 20


@pytest.mark.slow
def test_a_file_that_ends_its_decoder(
    document: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library ends the process at some damaged files: that is one line, and the next file is
    read by a new process."""
    task = next(iter(document["tasks"]))
    results = saved(tmp_path, document, LABELS, task)
    whole = results.predictions(task).digest
    with monkeypatch.context() as patched:
        patched.setattr(parquet_process, "_PROGRAM", "import os; os.abort()")
        parquet_process._READER.close()
        with pytest.raises(DataError, match=r"t\.parquet: .*its decoder ended by SIGABRT"):
            results.predictions(task)
        patched.setattr(parquet_process, "_PROGRAM", "import time; time.sleep(100)")
        patched.setattr(parquet_process, "MOST_SECONDS", 0.5)
        with pytest.raises(DataError, match=r"t\.parquet: .*its decoder ended by SIGKILL"):
            results.predictions(task)
    assert results.predictions(task).digest == whole


def bomb(rows: int, **columns: Any) -> bytes:
    """A short file of many rows."""
    sink = pa.BufferOutputStream()
    same = pa.array(np.zeros(rows, np.int32))
    ids = pa.DictionaryArray.from_arrays(same, pa.array(["x"]))
    table = pa.table({"id": ids, "y_true": same, "y_pred": same, **columns})
    pq.write_table(table, sink, compression="zstd")
    return bytes(sink.getvalue())


BOMBS = {
    "a long text in every row": (
        lambda: bomb(
            9_000,
            group=pa.DictionaryArray.from_arrays(
                np.zeros(9_000, np.int32), pa.array(["x" * 9_999])
            ),
        ),
        "too long text in column group",
    ),
    "a list without end": (
        lambda: bomb(1, neighbours=pa.array([np.zeros(70_000_000, np.int32)])),
        "holds more than 256 MiB",
    ),
    "rows without end": (lambda: bomb(2_100_000), "has 2100000 rows, more than 2000000"),
    "one id in all rows": (lambda: bomb(1_000_000), "occurs twice"),
}


LONG = "a list without end"


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name == LONG)) for name in BOMBS]
)
def test_bombs(name: str, document: dict[str, Any], tmp_path: Path) -> None:
    """Some KB that hold more than any result has: one line, and little memory here."""
    task = next(iter(document["tasks"]))
    results = saved(tmp_path, document, LABELS, task)
    make, words = BOMBS[name]
    data = make()
    assert len(data) < 500_000
    (tmp_path / "predictions" / "t.parquet").write_bytes(data)
    with pytest.raises(DataError, match=words):
        results.predictions(task)
