"""Models against each other: p values, Holm, ties for best, comparisons that are undefined."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobench.data.predictions import Predictions
from biobench.errors import DataError, UsageError
from biobench.metric.bootstrap import bounds
from biobench.metric.comparison import (
    Resampled,
    compare,
    difference,
    holm,
    resample,
    resampled_mean,
    ties_for_best,
)
from biobench.metric.score import score_task
from biobench.spec.documents import Metric
from biobench.spec.load import load_spec

SPEC = load_spec()
SUITE = replace(SPEC.suites["demo"], replicates=50, comparison_replicates=200)
TASK = SPEC.task("herbarium19", "official")
TENTHS = st.lists(st.integers(-3, 3).map(lambda i: i / 10), min_size=1, max_size=30)


def predictions(skill: float, seed: int, n: int = 120, classes: int = 6) -> Predictions:
    rng = np.random.default_rng(seed)
    truth = (np.arange(n) % classes).astype(np.int32)
    guess = rng.integers(0, classes, n)
    predicted = np.where(rng.random(n) < skill, truth, guess).astype(np.int32)
    return Predictions(tuple(f"item{i}" for i in range(n)), truth, predicted)


def model(score: float, replicates: list[float], higher: bool = True) -> Resampled:
    return Resampled(score, np.array(replicates), higher)


@given(TENTHS, st.booleans())
def test_the_p_value_counts_the_smaller_tail(differences: list[float], higher: bool) -> None:
    """Word for word, zeros in both tails; the direction of the metric does not enter."""
    a = model(0.5, differences, higher)
    b = model(0.25, [0.0] * len(differences), higher)
    found = difference(a, b, 0.9)
    below = sum(d <= 0 for d in differences)
    above = sum(d >= 0 for d in differences)
    count = len(differences)
    assert found.p == min(count + 1, 2 * (min(below, above) + 1)) / (count + 1)
    assert (found.low, found.high) == bounds(np.array(differences), 0.9)
    assert (found.difference, found.replicates, found.level) == (0.25, count, 0.9)
    assert found.ahead == ("a" if higher else "b")
    turned = difference(b, a, 0.9)
    assert turned.p == found.p
    assert turned.ahead == ("b" if higher else "a")


def test_equal_models_have_p_one_and_nobody_ahead() -> None:
    """The same predictions differ by nothing on any resample."""
    same = predictions(0.6, 1)
    found = compare(same, same, TASK, SUITE)
    assert (found.difference, found.low, found.high, found.p) == (0.0, 0.0, 0.0, 1.0)
    assert found.ahead is None
    assert found.reliable


def test_the_pairs_are_the_resamples_of_the_interval() -> None:
    """The comparison's first replicates are the interval's, and more of them follow."""
    a, b = predictions(0.8, 1), predictions(0.4, 2)
    found = compare(a, b, TASK, SUITE)
    one, other = score_task(TASK, SUITE, a), score_task(TASK, SUITE, b)
    assert one.replicates is not None
    assert other.replicates is not None
    whole = resample(a, TASK, SUITE).replicates
    assert np.array_equal(whole[:50], one.replicates)
    assert found.replicates == whole.size == 200
    assert found.difference == one.score - other.score
    assert (found.p, found.ahead) == (2 / 201, "a")
    assert found.low > 0


def test_pairing_sees_what_separate_intervals_do_not() -> None:
    """One model right wherever the other is and on some items more: the intervals overlap."""
    a = predictions(0.6, 3)
    better = a.y_pred.copy()
    wrong = np.flatnonzero(a.y_pred != a.y_true)[:8]
    better[wrong] = a.y_true[wrong]
    b = Predictions(a.ids, a.y_true, better)
    low = score_task(TASK, SUITE, b).interval
    high = score_task(TASK, SUITE, a).interval
    assert low is not None
    assert high is not None
    assert low.low < high.high
    assert compare(b, a, TASK, SUITE).p == 2 / 201


@pytest.mark.parametrize("seed", [0])
def test_equally_good_models_are_told_apart_as_seldom_as_stated(seed: int) -> None:
    """20 classes of 20 items: p <= .05 in about one case of twenty, here of 150.

    At a true rate of .06 more than 19 cases have a chance of one in a thousand.
    """
    rng = np.random.default_rng(seed)
    suite = replace(SUITE, comparison_replicates=199)
    cases = [
        compare(
            predictions(0.5, 2 * i, 400, 20),
            predictions(0.5, 2 * i + 1, 400, 20),
            replace(TASK, id=f"t{rng.integers(1 << 30)}"),
            suite,
        )
        for i in range(150)
    ]
    assert all(case.reliable for case in cases)
    assert 1 <= sum(case.p <= 0.05 for case in cases) <= 19


def test_single_items_make_a_comparison_unreliable() -> None:
    """Resamples of single items never change: p is small whatever the difference, and says so."""
    truth = np.arange(12, dtype=np.int32)
    guess = truth.copy()
    guess[0] = 1
    ids = tuple(map(str, range(12)))
    found = compare(Predictions(ids, truth, truth), Predictions(ids, truth, guess), TASK, SUITE)
    assert found.p == 2 / 201
    assert not found.reliable


def test_the_mean_is_compared_replicate_by_replicate() -> None:
    """Two tasks with opposite outcomes: the mean weighs them, replicate by replicate."""
    a = [model(0.5, [0.5, 0.25, 0.75]), model(0.25, [0.25, 0.25, 0.5])]
    b = [model(0.25, [0.25, 0.25, 0.25]), model(0.75, [0.75, 0.5, 0.5])]
    found = difference(resampled_mean(a), resampled_mean(b), 0.5)
    assert found.difference == -0.125
    assert (found.low, found.high) == (-0.125, 0.25)
    assert found.p == 1.0
    unreliable = replace(a[1], reliable=False)
    assert not resampled_mean([a[0], unreliable]).reliable


def test_comparisons_that_are_not_defined_are_refused() -> None:
    """Other items or labels, no interval, other replicates or directions: exit 3."""
    a, b = predictions(0.6, 1), predictions(0.6, 2)
    ids = (*b.ids[:-1], "another")
    truth = b.y_true.copy()
    truth[0] = 1
    compat = SPEC.task("herbarium19", "compat")
    bare = replace(TASK, metrics=(Metric("accuracy", True, None),))
    lower = replace(resample(b, TASK, SUITE), higher_is_better=False)
    for call in (
        lambda: compare(a, Predictions(ids, b.y_true, b.y_pred), TASK, SUITE),
        lambda: compare(a, Predictions(b.ids, truth, b.y_pred), TASK, SUITE),
        lambda: compare(a, b, compat, SUITE),
        lambda: compare(a, b, bare, SUITE),
        lambda: difference(model(0.5, [0.1]), model(0.5, [0.1, 0.2]), 0.95),
        lambda: difference(model(0.5, []), model(0.5, []), 0.95),
        lambda: difference(resample(a, TASK, SUITE), lower, 0.95),
        lambda: resampled_mean([]),
        lambda: resampled_mean([resample(a, TASK, SUITE), lower]),
        lambda: ties_for_best({}, 0.05, 0.95),
    ):
        with pytest.raises(DataError, match=r"; "):
            call()


P_VALUES = st.lists(st.integers(0, 20).map(lambda i: i / 20), max_size=12)


@given(P_VALUES)
def test_holm_is_its_definition(values: list[float]) -> None:
    """Ascending, equal ones in order, each times what is left of the family, never falling."""
    expected: dict[int, float] = {}
    least = 0.0
    left = list(range(len(values)))
    while left:
        smallest = min(left, key=lambda i: (values[i], i))
        least = max(least, min(1.0, len(left) * values[smallest]))
        expected[smallest] = least
        left.remove(smallest)
    assert holm(values) == [expected[i] for i in range(len(values))]


@given(P_VALUES.filter(len), st.sampled_from([0.01, 0.05, 0.2, 0.5]))
def test_holm_rejects_what_the_step_down_procedure_rejects(
    values: list[float], alpha: float
) -> None:
    """The procedure as published: stop at the first p above alpha / (m - i + 1)."""
    m, rejected = len(values), set()
    for place, i in enumerate(sorted(range(m), key=lambda i: values[i])):
        if (m - place) * values[i] > alpha:
            break
        rejected.add(i)
    assert {i for i, p in enumerate(holm(values)) if p <= alpha} == rejected


def test_holm_refuses_what_is_no_probability() -> None:
    """A negative value, one above 1, or none at all is a caller's error; no family is none."""
    assert holm([]) == []
    for bad in ([-0.1], [1.5], [0.5, float("nan")]):
        with pytest.raises(UsageError):
            holm(bad)


def test_ties_for_best() -> None:
    """The first of equal scores is best; those it cannot be told from tie; the order stays."""
    models = {
        "bad": model(0.1, [0.1] * 99),
        "close": model(0.5, [0.5 + 0.01 * (-1) ** i for i in range(99)]),
        "best": model(0.6, [0.5] * 99),
        "same": model(0.6, [0.5] * 99),
    }
    found = ties_for_best(models, 0.1, 0.95)
    assert (found.best, found.ties) == ("best", ("close", "best", "same"))
    assert dict(found.p) == {"bad": 0.06, "close": 1.0, "same": 1.0}
    assert ties_for_best(models, 0.05, 0.95).ties == ("bad", "close", "best", "same")
    assert ties_for_best({"only": models["bad"]}, 0.05, 0.95).ties == ("only",)


def test_the_best_loss_is_the_smallest() -> None:
    """The same numbers have another winner where lower is better."""
    models = {
        "high": model(0.9, [0.9] * 99, higher=False),
        "low": model(0.2, [0.2] * 99, higher=False),
    }
    found = ties_for_best(models, 0.05, 0.95)
    assert (found.best, found.ties, dict(found.p)) == ("low", ("low",), {"high": 0.02})


def test_the_family_of_the_suite_can_reject() -> None:
    """With the suite's replicates the benchmark's own number of models can be told apart."""
    suite = SPEC.suites["biobench"]
    smallest = 2 / (suite.comparison_replicates + 1)
    assert 250 * smallest <= suite.alpha < 251 * smallest
