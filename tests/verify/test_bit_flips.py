"""One byte or value changed anywhere in the chain: `verify` names the stage."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from drawn import draw_folders, write_task
from small_runs import Made

from biobench.cli import execute
from biobench.errors import DataError
from biobench.pipeline import run
from biobench.spec.load import load_spec
from biobench.verify.verdict import verify_one

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "models"))
from checkpoints import transformers_folder

pytestmark = pytest.mark.slow


def flip(path: Path, at: int, bit: int = 1) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= bit
    path.write_bytes(bytes(data))


@pytest.fixture
def run_of_demo(demo: Made, tmp_path: Path) -> Made:
    return demo.copy(tmp_path / "copy")


def test_nothing_changed(demo: Made, own: Made) -> None:
    """As it was made, everything holds: level D of the pixels, P of exact probes, S of scores."""
    for made in (demo, own):
        verdict = made.verify()
        assert verdict.holds, verdict.lines()
        (report,) = verdict.checked.values()
        assert [report.reached[stage] for stage in ("data", "pixels", "score")] == ["D", "D", "S"]
        assert report.reached["predictions"] == "P"
        assert report.status("features") is True
        assert report.status("weights") is None


def test_without_data_and_store(own: Made) -> None:
    """An entry that cannot be looked at is said, with what to do; the rest holds."""
    verdict = own.verify(data=False, store=False)
    (report,) = verdict.checked.values()
    assert verdict.holds
    assert report.reached["score"] == "S"
    for stage, word in (("data", "--task"), ("pixels", "--data"), ("features", "--store")):
        assert report.status(stage) is None
        assert any(word in finding.text for finding in report.of(stage)), stage


def test_a_prediction(run_of_demo: Made) -> None:
    """Another label in the Parquet file, written anew by whoever changed it."""
    path = run_of_demo.out / "predictions/demo-beluga.parquet"
    table = pq.read_table(path)
    labels = np.array(table["y_pred"].to_pylist())
    labels[3] += 1
    right = pa.array(labels == np.array(table["y_true"].to_pylist()))
    changed = table.set_column(2, "y_pred", pa.array(labels, pa.int32()))
    pq.write_table(changed.set_column(3, "correct", right), path)
    verdict = run_of_demo.verify()
    (report,) = verdict.checked.values()
    assert report.first == "predictions"
    assert "demo-beluga" in str(report.of("predictions")[0])
    # Nothing is scored on predictions that are not the result's.
    assert report.status("score") is None


def test_any_byte_of_a_predictions_file(run_of_demo: Made) -> None:
    """It cannot be read (exit 3), or the stage is named, or not one value was touched; the file's
    name or the task's is always there."""
    path = run_of_demo.out / "predictions/demo-fungiclef.parquet"
    whole = path.read_bytes()
    before = pq.read_table(path).drop_columns(["correct"])
    caught = 0
    for at in np.linspace(4, len(whole) - 1, 60).astype(int).tolist():
        path.write_bytes(whole)
        flip(path, at, 0x10)
        stage = first_stage(run_of_demo)
        if stage is None:
            assert pq.read_table(path).drop_columns(["correct"]).equals(before), at
            continue
        caught += 1
        assert stage in ("predictions", "predictions/demo-fungiclef.parquet"), at
    assert caught > 20


def first_stage(made: Made) -> str | None:
    """The first stage that does not hold, or the file that cannot be read."""
    try:
        return made.verify(data=False, store=False).document()["first"]
    except DataError as error:
        return str(Path(str(error.where)).relative_to(made.out))


@pytest.mark.parametrize("where", ["header", "middle", "end"])
def test_a_shard_of_features(where: str, run_of_demo: Made) -> None:
    """The store's own digest tells, and the shard's task is named."""
    for path in sorted((run_of_demo.folder / "store").glob("features-*/*/*.safetensors")):
        size = path.stat().st_size
        flip(path, {"header": 3, "middle": size // 2, "end": size - 1}[where])
    (report,) = run_of_demo.verify().checked.values()
    assert report.first == "features"
    assert "damaged" in str(report.of("features")[0])


def test_an_image(run_of_demo: Made) -> None:
    """A byte of a JPEG's scan: which image, and that everything that was kept is still sound."""
    images = sorted((run_of_demo.folder / "data/demo-beluga").rglob("*.jpg"))
    flip(images[7], images[7].stat().st_size * 3 // 5)
    (report,) = run_of_demo.verify().checked.values()
    assert report.first == "pixels"
    finding = report.of("pixels")[0]
    assert "1 of 142 images" in finding.text
    assert images[7].name in finding.text
    assert finding.size["images"] == 1
    assert report.status("features") is True
    # Without the store of the run the stage is known, and that the image is not.
    (report,) = run_of_demo.verify(store=False).checked.values()
    assert report.first == "pixels"
    assert "only the store" in str(report.of("pixels")[0])


def test_a_label(run_of_demo: Made) -> None:
    """Another individual in the annotations: the list of images, before any pixel."""
    (path,) = (run_of_demo.folder / "data/demo-beluga").rglob("instances_train2022.json")
    document = json.loads(path.read_text())
    names = [annotation["name"] for annotation in document["annotations"]]
    document["annotations"][0]["name"] = next(name for name in names if name != names[0])
    path.write_text(json.dumps(document))
    (report,) = run_of_demo.verify().checked.values()
    assert report.first == "data"
    assert "with another label" in str(report.of("data")[0])


def test_the_specification(run_of_demo: Made, repository: Path, tmp_path: Path) -> None:
    """A digit of a constant, in a copy of the documents."""
    shutil.copytree(repository / "spec/v1", tmp_path / "spec/v1")
    suite = tmp_path / "spec/v1/suite.yaml"
    flip(suite, suite.read_bytes().index(b"confidence: 0.95") + len("confidence: 0.9"))
    spec = load_spec(tmp_path / "spec")
    (report,) = verify_one(run_of_demo.out, spec, run_of_demo.places()).checked.values()
    assert report.first == "spec"
    assert "the documents of one of them were changed" in str(report.of("spec")[0])
    # Intervals state their level, and that is seen as well.
    assert report.status("score") is False


@pytest.mark.parametrize(
    ("path", "stage"),
    [
        (("digests", "weights"), "weights"),
        (("digests", "recipe"), "recipe"),
        (("digests", "features"), "features"),
        (("digests", "data"), "data"),
        (("digests", "score"), "score"),
        (("digests", "result"), "result"),
        (("digests", "spec"), "spec"),
        (("tasks", "demo-beluga", "digests", "pixels"), "pixels"),
        (("tasks", "demo-beluga", "digests", "predictions"), "predictions"),
        (("tasks", "demo-beluga", "digests", "score"), "score"),
    ],
)
def test_a_digest_in_the_result(path: tuple[str, ...], stage: str, run_of_demo: Made) -> None:
    """Each digest is held to what it is of."""
    file = run_of_demo.out / "results.json"
    document = json.loads(file.read_text())
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = "sha256:" + "5" * 64
    file.write_text(json.dumps(document))
    assert run_of_demo.verify().document()["first"] == stage


@pytest.mark.timeout(600)
def test_the_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bit of a weight in the checkpoint: running the recorded command again tells, with exit 6,
    and everything before the weights is equal."""
    draw_folders(tmp_path / "data", {"train": 6, "test": 3})
    task = write_task(tmp_path, "classes")
    transformers_folder(tmp_path / "vit", "vit")
    arguments = ["--model", "hf:./vit", "--task", task, "--data", "data", "--out", "out"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["biobench", *arguments, "--store", "store"])
    assert execute(sys.argv[1:]) == 0
    weights = tmp_path / "vit/model.safetensors"
    flip(weights, weights.stat().st_size - 2, 0x02)
    capsys.readouterr()
    assert execute(["verify", "out", "--rerun", "--store", "store", "--json"]) == 6
    again = capsys.readouterr()
    assert again.err.splitlines()[-1].startswith("biobench: out: run again, stage weights: ")
    document = json.loads(again.out)
    assert document["first"] == "weights"
    (compared,) = document["compared"].values()
    for stage in ("setup", "spec", "data", "recipe", "pixels"):
        assert compared["stages"][stage]["holds"] is True, stage
    features = compared["stages"]["features"]
    assert features["holds"] is False
    assert 0 < features["findings"][0]["size"]["least_cosine"] < 1


def test_a_mended_image_is_no_difference(run_of_demo: Made) -> None:
    """Running again with the same images after the damage was undone gives the same result."""
    again = run(replace(run_of_demo.options, out=run_of_demo.folder / "again"))
    assert again.digests == run_of_demo.results.digests
