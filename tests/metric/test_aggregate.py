"""The mean of a suite: replicate by replicate, in its order, None where a task is missing."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobench.errors import SpecError
from biobench.metric.aggregate import aggregate
from biobench.metric.bootstrap import bounds
from biobench.metric.score import Interval, Score


def score(value: float, replicates: list[float] | None = None) -> Score:
    if replicates is None:
        return Score(value, {"macro_f1": value}, None, None)
    column = np.array(replicates)
    interval = Interval(*bounds(column, 0.95), 0.95, "bootstrap-stratified", column.size, True)
    return Score(value, {"macro_f1": value}, interval, column)


@given(st.lists(st.lists(st.floats(0, 1), min_size=5, max_size=5), min_size=1, max_size=9))
def test_every_sum_runs_in_the_order_of_the_suite(rows: list[list[float]]) -> None:
    """The score and each replicate are sums from left to right, divided once."""
    scores = {f"t{i}": score(row[0], row[1:]) for i, row in enumerate(rows)}
    mean = aggregate(list(scores), scores)
    totals = [0.0] * 5
    for row in rows:
        totals = [total + value for total, value in zip(totals, row, strict=True)]
    expected = [total / len(rows) for total in totals]
    assert mean is not None
    assert mean.score == expected[0]
    assert (mean.low, mean.high) == (min(expected[1:]), max(expected[1:]))
    assert mean.tasks == len(rows)


def test_the_order_is_the_suites_and_not_that_of_the_run() -> None:
    """Three numbers whose sum depends on the order; the suite decides it."""
    values = {"a": 0.1, "b": 0.2, "c": 0.3}
    assert (0.1 + 0.2) + 0.3 != (0.3 + 0.2) + 0.1
    scores = {task: score(value, [value] * 3) for task, value in reversed(values.items())}
    mean = aggregate(["a", "b", "c"], scores)
    assert mean is not None
    assert mean.score == mean.low == mean.high == ((0.1 + 0.2) + 0.3) / 3


def test_the_mean_of_replicates_is_narrower_than_the_mean_of_bounds() -> None:
    """Errors of tasks are independent: that is why the mean has replicates of its own."""
    rng = np.random.default_rng(0)
    columns = rng.normal(0.5, 0.1, (4, 1000))
    scores = {f"t{i}": score(0.5, column.tolist()) for i, column in enumerate(columns)}
    mean = aggregate(list(scores), scores)
    assert mean is not None
    assert mean.low is not None
    assert mean.high is not None
    intervals = [s.interval for s in scores.values() if s.interval is not None]
    widths = [interval.high - interval.low for interval in intervals]
    assert mean.high - mean.low < 0.6 * np.mean(widths)
    assert (mean.low, mean.high) == bounds(np.add.accumulate(columns)[-1] / 4, 0.95)


def test_a_missing_member_leaves_no_mean_and_a_stranger_does_not_enter() -> None:
    """A mean of eight tasks is not the mean of nine; a task outside the suite changes nothing."""
    scores = {"a": score(0.25), "b": score(0.5), "x": score(1.0)}
    assert aggregate(["a", "b", "c"], scores) is None
    mean = aggregate(["a", "b"], scores)
    assert mean is not None
    assert mean.score == float(Fraction(3, 8))
    assert mean.tasks == 2


def test_a_mean_without_every_interval_has_none() -> None:
    """Compat tasks and mixtures give the mean alone; a suite without members is refused."""
    having, lacking = score(0.5, [0.4, 0.6]), score(0.5)
    for pair in ((lacking, lacking), (having, lacking), (lacking, having)):
        mean = aggregate(["a", "b"], dict(zip("ab", pair, strict=True)))
        assert mean is not None
        assert (mean.score, mean.low, mean.high) == (0.5, None, None)
    with pytest.raises(SpecError):
        aggregate([], {})
