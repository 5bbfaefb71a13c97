"""The mean of a suite: in its order, its interval by Welch and Satterthwaite, None where a task is
missing."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobench.errors import SpecError
from biobench.metric.aggregate import Mean, aggregate
from biobench.metric.score import Spread, mean_spread
from biobench.spec.load import load_spec

RULES = load_spec().suites["demo"].interval
SPREADS = st.lists(
    st.tuples(st.floats(1e-6, 0.2), st.floats(5, 5000)).map(lambda pair: Spread(*pair)),
    min_size=2,
    max_size=12,
)


def mean(scores: dict[str, float], spreads: dict[str, Spread]) -> Mean:
    found = aggregate(list(scores), scores, spreads, RULES)
    assert found is not None
    return found


def test_the_order_is_the_suites_and_not_that_of_the_run() -> None:
    """Three numbers whose sum depends on the order; the suite decides it."""
    values = {"c": 0.3, "b": 0.2, "a": 0.1}
    assert (0.1 + 0.2) + 0.3 != (0.3 + 0.2) + 0.1
    found = aggregate(["a", "b", "c"], values, {}, RULES)
    assert found is not None
    assert found.score == ((0.1 + 0.2) + 0.3) / 3


@given(SPREADS)
def test_the_variance_and_the_degrees_of_freedom(spreads: list[Spread]) -> None:
    """Independent tasks: variances add up; the degrees of freedom lie between the fewest of a task
    and the sum of all."""
    found = mean_spread(spreads)
    expected = math.hypot(*(spread.standard_error for spread in spreads)) / len(spreads)
    assert found.standard_error == pytest.approx(expected, rel=1e-12)
    freedoms = [spread.effective_clusters - 1 for spread in spreads]
    assert found.effective_clusters - 1 >= min(freedoms) * (1 - 1e-12)
    assert found.effective_clusters - 1 <= sum(freedoms) * (1 + 1e-12)


def test_the_interval_of_a_mean_is_narrower_than_the_mean_of_intervals() -> None:
    """Errors of tasks are independent."""
    tasks = {f"t{i}": Spread(0.02, 200.0) for i in range(4)}
    one = mean({"t0": 0.5}, tasks)
    four = mean(dict.fromkeys(tasks, 0.5), tasks)
    assert one.low is not None
    assert one.high is not None
    assert four.low is not None
    assert four.high is not None
    assert four.high - four.low == pytest.approx((one.high - one.low) / 2, rel=0.02)
    assert one.effective_clusters == 200.0
    assert four.effective_clusters == pytest.approx(797)


def test_a_task_of_few_clusters_decides_where_its_error_does() -> None:
    """The quantile is that of the task whose variance is nearly all."""
    tasks = {"a": Spread(0.05, 6.0), "b": Spread(1e-6, 5000.0)}
    found = mean({"a": 0.5, "b": 0.5}, tasks)
    assert found.effective_clusters == pytest.approx(6.0, abs=1e-3)


def test_a_mean_of_scores_without_an_error_has_no_bounds() -> None:
    """No task has a spread, so nothing is known of that of the mean."""
    still = {"a": Spread(0.0, 9.0), "b": Spread(0.0, 6.0)}
    assert mean_spread(list(still.values())) == Spread(0.0, 6.0)
    assert mean({"a": 0.5, "b": 0.5}, still).low is None


def test_a_task_of_one_cluster_divides_by_nothing() -> None:
    """It has no degree of freedom: without spread it adds nothing, and with what rounding leaves of
    one it stays a number."""
    still, moved, other = Spread(0.0, 1.0), Spread(1e-17, 1.0), Spread(0.04, 9.0)
    for one in (still, moved):
        found = mean_spread([one, other])
        assert found.standard_error == pytest.approx(0.02, rel=1e-12)
        assert found.effective_clusters == pytest.approx(9.0, rel=1e-9)
    assert mean_spread([still, still]) == Spread(0.0, 1.0)


def test_a_missing_member_leaves_no_mean_and_a_stranger_does_not_enter() -> None:
    """A mean of eight tasks is not the mean of nine; a task outside the suite changes nothing."""
    scores = {"a": 0.25, "b": 0.5, "x": 1.0}
    assert aggregate(["a", "b", "c"], scores, {}, RULES) is None
    found = aggregate(["a", "b"], scores, {}, RULES)
    assert found is not None
    assert found.score == float(Fraction(3, 8))
    assert found.tasks == 2


def test_a_mean_without_every_interval_has_none() -> None:
    """Compat tasks and mixtures give the mean alone; a suite without members is refused."""
    having = Spread(0.1, 9.0)
    for spreads in ({}, {"a": having}, {"b": having}):
        found = mean({"a": 0.5, "b": 0.5}, spreads)
        assert found == Mean(0.5, None, None, None, None, 2)
    with pytest.raises(SpecError):
        aggregate([], {}, {}, RULES)


def test_simulated_coverage_of_a_mean() -> None:
    """Means of nine tasks of normal errors with estimated variances: about 95 of 100 intervals hold
    the truth, here of 2,000; by chance alone fewer than 1,850 or more than 1,960 come once in a
    thousand times or less."""
    rng = np.random.default_rng(1)
    clusters = [6, 8, 12, 20, 48, 60, 120, 500, 800]
    covered = 0
    for _ in range(2000):
        scores, spreads = {}, {}
        for i, count in enumerate(clusters):
            sd = 0.03 / (1 + i % 3)
            scores[f"t{i}"] = 0.5 + sd * rng.normal()
            variance = sd * sd * rng.chisquare(count - 1) / (count - 1)
            spreads[f"t{i}"] = Spread(math.sqrt(variance), float(count))
        found = mean(scores, spreads)
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 0.5 <= found.high
    assert 1850 <= covered <= 1960
