"""The half-jackknife: its definition to the bit, the table of t, Wilson's bounds, coverage."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobench.conformance.operations.interval import predictions_of
from biobench.metric.cells import class_cells, cluster_numbers
from biobench.metric.half_jackknife import Jackknife, enough, half_jackknife, t_quantile, wilson
from biobench.metric.registry import METRICS
from biobench.spec.load import load_spec
from processor_time import processor_time

TABLE = load_spec().suites["biobench"].interval.t_quantiles
METRIC = st.sampled_from(list(METRICS))


@pytest.fixture(scope="module")
def tools(repository: Path) -> Iterator[None]:
    sys.path.insert(0, str(repository / "tools"))
    yield
    sys.path.remove(str(repository / "tools"))


@pytest.fixture(scope="module")
def plain(tools: None) -> ModuleType:
    """The definition as loops over items, written from the text."""
    return importlib.import_module("vectors.plain_clusters")


@st.composite
def columns(draw: st.DrawFn) -> dict[str, Any]:
    """Predictions with every column that a metric needs, few classes and few clusters."""
    n = draw(st.integers(1, 25))

    def many(values: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(values, min_size=n, max_size=n))

    metric = draw(METRIC)
    labels = st.integers(-1 if metric == "user_loss" else 0, 4)
    truth = many(labels)
    prediction = many(st.integers(-2, 5))
    called = [
        flag and label >= 0 for flag, label in zip(many(st.booleans()), prediction, strict=True)
    ]
    if metric == "traits_f1":
        truth = [[int(label) & 1, int(label) >> 1 & 1] for label in truth]
        prediction = [[min(label, 1), 1] if label > -2 else [-2, -2] for label in prediction]
    deadly = many(st.booleans())
    return {
        "metric": metric,
        "division": "official",
        "y_true": truth,
        "y_pred": prediction,
        "cluster": many(st.sampled_from(["b", "a", "\U0001f600", "\ufb33", "c"])),
        "group": many(st.sampled_from(["x", "y", "Z"])),
        "first_hit": many(st.integers(0, 7)),
        "average_precision": many(st.floats(0, 1)),
        "true_poisonous": [flag and label != -1 for flag, label in zip(deadly, truth, strict=True)],
        "predicted_poisonous": called,
    }


def jackknife(given: dict[str, Any]) -> Jackknife:
    return half_jackknife(METRICS[given["metric"]].cells(predictions_of(given)))


@given(given=columns())
def test_it_is_its_definition_to_the_bit(plain: ModuleType, given: dict[str, Any]) -> None:
    """Each metric, against loops over items that were written from the specification."""
    found, expected = jackknife(given), plain.clusters(given)
    assert found.influence.tolist() == expected.J
    assert found.weights.tolist() == expected.w
    assert (found.classes, found.lone_classes) == (expected.classes, expected.lone)


@given(given=columns())
def test_weights_add_up_to_one_and_effective_clusters_are_no_more_than_clusters(
    given: dict[str, Any],
) -> None:
    """Whatever the metric: each class of the truth is shared out once."""
    found = jackknife(given)
    assert found.weights.sum() == pytest.approx(1)
    assert 0.999999 < found.effective_clusters <= found.clusters + 1e-6
    assert found.clusters == len(set(given["cluster"]))


def test_accuracy_of_equal_clusters_has_the_usual_error() -> None:
    """A mean of K equal clusters: about the standard error of their means, K - 1 degrees."""
    rng = np.random.default_rng(0)
    right = rng.random((40, 25)) < rng.uniform(0.3, 0.9, (40, 1))
    given = {
        "metric": "accuracy",
        "y_true": [0] * 1000,
        "y_pred": (~right).astype(int).ravel().tolist(),
        "cluster": [f"{i // 25:02}" for i in range(1000)],
    }
    found = jackknife(given)
    usual = right.mean(axis=1).std(ddof=1) / np.sqrt(40)
    assert found.standard_error == pytest.approx(usual, rel=1e-3)
    assert found.effective_clusters == pytest.approx(40)


def test_the_table_of_t_is_students(plain: ModuleType) -> None:
    """Every entry to four decimals; between the entries at most 1 % too large, never too small."""
    from scipy import stats

    for freedom, quantile in TABLE:
        assert quantile == pytest.approx(stats.t.ppf(0.975, freedom), abs=5e-5)
    for freedom in np.geomspace(4, 10_000, 400).tolist():
        found = t_quantile(TABLE, freedom)
        exact = float(stats.t.ppf(0.975, freedom))
        assert exact - 1e-4 <= found <= exact * 1.01
        assert found == plain.quantile(freedom)
    assert (t_quantile(TABLE, 1.0), t_quantile(TABLE, 1e9)) == (TABLE[0][1], TABLE[-1][1])


@given(st.floats(0.001, 0.999), st.floats(1e-6, 0.5), st.floats(1.9, 2.8))
def test_wilson_holds_the_score_and_stays_within_0_and_1(x: float, se: float, q: float) -> None:
    """The bounds are those of a share of n trials with this error."""
    bounds = wilson(x, se, q)
    assert bounds is not None
    low, high = bounds
    assert 0 <= low <= x * (1 + 1e-12)
    assert x * (1 - 1e-12) <= high <= 1
    n = x * (1 - x) / se**2
    for bound in bounds:
        # At a bound the score is q standard errors of that share away.
        expected = q * np.sqrt(bound * (1 - bound) / n)
        assert abs(x - bound) == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_scores_without_spread_have_no_bounds() -> None:
    """0, 1 and a standard error of 0."""
    assert wilson(0.0, 0.1, 2.0) is wilson(1.0, 0.1, 2.0) is wilson(0.5, 0.0, 2.0) is None


def test_five_equal_clusters_are_five() -> None:
    """Rounding decides no interval."""
    given = {"metric": "accuracy", "y_true": [0] * 35, "y_pred": [0, 1] * 17 + [0]}
    for clusters in range(2, 35):
        count = 35 // clusters * clusters
        names = [str(i % clusters) for i in range(count)]
        part = {**given, "cluster": names}
        part |= {key: part[key][:count] for key in ("y_true", "y_pred")}
        assert enough(jackknife(part).effective_clusters, clusters)
    assert not enough(4.99, 5)


def test_150_000_items_take_about_a_second() -> None:
    """Each item its own cluster, a thousand classes: the cost grows with items and cells alone."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 1000, 150_000)
    guess = np.where(rng.random(truth.size) < 0.6, truth, rng.integers(0, 1000, truth.size))
    with processor_time() as spent:
        found = half_jackknife(class_cells(np.arange(truth.size), truth, guess))
    assert spent.seconds < 3
    assert found.clusters == 150_000


def test_clusters_are_in_code_point_order() -> None:
    """Not in that of UTF-16, whose first unit of an emoji is below U+FB33."""
    given = {"y_true": [0, 0, 0], "cluster": ["\U0001f600", "\ufb33", "a"]}
    assert cluster_numbers(predictions_of(given)).tolist() == [2, 1, 0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "least", "most"), [("kabr, 12 videos", 0.92, 0.98), ("ten items a class", 0.92, 0.98)]
)
def test_simulated_coverage(tools: None, shape: str, least: float, most: float) -> None:
    """The tool of docs/intervals.md, 400 trials: below .9 something is wrong with the method.

    At a true coverage of .95 fewer than 368 of 400 have a chance of 1 %, and the seed is fixed.
    """
    simulation = importlib.import_module("interval_coverage")
    trials = list(simulation.simulate(simulation.SHAPES[shape], 400, seed=3))
    found = simulation.coverage(trials)
    assert found.published == 400
    assert least <= found.score <= most
    assert least <= found.difference <= most
