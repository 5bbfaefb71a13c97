"""Scores of tasks: which metrics, which interval, and what cannot be scored."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from biobench.data.predictions import Predictions
from biobench.errors import DataError, SpecError
from biobench.metric import accuracy, average_precision, macro_f1
from biobench.metric.cells import class_cells, cluster_numbers
from biobench.metric.half_jackknife import half_jackknife, t_quantile, wilson
from biobench.metric.score import score_task
from biobench.spec.canonical import sha256_json
from biobench.spec.documents import Metric
from biobench.spec.load import load_spec

SPEC = load_spec()
SUITE = SPEC.suites["demo"]
BELUGA = SPEC.task("beluga", "official")
HERBARIUM = SPEC.task("herbarium19", "official")


def sample(seed: int = 0, n: int = 120, classes: int = 6, clusters: int = 20) -> Predictions:
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
            "cluster": np.array([f"camera {k}" for k in rng.integers(0, clusters, n)]),
        },
    )


def test_a_task_gets_its_metrics_and_the_primary_ones_interval() -> None:
    """Metrics in the task's order; the interval is of the first, over the items' clusters."""
    predictions = sample()
    score = score_task(BELUGA, SUITE, predictions)
    assert list(score.metrics) == [m.id for m in BELUGA.metrics]
    assert score.score == score.metrics["macro_f1"]
    assert score.score == macro_f1(predictions.y_true, predictions.y_pred)
    assert score.metrics["accuracy"] == accuracy(predictions.y_true, predictions.y_pred)
    assert score.metrics["top1"] <= score.metrics["top5"]
    cells = class_cells(cluster_numbers(predictions), predictions.y_true, predictions.y_pred)
    found = half_jackknife(cells)
    assert score.interval is not None
    assert score.clusters is not None
    assert (score.clusters.count, score.clusters.effective) == (20, found.effective_clusters)
    assert score.interval.standard_error == found.standard_error
    quantile = t_quantile(SUITE.interval.t_quantiles, found.effective_clusters - 1)
    assert (score.interval.low, score.interval.high) == wilson(
        score.score, found.standard_error, quantile
    )
    assert score.digest == sha256_json(score.document())


def test_without_clusters_every_item_is_one() -> None:
    """The ids name the clusters then, and the interval holds for independent items."""
    predictions = sample()
    extras = {k: v for k, v in predictions.extras.items() if k != "cluster"}
    alone = replace(predictions, extras=extras)
    named = replace(predictions, extras={**extras, "cluster": np.array(predictions.ids)})
    found = [score_task(BELUGA, SUITE, one) for one in (alone, named)]
    assert found[0].document() == found[1].document()
    assert found[0].clusters is not None
    assert found[0].clusters.count == 120


def test_compat_has_no_interval_and_its_own_macro_f1() -> None:
    """Compat scores as upstream did and publishes no interval."""
    task = SPEC.task("herbarium19", "compat")
    predictions = sample()
    predictions.y_pred[0] = 9
    score = score_task(task, SUITE, predictions)
    assert (score.interval, score.jackknife, score.clusters) == (None, None, None)
    assert score.no_interval == "division"
    assert score.score == macro_f1(predictions.y_true, predictions.y_pred, division="compat")
    assert score.document()["interval"] is None


@pytest.mark.parametrize("name", ["accuracy", "top1", "top5", "mean_average_precision"])
def test_every_metric_can_be_primary(name: str) -> None:
    """An own task may rank by any metric: its interval surrounds its score."""
    metrics = (Metric(name, True, "half-jackknife"),)
    score = score_task(replace(BELUGA, metrics=metrics), SUITE, sample())
    assert score.interval is not None
    assert score.interval.low < score.score < score.interval.high
    none = replace(BELUGA, metrics=(Metric(name, True, None),))
    assert score_task(none, SUITE, sample()).no_interval == "metric"


@pytest.mark.parametrize(
    ("clusters", "reason", "few"),
    [(1, "few-clusters", None), (4, "few-clusters", None), (5, None, True), (9, None, True),
     (10, None, False), (40, None, False)],
)  # fmt: skip
def test_too_few_clusters_have_no_interval(clusters: int, reason: str | None, few: bool) -> None:
    """Five equal clusters are enough and ten are not few, whatever rounding makes of them."""
    predictions = sample(n=240)
    # 240 items of 6 classes: each cluster has as many of each class as the others.
    names = np.array([f"{(i // 6) % clusters:02}" for i in range(240)])
    if 40 % clusters:
        keep = 6 * clusters * (40 // clusters)
        predictions = Predictions(
            predictions.ids[:keep], predictions.y_true[:keep], predictions.y_pred[:keep]
        )
    found = replace(predictions, extras={"cluster": names[: len(predictions.ids)]})
    score = score_task(HERBARIUM, SUITE, found)
    assert score.clusters is not None
    assert score.clusters.effective == pytest.approx(clusters)
    assert score.no_interval == reason
    assert (None if score.interval is None else score.interval.few_clusters) is few


def test_an_interval_says_that_classes_lie_in_one_cluster() -> None:
    """A mark where more than a tenth of the classes does."""
    predictions = sample(n=200, classes=10, clusters=1)
    for alone, marked in ((0, False), (1, False), (2, True)):
        names = [f"{t if t < alone else i % 13}" for i, t in enumerate(predictions.y_true.tolist())]
        score = score_task(
            HERBARIUM, SUITE, replace(predictions, extras={"cluster": np.array(names)})
        )
        assert score.interval is not None
        assert score.interval.lone_classes is marked


def test_a_perfect_score_has_no_interval() -> None:
    """All right or all wrong says nothing of the spread."""
    predictions = sample()
    for predicted in (predictions.y_true, predictions.y_true + 1 - 12 * (predictions.y_true > 4)):
        score = score_task(HERBARIUM, SUITE, replace(predictions, y_pred=predicted))
        assert score.score in (0.0, 1.0)
        assert (score.interval, score.no_interval) == (None, "no-spread")


def test_what_cannot_be_scored_is_refused() -> None:
    """No item, an unknown metric, an unknown interval, a metric that the protocol cannot feed."""
    nothing = Predictions((), np.array([], np.int32), np.array([], np.int32))
    with pytest.raises(DataError, match="no item is scored"):
        score_task(HERBARIUM, SUITE, nothing)
    plain = Predictions(("a", "b"), np.array([0, 1], np.int32), np.array([0, 1], np.int32))
    for metric in (Metric("kappa", True, None), Metric("top1", True, None)):
        with pytest.raises(SpecError):
            score_task(replace(HERBARIUM, metrics=(metric,)), SUITE, plain)
    unknown = replace(HERBARIUM, metrics=(Metric("accuracy", True, "bootstrap"),))
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
