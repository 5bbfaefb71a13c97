"""Tasks with a fitted optimum, from features to scores: kabr's regression, NeWT's machines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from biobench.data.manifest import Manifest, Row
from biobench.errors import DataError, ModelError
from biobench.metric.score import score_task
from biobench.probe import LogisticProbe, SVMProbe
from biobench.probe.predict import run_probe
from biobench.spec.load import load_spec

SPEC = load_spec()
SUITE = SPEC.suites["demo"]
DIVISIONS = ("official", "compat")


def clips(train: int = 60, test: int = 30) -> Manifest:
    """Three behaviours, the first as frequent as the other two together."""
    names = ("graze", "run", "walk")
    rows = [
        Row(f"{split}-{i}", f"{split}/{i}.jpg", (0, 1, 0, 2)[i % 4], split, split == "test")
        for split, count in (("train", train), ("test", test))
        for i in range(count)
    ]
    return Manifest(Path("."), names, tuple(rows), {}, names)


def pairs(groups: int = 4, train: int = 12, test: int = 7) -> Manifest:
    """NeWT's shape: tasks of two classes whose rows are mixed, in train and in test."""
    rows = [
        Row(f"{split}-{g}-{i}", f"{split}/{i}/{g}.jpg", i % 2, split, split == "test", (), f"g{g}")
        for split, count in (("train", train), ("test", test))
        for i in range(count)
        for g in range(groups)
    ]
    return Manifest(Path("."), ("0", "1"), tuple(rows), {}, ("0", "1"))


def features_of(manifest: Manifest, noise: float = 0.8) -> np.ndarray:
    """Classes of each group around centres of their own."""
    rng = np.random.default_rng(0)
    keys = [(row.group, row.label) for row in manifest.rows]
    centres = {key: rng.normal(size=10) for key in dict.fromkeys(keys)}
    rows = [1 + centres[key] + noise * rng.normal(size=10) for key in keys]
    return np.array(rows, dtype=np.float32)


@pytest.mark.parametrize("division", DIVISIONS)
def test_a_regression_trains_on_train_and_predicts_the_scored_rows(division: str) -> None:
    """The division's constants reach the probe; the score is that of its predictions."""
    task = SPEC.task("kabr", division)
    manifest = clips()
    features, labels = features_of(manifest), manifest.labels()
    predictions = run_probe(task, SUITE, manifest, features)
    assert predictions.ids == tuple(f"test-{i}" for i in range(30))
    assert predictions.y_pred.dtype == np.int32
    probe = LogisticProbe.from_protocol(task.protocol.constants)
    probe.fit(features[:60], labels[:60])
    assert predictions.y_pred.tolist() == probe.predict(features[60:]).tolist()
    assert score_task(task, SUITE, predictions).score > 0.6


@pytest.mark.parametrize("division", DIVISIONS)
def test_each_group_has_a_machine_of_its_own(division: str) -> None:
    """A group's rows are predicted from its train rows alone, wherever they lie in the table."""
    task = SPEC.task("newt", division)
    manifest = pairs()
    features, labels = features_of(manifest), manifest.labels()
    predictions = run_probe(task, SUITE, manifest, features)
    groups = np.array(manifest.groups())
    train = np.arange(len(groups)) < 48
    expected = np.full(len(groups), -1)
    for group in np.unique(groups):
        mine = groups == group
        probe = SVMProbe.from_protocol(task.protocol.constants)
        probe.fit(features[mine & train], labels[mine & train])
        expected[mine & ~train] = probe.predict(features[mine & ~train])
    assert predictions.y_pred.tolist() == expected[~train].tolist()
    assert predictions.extras["group"].tolist() == groups[~train].tolist()
    assert score_task(task, SUITE, predictions).score > 0.6


def test_without_groups_there_is_one_machine() -> None:
    """Also for more than two classes."""
    task = SPEC.task("newt", "official")
    manifest = clips()
    features, labels = features_of(manifest), manifest.labels()
    predictions = run_probe(task, SUITE, manifest, features)
    probe = SVMProbe().fit(features[:60], labels[:60])
    assert predictions.y_pred.tolist() == probe.predict(features[60:]).tolist()


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_do_not_change_predictions(threads: int) -> None:
    """The digest of the predictions is one, whatever the number of workers."""
    for id, manifest in (("kabr", clips()), ("newt", pairs())):
        task, features = SPEC.task(id, "official"), features_of(manifest, noise=2.0)
        one = run_probe(task, SUITE, manifest, features)
        assert run_probe(task, SUITE, manifest, features, threads=threads).digest == one.digest


def test_progress_ends_at_the_work_that_was_announced() -> None:
    """Progress on a terminal reaches its end: fits of a search, rows of the machines."""
    from biobench.probe.registry import PROTOCOLS

    for id, manifest in (("kabr", clips()), ("newt", pairs())):
        task, done = SPEC.task(id, "official"), [0]
        run_probe(task, SUITE, manifest, features_of(manifest), progress=done.append)
        assert sum(done) == PROTOCOLS[task.protocol.kind].work(task, manifest)[0]


def test_groups_that_cannot_be_probed_are_named() -> None:
    """A group of one class, or without train rows, is a fault of the data: exit 3, group named."""
    task, manifest = SPEC.task("newt", "official"), pairs()
    features = features_of(manifest)
    one_class = tuple(
        replace(r, label=1) if (r.split, r.group) == ("train", "g2") else r for r in manifest.rows
    )
    with pytest.raises(DataError, match="group 'g2' are all of one class") as caught:
        run_probe(task, SUITE, replace(manifest, rows=one_class), features)
    assert (caught.value.where, caught.value.exit_code) == ("newt", 3)
    strange = tuple(replace(r, group="g9") if i == 50 else r for i, r in enumerate(manifest.rows))
    with pytest.raises(DataError, match="group 'g9' are none"):
        run_probe(task, SUITE, replace(manifest, rows=strange), features)


def test_too_few_rows_for_folds_name_the_task() -> None:
    """A few-shot sample that is smaller than the search allows."""
    manifest = clips(train=8)
    with pytest.raises(DataError, match="5 training items") as caught:
        run_probe(SPEC.task("kabr", "official"), SUITE, manifest, features_of(manifest))
    assert caught.value.where == "kabr"


def test_an_image_without_a_direction_is_named() -> None:
    """A row of zeros, and rows that are all alike and so are their own mean: exit 5, the path."""
    task, manifest = SPEC.task("newt", "official"), pairs()
    features = features_of(manifest)
    features[5] = 0
    with pytest.raises(ModelError, match="all zero") as caught:
        run_probe(task, SUITE, manifest, features)
    assert caught.value.where == f"newt: {manifest.rows[5].path}"
    features[np.array(manifest.groups()) == "g1"] = 1.0
    features[5] = 1.0
    with pytest.raises(ModelError, match="train mean") as caught:
        run_probe(task, SUITE, manifest, features)
    assert caught.value.where == "newt: train/0/1.jpg"
