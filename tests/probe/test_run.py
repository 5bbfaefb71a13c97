"""From features to predictions by the task's protocol: rows, constants, faults."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biobench.data.manifest import Manifest, Row
from biobench.errors import DataError, ModelError, SpecError, UsageError
from biobench.metric.score import score_task
from biobench.probe import LinearProbe
from biobench.probe.knn.leave_one_out import leave_one_out
from biobench.probe.predict import run_probe
from biobench.spec.documents import Task
from biobench.spec.load import load_spec

SPEC = load_spec()
SUITE = SPEC.suites["demo"]
CLASSES = ("auk", "eel", "fox")


def short(task: Task, **constants: Any) -> Task:
    """The task with a training short enough for a test."""
    merged = {**task.protocol.constants, **constants}
    return replace(task, protocol=replace(task.protocol, constants=merged))


HERBARIUM = short(SPEC.task("herbarium19", "official"), steps=200, learning_rate=0.01)
BELUGA = SPEC.task("beluga", "official")


def train_test(train: int, test: int, unscored: tuple[int, ...] = ()) -> Manifest:
    rows = [
        Row(f"{split}/{i}", f"{split}/{i}.png", i % 3, split, split == "test" and i not in unscored)
        for split, count in (("train", train), ("test", test))
        for i in range(count)
    ]
    return Manifest(Path("."), CLASSES, tuple(rows), {}, CLASSES)


def gallery(labels: list[int], single: tuple[int, ...] = ()) -> Manifest:
    rows = [
        Row(f"g{i}", f"g{i}.jpg", label, "gallery", i not in single)
        for i, label in enumerate(labels)
    ]
    return Manifest(Path("."), CLASSES, tuple(rows), {"": len(single)}, CLASSES)


def features_of(manifest: Manifest, noise: float = 0.5) -> np.ndarray:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(3, 16))
    labels = manifest.labels()
    return (centres[labels] + noise * rng.normal(size=(len(labels), 16))).astype(np.float32)


def test_a_linear_task_trains_on_train_and_predicts_the_scored_rows() -> None:
    """Rows of each split go where they belong, with the task's own streams and the suite's seed."""
    manifest = train_test(60, 30, unscored=(4,))
    features = features_of(manifest)
    predictions = run_probe(HERBARIUM, SUITE, manifest, features)
    assert predictions.ids == tuple(f"test/{i}" for i in range(30) if i != 4)
    assert predictions.y_true.dtype == predictions.y_pred.dtype == np.int32
    probe = LinearProbe(
        3, steps=200, learning_rate=0.01, seed=SUITE.seed, stream="linear_probe/herbarium19"
    ).fit(features[:60], manifest.labels()[:60])
    assert np.array_equal(predictions.y_pred, np.delete(probe.predict(features[60:]), 4))
    assert score_task(HERBARIUM, SUITE, predictions).score > 0.9


def test_leave_one_out_scores_the_scored_and_keeps_the_rest_in_the_gallery() -> None:
    """An individual with one image is no query but may be a neighbour."""
    labels = [0, 0, 0, 1, 1, 2]
    manifest = gallery(labels, single=(5,))
    features = features_of(manifest, noise=0.1)
    features[5] = features[0]
    predictions = run_probe(BELUGA, SUITE, manifest, features)
    assert predictions.ids == ("g0", "g1", "g2", "g3", "g4")
    assert predictions.extras["neighbours"][0, 0] == 5
    assert predictions.y_pred[0] == 2
    expected = leave_one_out(features, labels, [0, 1, 2, 3, 4])
    for name in ("neighbours", "first_hit", "average_precision"):
        assert np.array_equal(predictions.extras[name], getattr(expected, name))


def test_compat_takes_five_raw_neighbours() -> None:
    """The division's constants reach the ranking: other votes, other scale."""
    manifest = gallery([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2])
    features = features_of(manifest, noise=2.0)
    compat = SPEC.task("beluga", "compat")
    expected = leave_one_out(features, manifest.labels(), np.arange(12), k=5, normalise="none")
    got = run_probe(compat, SUITE, manifest, features)
    assert np.array_equal(got.y_pred, expected.predicted)


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_do_not_change_predictions(threads: int) -> None:
    """The digest of the predictions is one, whatever the number of workers."""
    manifest = train_test(1200, 60)
    features = features_of(manifest, noise=3.0)
    task = short(HERBARIUM, steps=30)
    one = run_probe(task, SUITE, manifest, features)
    assert run_probe(task, SUITE, manifest, features, threads=threads).digest == one.digest


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("task", [HERBARIUM, BELUGA], ids=lambda t: t.id)
def test_features_that_are_not_finite_name_the_image(task: Task, value: float) -> None:
    """Exit 5 with the task and the path, so that the user can look at the image."""
    manifest = train_test(9, 6) if task is HERBARIUM else gallery([0, 0, 1, 1])
    features = features_of(manifest)
    features[3, 2] = value
    with pytest.raises(ModelError, match="NaN") as caught:
        run_probe(task, SUITE, manifest, features)
    assert caught.value.where == f"{task.id}: {manifest.rows[3].path}"


def test_features_of_zeros_name_the_image_where_they_are_normalised() -> None:
    """Only the normalising protocol needs a direction; the others take zeros as they are."""
    manifest = gallery([0, 0, 0, 1, 1, 1])
    features = features_of(manifest)
    features[2] = 0
    with pytest.raises(ModelError, match=r"g2\.jpg.*all zero"):
        run_probe(BELUGA, SUITE, manifest, features)
    assert len(run_probe(SPEC.task("beluga", "compat"), SUITE, manifest, features).ids) == 6


def test_splits_that_cannot_be_probed_are_faults_of_the_data() -> None:
    """No train row, no scored row, one class, fewer images than neighbours: exit 3, task named."""
    one_class = train_test(9, 3)
    rows = tuple(replace(r, label=1) if r.split == "train" else r for r in one_class.rows)
    cases: list[tuple[Task, Manifest]] = [
        (HERBARIUM, train_test(0, 6)),
        (HERBARIUM, train_test(6, 0)),
        (HERBARIUM, replace(one_class, rows=rows)),
        (SPEC.task("beluga", "compat"), gallery([0, 0, 1, 1, 1])),
        (BELUGA, gallery([0, 1, 2], single=(0, 1, 2))),
    ]
    for task, manifest in cases:
        with pytest.raises(DataError) as caught:
            run_probe(task, SUITE, manifest, features_of(manifest))
        assert caught.value.exit_code == 3
        assert caught.value.where == task.id


def test_documents_and_arrays_that_do_not_fit_are_refused() -> None:
    """Features of another manifest, a protocol of another kind or split."""
    manifest = train_test(9, 3)
    with pytest.raises(UsageError, match="12 manifest rows"):
        run_probe(HERBARIUM, SUITE, manifest, features_of(manifest)[:5])
    other = replace(HERBARIUM, protocol=replace(HERBARIUM.protocol, kind="forest"))
    with pytest.raises(SpecError, match="forest"):
        run_probe(other, SUITE, manifest, features_of(manifest))
    with pytest.raises(SpecError, match="leave-one-out"):
        run_probe(replace(BELUGA, split_rule="train-test"), SUITE, manifest, features_of(manifest))
