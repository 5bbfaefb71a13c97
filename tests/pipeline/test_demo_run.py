"""The main job on the embedded suite, in real processes: the same bits on every path to them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from biobench import Results, load_results
from biobench.metric import macro_f1, traits_f1, user_loss
from biobench.report.result_document import result_digest
from processor_time import processor_time

pytestmark = pytest.mark.slow

TASKS = [
    "demo-beluga", "demo-fishnet", "demo-fungiclef", "demo-herbarium19", "demo-iwildcam",
    "demo-kabr", "demo-mammalnet", "demo-plankton", "demo-plantnet",
]  # fmt: skip
SOME = ["demo-beluga", "demo-fishnet", "demo-fungiclef", "demo-plankton"]
"""Every shape of predictions: neighbours, traits, refusals, classes."""
FEW = ["demo-beluga", "demo-plankton"]
"""Nearest neighbours and a trained probe."""
STAGES = ("data", "pixels", "features", "predictions", "score", "result")
SLOWLY = """
import time
from biobench._common.store import Store
from biobench.cli import main

put = Store.put

def slowly(*given, **named):
    put(*given, **named)
    time.sleep(0.4)

Store.put = slowly
main()
"""
"""A run that can be hit after each shard, as with a larger model."""


def command(
    model: str, store: Path, out: Path, workers: int, tasks: list[str], *, slowly: bool = False
) -> list[str]:
    start = ["-c", SLOWLY] if slowly else ["-m", "biobench"]
    chosen = [word for task in tasks for word in ("--task", task)]
    if tasks == TASKS:
        chosen = ["--suite", "demo"]
    arguments = ["--model", model, *chosen, "--store", str(store), "--out", str(out)]
    return [sys.executable, *start, *arguments, "--workers", str(workers)]


def run(model: str, store: Path, out: Path, workers: int, tasks: list[str]) -> Results:
    done = subprocess.run(
        command(model, store, out, workers, tasks),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for task in tasks:
        assert task in done.stdout
    return load_results(out)


@pytest.fixture(
    scope="module", params=[SOME, pytest.param(TASKS, marks=pytest.mark.depth)], ids=["some", "all"]
)
def tasks(request: pytest.FixtureRequest) -> list[str]:
    """Tasks of the demo suite. The whole of it takes two minutes of processor time."""
    chosen: list[str] = request.param
    return chosen


@pytest.fixture(scope="module")
def model(tasks: list[str], small_program: str) -> str:
    """The suite as the README runs it; a few tasks by a program that is soon done with them."""
    return "demo" if tasks == TASKS else small_program


@pytest.fixture(scope="module")
def folder(tasks: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo-run")


@pytest.fixture(scope="module")
def first(model: str, tasks: list[str], folder: Path) -> Results:
    """A run from nothing with one worker."""
    return run(model, folder / "store", folder / "first", 1, tasks)


@pytest.mark.timeout(900)
def test_the_result_is_valid(first: Results, tasks: list[str], repository: Path) -> None:
    """The document fits its schema, its digest holds, and scores lie between chance and 1."""
    schema = json.loads((repository / "spec/v1/schema/results.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(first.document)
    assert first.digests["result"] == result_digest(first.document)
    assert list(first.tasks) == tasks
    for task, entry in first.tasks.items():
        chance = 0.5 if entry["metric"] == "traits_f1" else 1 / entry["counts"]["classes"]
        # A program of seeded weights may know nothing of a task.
        assert (chance if tasks == TASKS else 0) < entry["score"] < 1, task
        if entry["clusters"]["effective"] >= 5:
            assert entry["interval"]["low"] <= entry["score"] <= entry["interval"]["high"], task
        else:
            assert (entry["interval"], entry["no_interval"]) == (None, "few-clusters"), task
    assert first.document["official"] is False
    assert "suite demo" in first.document["unofficial_reasons"]
    if tasks == TASKS:
        assert first.mean is not None
        assert first.mean["tasks"] == len(TASKS)
        assert first.document["unofficial_reasons"] == ["suite demo"]
    assert first.document["levels"] == {
        "pixels": "D", "features": "F", "predictions": "P", "score": "S"
    }  # fmt: skip


def column(table: pa.Table, name: str) -> np.ndarray[Any, Any]:
    """A column as an array; traits are a column of lists."""
    return np.array(table[name].to_pylist())


def rescored(metric: str, table: pa.Table) -> float:
    """The score by the public functions, from nothing but the file."""
    truth, prediction = column(table, "y_true"), column(table, "y_pred")
    if metric == "traits_f1":
        return traits_f1(truth, prediction)
    if metric == "user_loss":
        seen = truth[column(table, "true_poisonous")]
        called = prediction[column(table, "predicted_poisonous")]
        return user_loss(truth, prediction, poisonous=sorted({*seen.tolist(), *called.tolist()}))
    assert metric == "macro_f1"
    return macro_f1(truth, prediction)


@pytest.mark.timeout(900)
def test_predictions_give_the_score(first: Results) -> None:
    """Anyone can recompute the score from the Parquet file: it holds what was scored, in order."""
    assert first.folder is not None
    for task, entry in first.tasks.items():
        table = pq.read_table(first.folder / entry["predictions"])
        assert rescored(entry["metric"], table) == entry["score"], task
        assert table.num_rows == entry["counts"]["test"]
        equal = column(table, "y_true") == column(table, "y_pred")
        right = equal.reshape(table.num_rows, -1).all(axis=1)
        assert (column(table, "correct") == right).all()
        assert first.predictions(task).digest == entry["digests"]["predictions"]
        classes = json.loads(table.schema.metadata[b"classes"])
        assert len(classes) == entry["counts"]["classes"]
    beluga = pq.read_table(first.folder / "predictions/demo-beluga.parquet")
    assert {"neighbours", "first_hit", "average_precision"} <= set(beluga.column_names)
    fishnet = pq.read_table(first.folder / "predictions/demo-fishnet.parquet")
    for name in ("y_true", "y_pred"):
        assert fishnet.schema.field(name).type == pa.list_(pa.int8(), 9)
    fungiclef = pq.read_table(first.folder / "predictions/demo-fungiclef.parquet")
    unknown = column(fungiclef, "y_true") == -1
    refused = column(fungiclef, "y_pred") == -1
    # Strangers are told from the known at times, and not always, and so are the known.
    assert 0 < (unknown & refused).sum() < unknown.sum()
    assert 0 < (~unknown & refused).sum() < (~unknown).sum()


@pytest.mark.timeout(900)
def test_a_second_run_reuses_everything(
    first: Results, model: str, tasks: list[str], folder: Path
) -> None:
    """With two workers and the same store nothing is computed again: under 20 s of processor time.

    Processor time, because the wall time of a test depends on what else the machine does.
    """
    with processor_time() as spent:
        second = run(model, folder / "store", folder / "second", 2, tasks)
    assert spent.seconds < 20
    assert {stage: second.digests[stage] for stage in STAGES} == {
        stage: first.digests[stage] for stage in STAGES
    }
    for entry in second.tasks.values():
        assert entry["cost"]["stages"]["embed"] == entry["cost"]["stages"]["decode"] == 0


@pytest.mark.timeout(900)
def test_killed_and_started_again(
    first: Results, model: str, tasks: list[str], folder: Path
) -> None:
    """kill -9 half-way, with another number of workers: the same digests as an undisturbed run of
    more tasks, or of as many."""
    killed = tasks if tasks == TASKS else FEW
    store, out = folder / "killed-store", folder / "killed"
    with subprocess.Popen(
        command(model, store, out, 2, killed, slowly=True),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        while len(list(store.glob("features-*/*/*.safetensors"))) < 2:
            assert process.poll() is None, "the run ended before it could be killed"
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not (out / "results.json").exists()
    kept = len(list(store.glob("features-*/*/*.safetensors")))
    again = run(model, store, out, 2, killed)
    assert kept < len(list(store.glob("features-*/*/*.safetensors")))
    assert list(again.tasks) == killed
    for task in killed:
        assert again.tasks[task]["digests"] == first.tasks[task]["digests"]
    if killed == tasks:
        for stage in STAGES:
            assert again.digests[stage] == first.digests[stage]
    assert again.tasks["demo-plankton"]["score"] == first.tasks["demo-plankton"]["score"]


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("name", ["small", pytest.param("demo", marks=pytest.mark.depth)])
def test_interrupted_politely(
    name: str, sent: signal.Signals, code: int, small_program: str, tmp_path: Path
) -> None:
    """Ctrl-C and SIGTERM give one line and the conventional exit codes, and keep what was done."""
    model = "demo" if name == "demo" else small_program
    store = tmp_path / "store"
    with subprocess.Popen(
        command(model, store, tmp_path / "never", 1, FEW, slowly=True),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while not list(store.glob("features-*/*/*.safetensors")):
            assert process.poll() is None
            time.sleep(0.05)
        # An impatient person presses more than once.
        for _ in range(3):
            process.send_signal(sent)
            time.sleep(0.1)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == code, errors
    assert errors.strip().splitlines()[-1].startswith("biobench: ")
    assert "Traceback" not in errors
    assert not (tmp_path / "never").exists()


@pytest.mark.timeout(900)
def test_json_output_is_the_document_alone(
    first: Results, model: str, tasks: list[str], folder: Path
) -> None:
    """`--json` prints the result document on standard output and nothing else anywhere."""
    done = subprocess.run(
        [*command(model, folder / "store", folder / "json", 2, tasks), "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    document: dict[str, Any] = json.loads(done.stdout)
    assert document["digests"]["result"] == first.digests["result"]
    assert done.stderr == ""


def test_frame(first: Results, tasks: list[str]) -> None:
    """`to_frame` has one row a task, for notebooks."""
    frame = first.to_frame()
    assert list(frame["task"]) == tasks
    assert list(frame["score"]) == [entry["score"] for entry in first.tasks.values()]
