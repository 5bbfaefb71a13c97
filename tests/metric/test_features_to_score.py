"""From features to a score with its interval: fungi with unknown species, and traits of fish."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biobench._common.store import Store
from biobench.data.manifest import Manifest, Row
from biobench.errors import DataError, ModelError, SpecError
from biobench.metric import traits_f1, user_loss
from biobench.metric.score import score_task
from biobench.probe import CentroidProbe, TraitsProbe
from biobench.probe.cached import predict
from biobench.probe.predict import run_probe
from biobench.spec.documents import Metric, Task
from biobench.spec.load import load_spec

pytestmark = pytest.mark.slow

SPEC = load_spec()
SUITE = SPEC.suites["demo"]
FUNGI = ("amanita", "boletus", "clitocybe")
TRAITS = ("pelagic", "tropical")


def fungi(divisions: str, train: int = 120, test: int = 90) -> tuple[Task, Manifest, np.ndarray]:
    """Three species, of which amanita is poisonous, and observations of an unknown fourth."""
    rng = np.random.default_rng(1)
    labels = [*(i % 3 for i in range(train)), *(i % 4 if i % 4 < 3 else -1 for i in range(test))]
    rows = tuple(
        Row(f"i{i}", f"i{i}.jpg", label, "train" if i < train else "test", i >= train)
        for i, label in enumerate(labels)
    )
    centres = 6 * rng.normal(size=(4, 10))
    features = centres[labels] + rng.normal(size=(len(labels), 10))
    manifest = Manifest(Path("."), FUNGI, rows, {}, FUNGI, poisonous=(0,))
    return SPEC.task("fungiclef", divisions), manifest, features.astype(np.float32)  # type: ignore[arg-type]


def fish(division: str, train: int = 300, test: int = 120) -> tuple[Task, Manifest, np.ndarray]:
    """The sign of a product and the sign of a sum, as traits; a training short enough for a
    test."""
    rng = np.random.default_rng(2)
    features = rng.normal(size=(train + test, 6))
    traits = np.stack([features[:, 0] * features[:, 1] > 0, features[:, 2:].sum(axis=1) > 0], 1)
    rows = tuple(
        Row(
            f"f{i}", f"f{i}.jpg", 0, "train" if i < train else "test", i >= train,
            traits=tuple(int(v) for v in traits[i]),
        )
        for i in range(train + test)
    )  # fmt: skip
    task = SPEC.task("fishnet", division)  # type: ignore[arg-type]
    constants = {**task.protocol.constants, "learning_rate": 0.01}
    constants["steps"] = 250 if division == "official" else 120
    task = replace(task, protocol=replace(task.protocol, constants=constants))
    return task, Manifest(Path("."), TRAITS, rows, {}, TRAITS), features.astype(np.float32)


@pytest.mark.parametrize("division", ["official", "compat"])
def test_fungi_are_named_or_rejected_and_scored_by_loss(division: str) -> None:
    """Unknown observations become -1, predictions carry what the metric needs, and compat has no
    interval."""
    task, manifest, features = fungi(division)
    predictions = run_probe(task, SUITE, manifest, features)
    truth = manifest.labels()[120:]
    assert predictions.ids == tuple(f"i{i}" for i in range(120, 210))
    assert predictions.y_true.tolist() == truth.tolist()
    probe = CentroidProbe().fit(features[:120], manifest.labels()[:120])
    assert np.array_equal(predictions.y_pred, probe.predict(features[120:]))
    assert (predictions.y_pred[truth == -1] == -1).all()
    assert predictions.extras["true_poisonous"].tolist() == (truth == 0).tolist()
    assert np.array_equal(predictions.extras["predicted_poisonous"], predictions.y_pred == 0)
    score = score_task(task, SUITE, predictions)
    assert list(score.metrics) == ["user_loss", "accuracy"]
    assert score.score == user_loss(truth, predictions.y_pred, poisonous=[0])
    assert 0.8 < score.score < 1
    if division == "compat":
        assert score.interval is None
        return
    assert score.interval is not None
    assert score.interval.low < score.score < score.interval.high
    assert not score.interval.few_clusters


@pytest.mark.parametrize("division", ["official", "compat"])
def test_traits_are_learnt_and_scored(division: str) -> None:
    """Official learns the product that compat's linear network cannot; a row of traits an item."""
    task, manifest, features = fish(division)
    predictions = run_probe(task, SUITE, manifest, features)
    truth = manifest.traits()[300:]
    assert predictions.y_true.shape == predictions.y_pred.shape == (120, 2)
    assert np.array_equal(predictions.y_true, truth)
    probe = TraitsProbe.from_protocol(task.protocol.constants, seed=SUITE.seed, task="fishnet")
    probe.fit(features[:300], manifest.traits()[:300])
    assert np.array_equal(predictions.y_pred, probe.predict(features[300:]))
    score = score_task(task, SUITE, predictions)
    assert score.score == traits_f1(truth, predictions.y_pred, division=task.division)
    if division == "official":
        assert score.score > 0.85
        assert score.interval is not None
        assert score.interval.low < score.score < score.interval.high
        assert not score.interval.few_clusters
    else:
        assert 0.4 < score.score < 0.85
        assert score.interval is None


def test_bits_do_not_depend_on_threads() -> None:
    """The digest of the predictions is one, whatever the number of workers."""
    for task, manifest, features in (fungi("official", train=900), fish("official", train=1500)):
        one = run_probe(task, SUITE, manifest, features)
        assert run_probe(task, SUITE, manifest, features, threads=3).digest == one.digest


def test_what_does_not_fit_is_refused() -> None:
    """A metric of classes on traits, and the reverse; a loss without a list; the network on
    classes."""
    task, manifest, features = fish("official", train=40, test=20)
    predictions = run_probe(task, SUITE, manifest, features)
    for metric in ("macro_f1", "accuracy", "user_loss", "top1"):
        wrong = replace(task, metrics=(Metric(metric, True, None),))
        with pytest.raises(SpecError, match="labels that are traits"):
            score_task(wrong, SUITE, predictions)
    fungi_task, fungi_manifest, fungi_features = fungi("official")
    with pytest.raises(SpecError, match="labels are traits"):
        run_probe(
            replace(fungi_task, protocol=task.protocol), SUITE, fungi_manifest, fungi_features
        )
    harmless = run_probe(fungi_task, SUITE, replace(fungi_manifest, poisonous=None), fungi_features)
    with pytest.raises(SpecError, match="true_poisonous"):
        score_task(fungi_task, SUITE, harmless)
    with pytest.raises(SpecError, match="labels that are classes"):
        score_task(task, SUITE, harmless)
    few = replace(
        fungi_manifest,
        rows=tuple(r for i, r in enumerate(fungi_manifest.rows) if i < 6 or r.split == "test"),
    )
    with pytest.raises(DataError, match="no inverse") as caught:
        run_probe(fungi_task, SUITE, few, fungi_features[: len(few.rows)])
    assert caught.value.where == "fungiclef"
    fungi_features[3, 1] = np.nan
    with pytest.raises(ModelError, match="NaN"):
        run_probe(fungi_task, SUITE, fungi_manifest, fungi_features)


def test_an_unreadable_observation_is_wrong_and_not_unknown(tmp_path: Path) -> None:
    """Kept as -2: a reader of the stored predictions gets the same, poisonous columns included."""
    task, manifest, features = fungi("official")
    bad = {i: "no image" for i in range(120, 210) if manifest.rows[i].label in (-1, 0)}
    store = Store(tmp_path)
    arguments: dict[str, Any] = {
        "bad": bad, "device": "cpu", "workers": 1, "engine": {}, "quiet": True,
    }  # fmt: skip
    first = predict(task, SUITE, manifest, features, "sha256:0", store, **arguments)
    again = predict(task, SUITE, manifest, features, "sha256:0", store, **arguments)
    assert first.digest == again.digest
    lost = np.isin(first.y_true, (-1, 0))
    assert (first.y_pred[lost] == -2).all()
    assert not first.extras["predicted_poisonous"][lost].any()
    assert first.extras["true_poisonous"].tolist() == (first.y_true == 0).tolist()
    assert score_task(task, SUITE, first).score == user_loss(
        first.y_true, first.y_pred, poisonous=[0]
    )
    assert score_task(task, SUITE, first).score < 0.05
