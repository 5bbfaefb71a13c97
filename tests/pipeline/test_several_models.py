"""Several models in one run: pixels decoded once a recipe, and each result as the model's alone."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from backbones import Breaks, Grid
from drawn import draw_folders, write_task

from biobench.errors import DataError, ModelError
from biobench.pipeline import run, run_models
from biobench.run import many
from biobench.run.model_list import ListedModel, options_of_models
from biobench.run.options import Options
from biobench.spec.load import load_spec

pytestmark = pytest.mark.slow

COUNTS = {"train": 90, "test": 6}
IMAGES = 3 * (COUNTS["train"] + COUNTS["test"])
ROWS_OF_A_SHARD = 256


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("several")
    draw_folders(folder / "data" / "drawn", COUNTS)
    return folder / "data", write_task(folder, "classes")


@pytest.fixture
def asked(drawn: tuple[Path, str], tmp_path: Path) -> Options:
    data, task = drawn
    return Options(
        model="demo", tasks=(task,), data=data, store=tmp_path / "store", out=tmp_path / "out",
        workers=2, engine="torch",
    )  # fmt: skip


def several(options: Options, *models: Any) -> list[many.ModelRun]:
    return run_models(options_of_models(options, [ListedModel(model) for model in models]))


def test_an_image_is_decoded_once_for_a_recipe(asked: Options, decoded: list[str]) -> None:
    """The promise that makes several models cheap: as many images as one model decodes, and no
    more for two others; another recipe decodes its own."""
    runs = several(asked, Grid(2), Grid(3), Grid(4), Grid(2, size=48))
    assert [run.error for run in runs] == [None] * 4
    assert len(decoded) == 2 * IMAGES
    assert len(set(decoded)) == IMAGES


def test_each_result_is_that_of_the_model_alone(
    asked: Options, tmp_path: Path, decoded: list[str]
) -> None:
    """Company moves no digest: pixels, features, predictions and score are those of a run alone."""
    together = several(asked, Grid(2), Grid(3))
    for done, side in zip(together, (2, 3), strict=True):
        alone = run(replace(asked, model=Grid(side), store=tmp_path / f"{side}", save=False))
        assert done.results is not None
        assert done.results.document["digests"] == alone.document["digests"]
        assert done.results.folder == tmp_path / "out" / f"grid-{side}-32"
        assert (done.results.folder / "results.json").is_file()
        assert done.speed is not None
        assert (done.speed.images, done.speed.computed) == (IMAGES, IMAGES)
        assert done.speed.images_per_s is not None


def test_what_one_model_lacks_is_decoded_for_it_alone(asked: Options, decoded: list[str]) -> None:
    """A model that joins later costs the others nothing, and a second run costs nothing at all."""
    run(replace(asked, model=Grid(2), save=False))
    del decoded[:]
    first, second = Grid(2), Grid(3)
    runs = several(asked, first, second)
    assert len(decoded) == IMAGES
    assert (first.calls, second.calls > 0) == (0, True)
    assert runs[0].speed is not None
    assert runs[0].speed.images_per_s is None
    del decoded[:]
    several(asked, Grid(2), Grid(3))
    assert decoded == []


@pytest.mark.parametrize(
    "error", [ModelError("gives nonsense"), RuntimeError("out of memory"), SystemExit(3)]
)
def test_a_model_that_breaks_costs_the_others_nothing(
    error: BaseException, asked: Options, capsys: pytest.CaptureFixture[str]
) -> None:
    """The others have their results, whichever place the failing one has."""
    runs = several(asked, Grid(2), Breaks(3, error), Grid(4))
    assert [run.results is not None for run in runs] == [True, False, True]
    assert isinstance(runs[1].error, ModelError)
    notes = capsys.readouterr().err
    assert notes.count("'grid-3-32'") == 2  # what computes its features, and that it failed
    assert not (asked.out or Path()).joinpath("grid-3-32").exists()


def test_a_feature_that_is_not_finite_ends_one_model(asked: Options) -> None:
    """The image is named, and the others are scored."""

    class Infinite(Grid):
        def embed(self, batch: torch.Tensor) -> torch.Tensor:
            return super().embed(batch) / 0

    runs = several(asked, Infinite(3), Grid(2))
    assert "not finite for train/" in str(runs[0].error)
    assert runs[1].results is not None


def test_bad_images_are_said_once(
    asked: Options, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A fault of the data is the same for every model: one note, whatever the number of models."""
    data = draw_folders(tmp_path / "data" / "drawn", {"train": 4, "test": 3})
    broken = next((data / "test").rglob("*.png"))
    broken.write_bytes(broken.read_bytes()[:-40])  # its header is whole
    runs = several(replace(asked, data=tmp_path / "data"), Grid(2), Grid(3), Grid(2, size=48))
    assert all(isinstance(run.error, DataError) for run in runs)
    assert capsys.readouterr().err.count("is not scored") == 1


def test_an_interrupted_run_goes_on_where_it_was(asked: Options, decoded: list[str]) -> None:
    """Whole shards of every model are kept, and are not decoded again."""
    assert load_spec().suites["biobench"].micro_batch_cpu * 8 == ROWS_OF_A_SHARD
    passes = ROWS_OF_A_SHARD // load_spec().suites["biobench"].micro_batch_cpu
    with pytest.raises(KeyboardInterrupt):
        several(replace(asked, workers=1), Grid(2), Breaks(3, KeyboardInterrupt(), passes + 1))
    del decoded[:]
    first, second = Grid(2), Grid(3)
    runs = several(asked, first, second)
    assert [run.error for run in runs] == [None, None]
    assert len(decoded) == IMAGES - ROWS_OF_A_SHARD
    assert second.calls <= 2 + len(decoded) // 32


def test_models_beyond_the_memory_are_loaded_in_turn(
    asked: Options, decoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scores do not depend on how many models fit; only the decoding is done again."""
    held = several(asked, Grid(2), Grid(3))
    del decoded[:]
    monkeypatch.setattr(many, "available_memory", lambda: 0)
    apart = several(replace(asked, store=asked.store and asked.store / "2"), Grid(2), Grid(3))
    assert len(decoded) == 2 * IMAGES
    for one, two in zip(held, apart, strict=True):
        assert one.results is not None
        assert two.results is not None
        assert one.results.digests == two.results.digests


def test_shares_of_the_time_add_up(asked: Options) -> None:
    """The time of the passes is divided among the models, so that no speed counts it twice."""
    runs = several(asked, Grid(2), Grid(3))
    stages = [run.results.tasks["classes"]["cost"]["stages"] for run in runs if run.results]
    walls = [run.results.tasks["classes"]["cost"]["wall_s"] for run in runs if run.results]
    embedding = [stage["decode"] + stage["embed"] for stage in stages]
    assert all(part > 0 for part in embedding)
    assert all(np.array(walls) >= np.array(embedding))


def test_no_model_has_the_time_of_another(asked: Options) -> None:
    """Protects: the wall time of each is its own, and the models of another recipe begin once those
    before them are done, though all are loaded before the first is run."""

    class Slow(Grid):
        def embed(self, batch: torch.Tensor) -> torch.Tensor:
            if self.calls == 0:
                time.sleep(1.1)
            return super().embed(batch)

    begun = time.perf_counter()
    runs = several(asked, Slow(2), Grid(3), Grid(2, size=48))
    elapsed = time.perf_counter() - begun
    documents = [done.results.document for done in runs if done.results]
    assert len(documents) == 3
    assert 0 < sum(document["run"]["wall_s"] for document in documents) <= elapsed
    starts = [datetime.fromisoformat(document["run"]["started"]) for document in documents]
    assert starts[0] == starts[1] < starts[2]
    for document in documents:
        wall = sum(entry["cost"]["wall_s"] for entry in document["tasks"].values())
        assert document["run"]["wall_s"] == wall
