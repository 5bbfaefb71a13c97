"""Files that `export` writes of runs, read back by the other side's own library."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from photographs import write_photos

from biobench import load_results
from biobench.cli import execute

pytestmark = pytest.mark.slow

LICENCE = "https://spdx.org/licenses/CC0-1.0"


def exported(run: Path, format: str, out: Path, *options: str) -> bytes:
    assert execute(["export", str(run), "--format", format, "--out", str(out), *options]) == 0
    return out.read_bytes()


def test_a_model_card(declared_run: Path, tmp_path: Path) -> None:
    """huggingface_hub reads the block as the head of a README: every score, and the mean."""
    from huggingface_hub import ModelCard

    results = load_results(declared_run)
    address = "https://example.org/result"
    exported(declared_run, "model-card", tmp_path / "README.md", "--source-url", address)
    card = ModelCard.load(tmp_path / "README.md")
    found = {entry.dataset_type: entry for entry in card.data.eval_results}
    assert results.mean is not None
    scores = {task: entry["score"] for task, entry in results.tasks.items()}
    wanted = {**scores, "prior-work": results.mean["score"]}
    assert {name: entry.metric_value for name, entry in found.items()} == wanted
    assert found["imagenet1k"].metric_name.endswith("not official, declared)")
    assert {entry.source_url for entry in found.values()} == {address}
    assert card.data.model_name == results.document["model"]["name"]


def test_results_of_the_hub(declared_run: Path, tmp_path: Path) -> None:
    """huggingface_hub parses the entries; the data set's id on the hub is never made up."""
    import yaml
    from huggingface_hub import parse_eval_result_entries

    out = tmp_path / "biobench.yaml"
    data = exported(declared_run, "eval-results", out, "--hub-dataset", "org/bench")
    entries = parse_eval_result_entries(yaml.safe_load(data))
    results = load_results(declared_run)
    assert {e.task_id: e.value for e in entries} == {
        task: entry["score"] for task, entry in results.tasks.items()
    }
    assert {e.dataset_id for e in entries} == {"org/bench"}
    assert {e.date for e in entries} == {results.document["run"]["finished"]}
    assert all(results.digests["result"] in e.notes for e in entries)
    for given in ([], ["--hub-dataset", "bench"], ["--hub-dataset", "a/b/c"]):
        assert execute(["export", str(declared_run), "--format", "eval-results", *given]) == 2


def test_a_result_that_is_given_twice_is_one(
    own_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A result, its copy and its submission are one model, with a line for each further one."""
    shutil.copytree(own_run, tmp_path / "copy")
    submission = tmp_path / "submission.tar"
    assert execute(["submit", str(own_run), "--out", str(submission)]) == 0
    capsys.readouterr()
    assert execute(["report", str(own_run), "--csv"]) == 0
    once = capsys.readouterr()
    given = [own_run, tmp_path / "copy", submission]
    assert execute(["report", *map(str, given), "--csv"]) == 0
    found = capsys.readouterr()
    assert found.out == once.out
    assert once.err == ""
    assert found.err.splitlines() == [
        f"biobench: {place}: the same result as {own_run}, taken once" for place in given[1:]
    ]
    table = exported(own_run, "csv", tmp_path / "once.csv")
    twice = ["export", str(own_run), str(own_run), "--format", "csv"]
    assert execute([*twice, "--out", str(tmp_path / "twice.csv")]) == 0
    assert (tmp_path / "twice.csv").read_bytes() == table


def test_parquet_in_long_form(own_run: Path, declared_run: Path, tmp_path: Path) -> None:
    """pyarrow reads a row an item, of traits an item and trait, with the names of the classes."""
    import pyarrow.parquet as pq

    exported(own_run, "parquet", tmp_path / "own.parquet")
    rows = pq.read_table(tmp_path / "own.parquet").to_pylist()
    results = load_results(own_run)
    for task in results.tasks:
        predictions = results.predictions(task)
        of = [row for row in rows if row["task"] == task]
        assert [row["y_true"] for row in of] == predictions.y_true.ravel().tolist()
        assert [row["y_pred"] for row in of] == predictions.y_pred.ravel().tolist()
        width = predictions.y_true.shape[1] if predictions.y_true.ndim == 2 else 1
        assert [row["id"] for row in of[::width]] == list(predictions.ids)
        assert all(row["correct"] == (row["y_true"] == row["y_pred"]) for row in of)
        names = json.loads((results.predictions_metadata(task) or {})["classes"])
        for row in of:
            if width > 1:
                assert row["trait"] in names
                assert row["true_class"] is None
            elif row["y_pred"] == -1:
                assert row["predicted_class"] == "unknown"
            else:
                assert row["predicted_class"] == names[row["y_pred"]]
        if "group" in predictions.extras:
            assert [row["group"] for row in of] == predictions.extras["group"].tolist()
        assert {(row["cluster"], row["suite"]) for row in of} == {(None, None)}
    both = ["export", str(own_run), str(declared_run), "--format", "parquet"]
    assert execute([*both, "--out", str(tmp_path / "both.parquet")]) == 2
    assert not (tmp_path / "both.parquet").exists()


def test_parquet_has_the_clusters(demo_run: Path, tmp_path: Path) -> None:
    """The clusters of the intervals are a column."""
    import pyarrow.parquet as pq

    exported(demo_run, "parquet", tmp_path / "rows.parquet")
    rows = pq.read_table(tmp_path / "rows.parquet").to_pylist()
    results = load_results(demo_run)
    assert "cluster" in results.predictions("demo-beluga").extras
    for task in results.tasks:
        predictions = results.predictions(task)
        clusters = predictions.extras.get("cluster", [None] * len(predictions.ids))
        assert [row["cluster"] for row in rows if row["task"] == task] == list(clusters)


@pytest.mark.parametrize("names", [b"[", b"[" * 100_000, b"7", b"\xff"])
def test_parquet_of_damaged_names(own_run: Path, tmp_path: Path, names: bytes) -> None:
    """Names of classes that are no list are no names; the digest of predictions covers none."""
    import pyarrow.parquet as pq

    folder = tmp_path / "run"
    shutil.copytree(own_run, folder)
    for path in (folder / "predictions").glob("*.parquet"):
        table = pq.read_table(path)
        metadata = {**table.schema.metadata, b"classes": names, b"test_classes": names}
        pq.write_table(table.replace_schema_metadata(metadata), path)
    exported(folder, "parquet", tmp_path / "rows.parquet")
    rows = pq.read_table(tmp_path / "rows.parquet").to_pylist()
    assert {row["true_class"] for row in rows} <= {None, "unknown"}
    assert {row["trait"] for row in rows} > {None, "0"}


def test_a_statement_over_the_submission(own_run: Path, tmp_path: Path) -> None:
    """in-toto's own library validates it; its subject is the file that `submit` writes."""
    import in_toto_attestation.v1.statement_pb2 as spb
    from google.protobuf import json_format
    from in_toto_attestation.v1.statement import Statement

    data = exported(own_run, "in-toto", tmp_path / "statement.json")
    statement = Statement.copy_from_pb(json_format.Parse(data, spb.Statement()))
    statement.validate()
    assert execute(["submit", str(own_run), "--out", str(tmp_path / "submission.tar")]) == 0
    submission = (tmp_path / "submission.tar").read_bytes()
    (subject,) = statement.pb.subject
    assert subject.digest["sha256"] == hashlib.sha256(submission).hexdigest()
    read = json_format.MessageToDict(statement.pb.predicate)
    assert read["digests"]["result"] == load_results(own_run).digests["result"]
    of_submission = exported(tmp_path / "submission.tar", "in-toto", tmp_path / "again.json")
    assert of_submission == data


def test_a_crate(own_run: Path, tmp_path: Path) -> None:
    """rocrate reads the folder as a crate: every file is there, with its size and digest."""
    from rocrate.rocrate import ROCrate

    folder = tmp_path / "run"
    shutil.copytree(own_run, folder)
    metadata = folder / "ro-crate-metadata.json"
    exported(folder, "ro-crate", metadata, "--license", LICENCE)
    crate = ROCrate(folder)
    files = {entity.id: entity for entity in crate.data_entities}
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert set(files) == there - {metadata.name}
    for name, entity in files.items():
        data = (folder / name).read_bytes()
        assert int(entity["contentSize"]) == len(data)
        assert entity["sha256"] == hashlib.sha256(data).hexdigest()
    assert crate.root_dataset["license"].id == LICENCE
    assert crate.dereference("#run")["instrument"]["name"] == "biobench"
    assert execute(["export", str(own_run), "--format", "ro-crate"]) == 2


def test_a_crate_of_own_images(small_program: str, tmp_path: Path) -> None:
    """Protects: the task of class folders travels with its result.

    rocrate reads the task file and its table as files of the crate, and copies them with it."""
    from rocrate.rocrate import ROCrate

    photos, run = write_photos(tmp_path / "photos"), tmp_path / "run"
    command = ["run", "--model", small_program, "--images", str(photos), "--out", str(run)]
    assert execute(command) == 0
    exported(run, "ro-crate", run / "ro-crate-metadata.json", "--license", LICENCE)
    crate = ROCrate(run)
    files = {entity.id: entity for entity in crate.data_entities}
    assert files["photos.yaml"]["encodingFormat"] == "application/yaml"
    assert files["photos.csv"]["encodingFormat"] == "text/csv"
    crate.write(tmp_path / "copy")
    there = {path.relative_to(run) for path in run.rglob("*") if path.is_file()}
    copy = tmp_path / "copy"
    assert {path.relative_to(copy) for path in copy.rglob("*") if path.is_file()} == there
    assert execute(["verify", str(copy)]) == 0


def test_a_crate_of_one_size_of_a_curve(
    small_program: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The task file lies above the sizes, where no file of a crate may be: a line says so, until
    it is copied."""
    photos, run = write_photos(tmp_path / "photos"), tmp_path / "run"
    command = ["run", "--model", small_program, "--images", str(photos), "--out", str(run)]
    assert execute([*command, "--n-train", "2,all"]) == 0
    size = run / "all"
    metadata = size / "ro-crate-metadata.json"
    capsys.readouterr()
    exported(size, "ro-crate", metadata, "--license", LICENCE)
    assert "photos.yaml, the task photos, lies above" in capsys.readouterr().err
    for name in ("photos.yaml", "photos.csv"):
        shutil.copyfile(run / name, size / name)
    exported(size, "ro-crate", metadata, "--license", LICENCE)
    assert capsys.readouterr().err == ""
    named = {entity["@id"] for entity in json.loads(metadata.read_text())["@graph"]}
    assert {"photos.yaml", "photos.csv"} <= named


def test_every_eval_ever(declared_run: Path, tmp_path: Path) -> None:
    """Its own types read the record."""
    types = pytest.importorskip(
        "every_eval_ever.eval_types", reason="every-eval-ever needs Python 3.12 and is not here"
    )
    data = exported(declared_run, "every-eval-ever", tmp_path / "e.json", "--organization", "Lab")
    log = types.EvaluationLog.model_validate_json(data)
    results = load_results(declared_run)
    assert {e.evaluation_name: e.score_details.score for e in log.evaluation_results} == {
        task: entry["score"] for task, entry in results.tasks.items()
    }


def test_a_record_of_every_eval_ever_has_what_it_requires(
    declared_run: Path, tmp_path: Path
) -> None:
    """The members that schema 0.3.0 requires, with texts where it wants texts."""
    data = exported(declared_run, "every-eval-ever", tmp_path / "e.json", "--organization", "Lab")
    record: dict[str, Any] = json.loads(data)
    assert set(record) == {
        "schema_version", "evaluation_id", "evaluation_timestamp", "retrieved_timestamp",
        "source_metadata", "eval_library", "model_info", "evaluation_results",
    }  # fmt: skip
    details = [record["eval_library"]["additional_details"], record["model_info"]
               ["additional_details"]]  # fmt: skip
    assert {type(value) for one in details for value in one.values()} == {str}
    for entry in record["evaluation_results"]:
        assert {"evaluation_name", "source_data", "metric_config", "score_details"} <= set(entry)
        config = entry["metric_config"]
        assert config["min_score"] <= entry["score_details"]["score"] <= config["max_score"]
    assert execute(["export", str(declared_run), "--format", "every-eval-ever"]) == 2


def test_mlflow(declared_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow's client finds the run with its numbers and parameters."""
    mlflow = pytest.importorskip("mlflow", reason="mlflow is not installed")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow.set_tracking_uri(f"file://{tmp_path}/mlflow")
    assert execute(["export", str(declared_run), "--format", "mlflow", "--project", "p"]) == 0
    (run,) = mlflow.search_runs(experiment_names=["p"], output_format="list")
    results = load_results(declared_run)
    for task, entry in results.tasks.items():
        assert run.data.metrics[f"{task}/score"] == entry["score"]
    assert run.data.params["digest.result"] == results.digests["result"]


def test_trackio(declared_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """trackio's client finds the run with its configuration."""
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    trackio = pytest.importorskip("trackio", reason="trackio is not installed")
    assert execute(["export", str(declared_run), "--format", "trackio", "--project", "p"]) == 0
    (run,) = trackio.Api().runs("p")
    assert run.config["digest.result"] == load_results(declared_run).digests["result"]


def test_wandb(declared_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client of Weights & Biases writes the run to its folder, without a network."""
    pytest.importorskip("wandb", reason="wandb is not installed")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    assert execute(["export", str(declared_run), "--format", "wandb", "--project", "p"]) == 0
    (file,) = tmp_path.rglob("run-*.wandb")
    assert load_results(declared_run).digests["result"].encode() in file.read_bytes()
