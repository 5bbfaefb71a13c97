"""Scores of tasks: which metrics, which interval, and what cannot be scored."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from biobench.data.predictions import Predictions
from biobench.errors import DataError, SpecError
from biobench.metric import accuracy, average_precision, macro_f1
from biobench.metric.bootstrap import bounds, macro_f1_replicates
from biobench.metric.score import score_task
from biobench.spec.canonical import sha256_json
from biobench.spec.documents import Metric
from biobench.spec.generator import Stream
from biobench.spec.load import load_spec

SPEC = load_spec()
SUITE = replace(SPEC.suites["demo"], replicates=200)
BELUGA = SPEC.task("beluga", "official")
HERBARIUM = SPEC.task("herbarium19", "official")


def sample(seed: int = 0, n: int = 120, classes: int = 6) -> Predictions:
    rng = np.random.default_rng(seed)
    truth = (np.arange(n) % classes).astype(np.int32)
    predicted = np.where(rng.random(n) < 0.6, truth, rng.integers(0, classes, n)).astype(np.int32)
    return Predictions(
        tuple(f"item{i}" for i in range(n)),
        truth,
        predicted,
        {
            "first_hit": rng.integers(0, 9, n).astype(np.int32),
            "average_precision": rng.random(n),
        },
    )


def test_a_task_gets_its_metrics_and_the_primary_ones_interval() -> None:
    """Metrics in the task's order; the interval is of the first, from the task's own stream."""
    predictions = sample()
    score = score_task(BELUGA, SUITE, predictions)
    assert list(score.metrics) == [m.id for m in BELUGA.metrics]
    assert score.score == score.metrics["macro_f1"]
    assert score.score == macro_f1(predictions.y_true, predictions.y_pred)
    assert score.metrics["accuracy"] == accuracy(predictions.y_true, predictions.y_pred)
    assert score.metrics["top1"] <= score.metrics["top5"]
    replicates = macro_f1_replicates(
        predictions.y_true.astype(np.int64),
        predictions.y_pred.astype(np.int64),
        Stream(SUITE.seed, "bootstrap/beluga"),
        200,
    )
    assert score.replicates is not None
    assert np.array_equal(score.replicates, replicates)
    assert score.interval is not None
    assert (score.interval.low, score.interval.high) == bounds(replicates, 0.95)
    assert score.digest == sha256_json(score.document())


def test_compat_has_no_interval_and_its_own_macro_f1() -> None:
    """Compat scores as upstream did and publishes no interval."""
    task = SPEC.task("herbarium19", "compat")
    predictions = sample()
    predictions.y_pred[0] = 9
    score = score_task(task, SUITE, predictions)
    assert score.interval is None
    assert score.replicates is None
    assert score.score == macro_f1(predictions.y_true, predictions.y_pred, division="compat")
    assert score.document()["interval"] is None


@pytest.mark.parametrize("name", ["accuracy", "top1", "top5", "mean_average_precision"])
def test_every_metric_can_be_primary(name: str) -> None:
    """An own task may rank by any metric: its replicates surround its score."""
    metrics = (Metric(name, True, "bootstrap-stratified"),)
    score = score_task(replace(BELUGA, metrics=metrics), SUITE, sample())
    assert score.interval is not None
    assert score.interval.low < score.score < score.interval.high


def test_an_interval_is_reliable_only_with_enough_items_in_every_class() -> None:
    """One thin class is enough to say so."""
    predictions = sample(n=60, classes=6)
    whole = score_task(HERBARIUM, SUITE, predictions).interval
    assert SUITE.reliable_items_per_class == 10
    assert whole is not None
    assert whole.reliable
    thin = Predictions(predictions.ids[1:], predictions.y_true[1:], predictions.y_pred[1:])
    interval = score_task(HERBARIUM, SUITE, thin).interval
    assert interval is not None
    assert not interval.reliable


def test_what_cannot_be_scored_is_refused() -> None:
    """No item, an unknown metric, an unknown interval, a metric that the protocol cannot feed."""
    nothing = Predictions((), np.array([], np.int32), np.array([], np.int32))
    with pytest.raises(DataError, match="no item is scored"):
        score_task(HERBARIUM, SUITE, nothing)
    plain = Predictions(("a", "b"), np.array([0, 1], np.int32), np.array([0, 1], np.int32))
    for metric in (Metric("kappa", True, None), Metric("top1", True, None)):
        with pytest.raises(SpecError):
            score_task(replace(HERBARIUM, metrics=(metric,)), SUITE, plain)
    unknown = replace(HERBARIUM, metrics=(Metric("accuracy", True, "jackknife"),))
    with pytest.raises(SpecError, match="unknown interval"):
        score_task(unknown, SUITE, plain)


def test_mean_average_precision_is_the_mean_of_average_precisions() -> None:
    """The task's metric is the public function's mean over the queries."""
    flags = [[True, False], [False, True], [False, False]]
    values = np.array([average_precision(f, n_relevant=1) for f in flags])
    predictions = Predictions(
        ("a", "b", "c"),
        np.array([0, 0, 1], np.int32),
        np.array([0, 1, 1], np.int32),
        {"average_precision": values, "first_hit": np.array([1, 2, 0], np.int32)},
    )
    metrics = (Metric("mean_average_precision", True, None),)
    assert score_task(replace(BELUGA, metrics=metrics), SUITE, predictions).score == 1.5 / 3
