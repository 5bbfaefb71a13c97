"""Bad data and bad models through the whole flow: which error, and nothing half done."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from backbones import MeanColour
from drawn import FOLDERS, NAMES, draw, metric
from PIL import Image

from biobench import evaluate
from biobench.data.build import build_manifest
from biobench.errors import BiobenchError, DataError, ModelError, UsageError
from biobench.pipeline import run
from biobench.repro import variables
from biobench.run.options import Options
from biobench.run.plan import plan
from biobench.spec.load import load_spec

SPLITS = {"train": "train", "test": "val"}


class NotFinite(MeanColour):
    """Gives infinity for a bright image, as a float16 overflow would."""

    def embed(self, batch: torch.Tensor) -> torch.Tensor:
        features = super().embed(batch)
        features[features > 0.9] = float("inf")
        return features


class Brighter(MeanColour):
    """No feature of any image is zero."""

    def embed(self, batch: torch.Tensor) -> torch.Tensor:
        return super().embed(batch) + 1


class Raises(MeanColour):
    """A model with a fault of its own."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self._error = error

    def embed(self, batch: torch.Tensor) -> torch.Tensor:
        raise self._error


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A small plankton data set in its official layout."""
    root = tmp_path / "data" / "plankton"
    for label, name in enumerate(NAMES):
        for i in range(6):
            draw(root / "train" / name / f"t{label}{i}.png", i, label)
            draw(root / "val" / name / f"v{label}{i}.png", i + 7, label)
    return tmp_path / "data"


def options(data: Path, tmp_path: Path, **changes: Any) -> Options:
    base = Options(
        model=MeanColour(),
        tasks=("plankton",),
        data=data,
        out=tmp_path / "out",
        store=tmp_path / "store",
        workers=2,
        quiet=True,
    )
    return replace(base, **changes)


def own_task(tmp_path: Path) -> str:
    """A task of the same images whose protocol takes no time."""
    file = tmp_path / "pond.yaml"
    task = {
        "task": "pond",
        "dataset": {"id": "plankton", "layout": {**FOLDERS, "options": {"splits": SPLITS}}},
        "split": "train-test",
        "protocol": "nearest_centroid",
        "metrics": metric("macro_f1"),
    }
    file.write_text(yaml.safe_dump(task))
    return str(file)


def test_a_good_data_set_runs(data: Path, tmp_path: Path) -> None:
    """The counter-check of the other tests here: nothing is wrong with the data set itself."""
    results = run(options(data, tmp_path))
    entry = results.tasks["plankton"]
    assert entry["counts"] == {"train": 18, "test": 18, "classes": 3, "excluded": 0}
    assert entry["score"] > 0.5
    assert results.mean is None
    reasons = " ".join(results.document["unofficial_reasons"])
    for words in ("own code", "counts", "tasks not run"):
        assert words in reasons
    assert results.document["levels"]["features"] == ("T" if variables.recorded() else "E")


def test_an_unreadable_image_stops_the_run(data: Path, tmp_path: Path) -> None:
    """Unreadable images are counted and the first ten named; nothing is written."""
    for i in range(6):
        (data / "plankton/train/amphora" / f"t0{i}.png").write_bytes(b"no image")
        (data / "plankton/val/balanus" / f"v1{i}.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"12 of 36 images cannot be read.*t00\.png.*and 2 more"):
        run(options(data, tmp_path))
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_unreadable_images_can_be_scored_as_wrong(data: Path, tmp_path: Path) -> None:
    """`--on-bad-image report` scores an unreadable test image as wrong, trains without."""
    whole = run(options(data, tmp_path)).tasks["plankton"]["metrics"]["accuracy"]
    (data / "plankton/train/amphora/t00.png").write_bytes(b"no image")
    for i in range(6):
        (data / "plankton/val/balanus" / f"v1{i}.png").write_bytes(b"no image")
    results = run(options(data, tmp_path, on_bad_image="report"))
    entry = results.tasks["plankton"]
    assert entry["counts"]["test"] == 18
    assert entry["metrics"]["accuracy"] <= 12 / 18
    assert whole > 12 / 18
    assert results.document["bad_images"] == 7
    assert "7 unreadable images" in results.document["unofficial_reasons"]


def test_an_unreadable_image_has_zero_features(data: Path, tmp_path: Path) -> None:
    """Features of an image that was not read are zeros, not what a model makes of black."""
    from biobench._common.progress import Progress
    from biobench._common.store import Store
    from biobench.embed import features as stage

    (data / "plankton/train/amphora/t00.png").write_bytes(b"no image")
    spec = load_spec()
    manifest = build_manifest(spec.task("plankton"), data / "plankton")
    execution = stage.Execution("cpu", "float32", 32, 1, {})
    store, progress = Store(tmp_path / "store"), Progress("test", 0, quiet=True)
    embedded = stage.embed(manifest, Brighter(), store, execution, keep_bad=True, progress=progress)
    (row,) = embedded.bad
    assert manifest.rows[row].path == "train/amphora/t00.png"
    assert not embedded.features[row].any()
    assert embedded.features[row + 1].all()


def test_all_test_images_unreadable(data: Path, tmp_path: Path) -> None:
    """With `--on-bad-image report` a split of which nothing can be read scores zero."""
    for path in (data / "plankton/val").rglob("*.png"):
        path.write_bytes(b"no image")
    entry = run(options(data, tmp_path, on_bad_image="report")).tasks["plankton"]
    assert entry["score"] == 0
    assert entry["counts"]["test"] == 18


@pytest.mark.slow
def test_another_run_into_the_same_folder(data: Path, tmp_path: Path) -> None:
    """A folder never holds one run's result beside another run's predictions."""
    run(options(data, tmp_path))
    shutil.copytree(data / "plankton", data / "herbarium19")
    (data / "herbarium19/val").rename(data / "herbarium19/validation")
    run(options(data, tmp_path, tasks=("herbarium19",)))
    assert [path.name for path in (tmp_path / "out/predictions").iterdir()] == [
        "herbarium19.parquet"
    ]


def test_an_own_task_has_no_compat(data: Path, tmp_path: Path) -> None:
    """Upstream's protocol is defined for the benchmark's tasks alone."""
    with pytest.raises(UsageError, match="compat"):
        run(options(data, tmp_path, tasks=("./mine.yaml",), division="compat"))


def test_a_model_that_raises(data: Path, tmp_path: Path) -> None:
    """Whatever a model's own code raises in a forward pass is the model's error."""
    for error in (KeyError("pixel_values"), SystemExit(7)):
        with pytest.raises(ModelError, match=rf"mean-colour.*{type(error).__name__}"):
            run(options(data, tmp_path, model=Raises(error)))


def test_arguments_of_evaluate(data: Path) -> None:
    """The call from Python refuses what the command line would."""
    with pytest.raises(UsageError, match="tpu"):
        evaluate(MeanColour(), "plankton", data=data, device="tpu")
    with pytest.raises(UsageError, match="no model is given"):
        evaluate(None, "plankton", data=data)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"division": "upstream"}, "no division 'upstream'"),
        ({"device": "tpu"}, "no device 'tpu'"),
        ({"device": "cuda"}, "no CUDA device"),
        ({"precision": "float16"}, "float16 needs CUDA"),
        # The names of the libraries are looked at for one that is close.
        pytest.param({"model": "demoo"}, "unknown model name", marks=pytest.mark.slow),
        ({"model": "hf:./nowhere"}, "no such folder"),
        ({"out": Path("/dev/null/out")}, "/dev/null: is not a folder"),
        ({"store": Path("/dev/null/store")}, "/dev/null: is not a folder"),
    ],
)
def test_refused_before_the_data_are_read(
    changes: dict[str, Any],
    words: str,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A flaw that no data can make right takes no minutes, and a dry run says it too."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr("biobench.run.manifests.build_manifest", None)
    with pytest.raises(BiobenchError, match=words) as caught:
        plan(options(data, tmp_path, **changes))
    assert caught.value.exit_code == (5 if changes.keys() & {"model"} or "CUDA d" in words else 2)


def test_torch_is_left_as_it_was(data: Path, tmp_path: Path) -> None:
    """A run inside a user's process changes none of torch's settings for good."""
    torch.set_deterministic_debug_mode("warn")
    torch.backends.cudnn.benchmark = True
    try:
        run(options(data, tmp_path, tasks=(own_task(tmp_path),)))
        assert torch.get_deterministic_debug_mode() == 1
        assert torch.backends.cudnn.benchmark
    finally:
        torch.set_deterministic_debug_mode("default")
        torch.backends.cudnn.benchmark = False


@pytest.mark.slow
def test_a_mended_image_is_read_again(data: Path, tmp_path: Path) -> None:
    """Features stored while an image was broken are not used once it is whole."""
    broken = data / "plankton/train/amphora/t00.png"
    whole = broken.read_bytes()
    expected = run(options(data, tmp_path)).digests["features"]
    broken.write_bytes(b"no image")
    run(options(data, tmp_path, on_bad_image="report"))
    broken.write_bytes(whole)
    assert run(options(data, tmp_path)).digests["features"] == expected


def test_features_that_are_not_finite(data: Path, tmp_path: Path) -> None:
    """A model that overflows is refused with the image that showed it."""
    Image.new("RGB", (24, 24), "white").save(data / "plankton/val/ceratium/v20.png")
    with pytest.raises(ModelError, match=r"not finite.*val/ceratium/v20\.png"):
        run(options(data, tmp_path, model=NotFinite()))


def test_one_class_only(data: Path, tmp_path: Path) -> None:
    """A train split of one class has nothing to tell apart."""
    for name in NAMES[1:]:
        shutil.rmtree(data / "plankton/train" / name)
    with pytest.raises(DataError, match="one class"):
        run(options(data, tmp_path))


def test_an_empty_split(data: Path, tmp_path: Path) -> None:
    """A split without images is named."""
    for folder in (data / "plankton/val").iterdir():
        shutil.rmtree(folder)
    with pytest.raises(DataError, match="the split test is empty"):
        run(options(data, tmp_path))


def test_fewer_items_than_neighbours(tmp_path: Path) -> None:
    """kNN needs more images than neighbours: compat takes five."""
    root = tmp_path / "data/beluga/beluga.coco"
    images, annotations = [], []
    for i in range(4):
        draw(root / "images/train2022" / f"{i}.png", i, i % 2)
        images.append({"id": i, "file_name": f"{i}.png", "width": 24, "height": 24})
        annotations.append({"id": i, "image_id": i, "category_id": 1, "name": f"whale{i % 2}"})
    import json

    (root / "annotations").mkdir()
    (root / "annotations/instances_train2022.json").write_text(
        json.dumps({"images": images, "annotations": annotations, "categories": []})
    )
    with pytest.raises(DataError, match="5"):
        run(options(tmp_path / "data", tmp_path, tasks=("beluga",), division="compat"))


def test_a_task_that_is_absent(data: Path, tmp_path: Path) -> None:
    """A named task without data says which folder it looked for."""
    with pytest.raises(DataError, match="herbarium19"):
        run(options(data, tmp_path, tasks=("plankton", "herbarium19")))


def test_a_full_disk_or_forbidden_folder_is_named(data: Path, tmp_path: Path) -> None:
    """Results that cannot be written end in one line with the path, not in a traceback."""
    (tmp_path / "blocked").write_text("a file")
    with pytest.raises(BiobenchError, match="blocked"):
        run(options(data, tmp_path, out=tmp_path / "blocked"))


def test_a_split_that_is_a_link_to_another(data: Path, tmp_path: Path) -> None:
    """`run` says it before anything is embedded, as `data verify` does: such a score means
    nothing. Links to another disk are no such thing."""
    given = options(data, tmp_path, quiet=False)
    shutil.move(data / "plankton/train", tmp_path / "elsewhere")
    (data / "plankton/train").symlink_to(tmp_path / "elsewhere")
    assert not any("link" in line for line in plan(given).notes)
    shutil.rmtree(data / "plankton/val")
    (data / "plankton/val").symlink_to("train")
    assert "plankton: val and train are one and the same, by a link" in plan(given).notes


class Mixing(MeanColour):
    """Takes the mean of its batch away, as a net in training mode does."""

    def embed(self, batch: torch.Tensor) -> torch.Tensor:
        features = super().embed(batch)
        return features - features.mean(0)


class Trailing(MeanColour):
    """Adds to each image those before it: the first of a batch is as it is alone."""

    def embed(self, batch: torch.Tensor) -> torch.Tensor:
        return super().embed(batch).cumsum(0)


def test_what_looks_wrong_is_said(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A model that mixes the images of a batch and a test image out of the train split: a line
    each, and the run goes on. A sound model on sound data has none."""
    shown = options(data, tmp_path, tasks=(own_task(tmp_path),), quiet=False)
    run(replace(shown, model=MeanColour()))
    assert "mixes" not in capsys.readouterr().err
    train = data / "plankton/train/amphora/t00.png"
    shutil.copyfile(train, data / "plankton/val/balanus/v10.png")
    run(replace(shown, model=Mixing(), store=tmp_path / "other"))
    said = capsys.readouterr().err
    assert "pond: the model mixes the images of a batch: the features of train/" in said
    line = next(line for line in said.splitlines() if "mixes" in line)
    run(replace(shown, model=Mixing(), store=tmp_path / "other"))
    assert line in capsys.readouterr().err.splitlines(), "a store that has all features knows it"
    run(replace(shown, model=Trailing(), store=tmp_path / "third"))
    assert "pond: the model mixes the images of a batch" in capsys.readouterr().err
    assert "pond: 1 image of the test split has the bytes of one of the train split: " in said
    assert "pond: 1 image has the bytes of one of another class: val/balanus/v10.png and" in said
