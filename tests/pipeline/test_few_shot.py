"""Scoring from a sample of the train items: how many are learnt from, for every kind of task."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from backbones import MeanColour
from drawn import draw_folders, draw_table, write_task

from biobench.errors import BiobenchError, DataError, UsageError
from biobench.pipeline import run
from biobench.run.options import Options
from biobench.run.plan import plan

TRAIN, TEST = 12, 4


class Counting(MeanColour):
    """Counts its forward passes."""

    def __init__(self) -> None:
        super().__init__()
        self.passes: list[int] = []

    def embed(self, batch: torch.Tensor) -> torch.Tensor:
        self.passes.append(len(batch))
        return super().embed(batch)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_table(tmp_path_factory.mktemp("drawn"), TRAIN, TEST)


def options(data: Path, tmp_path: Path, task: str, **changes: Any) -> Options:
    values: dict[str, Any] = {"model": MeanColour(), "workers": 2, "quiet": True}
    values |= {"out": tmp_path / "out", "store": tmp_path / "store"}
    return Options(tasks=(task,), data=data, **{**values, **changes})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "n", "train", "test"),
    [
        ("classes", 2, 6, 12),  # 2 of each of 3 classes
        ("classes", 99, 36, 12),  # all, where a class has fewer
        ("groups", 2, 8, 12),  # 2 of each of 2 answers to 2 questions
        ("clips", 5, 15, 4),  # clips, not frames; those of a class that is not learnt are excluded
        ("observations", 9, 27, 6),  # train images, test observations
        ("traits", 7, 7, 12),  # rows: there are no classes
    ],
)
def test_n_train_of_every_kind_of_task(
    kind: str, n: int, train: int, test: int, data: Path, tmp_path: Path
) -> None:
    """N items a class (of traits: in all) are learnt from, everything is tested, and no such
    result is official."""
    results = run(options(data, tmp_path, write_task(tmp_path, kind), n_train=n))
    entry = results.tasks[kind]
    assert (entry["counts"]["train"], entry["counts"]["test"]) == (train, test)
    assert results.document["n_train"] == n
    assert f"few-shot: n_train {n}" in results.document["unofficial_reasons"]


@pytest.mark.slow
def test_compat_takes_n_in_all(tmp_path: Path) -> None:
    """Upstream's N counts the items of all classes, which share it evenly."""
    draw_folders(tmp_path / "plankton", {"train": 4, "val": 2})
    asked = options(tmp_path, tmp_path, "plankton", n_train=7, division="compat")
    (line,) = plan(asked).lines()[1:]
    assert "13 images" in line
    results = run(asked)
    assert results.tasks["plankton"]["counts"]["train"] == 7
    sample = run(options(tmp_path, tmp_path, "plankton", n_train=7))
    assert sample.tasks["plankton"]["counts"]["train"] == 12
    with pytest.raises(DataError, match="all of one class"):
        run(options(tmp_path, tmp_path, "plankton", n_train=1, division="compat"))


@pytest.mark.slow
def test_a_sample_has_the_features_of_the_whole(data: Path, tmp_path: Path) -> None:
    """After a run on all items a sample of them decodes and embeds nothing, and from nothing it
    has the same digests."""
    model, task = Counting(), write_task(tmp_path, "classes")
    whole = run(options(data, tmp_path, task, model=model))
    before = len(model.passes)
    known = run(options(data, tmp_path, task, model=model, n_train=3))
    assert before == len(model.passes) > 0
    cost = known.tasks["classes"]["cost"]
    assert cost["stages"]["embed"] == cost["stages"]["decode"] == 0
    # As it was measured, of the same images.
    assert cost["images_per_s"] == whole.tasks["classes"]["cost"]["images_per_s"] > 0
    fresh = run(options(data, tmp_path, task, store=tmp_path / "another", n_train=3))
    assert fresh.digests == known.digests


def test_shards_without_a_sampled_row_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From nothing, a sample of one item a class costs the micro-batches that hold one."""
    from biobench.embed import shards

    monkeypatch.setattr(shards, "MICRO_BATCHES_PER_SHARD", 1)
    draw_folders(tmp_path, {"train": 100, "test": 2})
    model, task = Counting(), write_task(tmp_path, "classes")
    run(options(tmp_path, tmp_path, task, model=model, n_train=1))
    # Ten micro-batches of train rows and one of test rows; three train rows are wanted, and one
    # image is embedded alone.
    assert 3 <= len(model.passes) <= 5


def cut_short(path: Path) -> None:
    """Damage an image behind its header, which is read before anything is embedded."""
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


@pytest.mark.slow
def test_an_unreadable_image_outside_the_sample(tmp_path: Path) -> None:
    """It shares a micro-batch with a sampled image, and stops nobody."""
    draw_folders(tmp_path, {"train": 6, "test": 2})
    task = write_task(tmp_path, "classes")
    whole = run(options(tmp_path, tmp_path, task, n_train=2))
    manifest = plan(options(tmp_path, tmp_path, task)).manifests[0]
    from biobench.data.sample import kept_rows
    from biobench.spec.load import load_spec, task_from_file

    kept = kept_rows(task_from_file(Path(task), load_spec()), manifest, 2)
    broken = next(row for row, stays in zip(manifest.rows, kept, strict=True) if not stays)
    cut_short(tmp_path / broken.path)
    again = run(options(tmp_path, tmp_path, task, store=tmp_path / "another", n_train=2))
    assert again.digests == whole.digests
    assert again.document["bad_images"] == 0
    inside = next(row for row, stays in zip(manifest.rows, kept, strict=True) if stays)
    cut_short(tmp_path / inside.path)
    with pytest.raises(DataError, match=r"1 of 24 images.*" + inside.path):
        run(options(tmp_path, tmp_path, task, store=tmp_path / "another", n_train=2))


def test_a_gallery_that_was_named_is_refused_and_one_of_a_suite_left_out() -> None:
    """A named task that cannot be had is refused; a named suite gives the rest of it."""
    with pytest.raises(UsageError, match="demo-beluga has no train split") as caught:
        plan(Options(model="demo", tasks=("demo-beluga", "demo-plankton"), n_train=3))
    assert caught.value.exit_code == 2
    made = plan(Options(model="demo", suite="demo", n_train=5))
    ids = [chosen.task.id for chosen in made.selection.selected]
    assert "demo-plankton" in ids
    assert "demo-beluga" not in ids
    assert made.selection.absent == ("demo-beluga",)
    assert any("demo-beluga" in note for note in made.selection.notes)
    assert Counter(line.split(":")[0] for line in made.lines())["demo-plankton"] == 1


@pytest.mark.parametrize(
    ("kind", "n", "words"),
    [
        ("clips", 1, "no class has the 5 training items"),
        ("observations", 1, "has no inverse"),
    ],
)
def test_a_sample_that_cannot_be_probed(
    kind: str, n: int, words: str, data: Path, tmp_path: Path
) -> None:
    """One line that says what the protocol needs, before anything is embedded."""
    model = Counting()
    with pytest.raises(BiobenchError, match=f"{kind}: .*{words}") as caught:
        run(options(data, tmp_path, write_task(tmp_path, kind), n_train=n, model=model))
    assert caught.value.exit_code == 3
    assert not (tmp_path / "out").exists()
    assert not model.passes


@pytest.mark.parametrize(
    ("n", "refused"),
    [
        (1, ["demo-beluga", "demo-fungiclef", "demo-kabr", "demo-mammalnet"]),
        (3, ["demo-beluga", "demo-kabr", "demo-mammalnet"]),
        (5, ["demo-beluga"]),
    ],
)
def test_a_sample_that_a_protocol_refuses_is_left_out_of_a_suite(
    n: int, refused: list[str]
) -> None:
    """The plan knows it and says why; the others are had in one command."""
    made = plan(Options(model="demo", suite="demo", n_train=n))
    assert list(made.selection.absent) == refused
    ids = [chosen.task.id for chosen in made.selection.selected]
    assert set(ids) | set(refused) == set(made.selection.suite.members)
    assert len(made.manifests) == len(ids)
    notes = [line for line in made.lines() if line.startswith("left out, because")]
    assert sorted(id for note in notes for id in note.rpartition(": ")[2].split(", ")) == refused
    assert sum("5 folds" in note for note in notes) == (n < 5)
