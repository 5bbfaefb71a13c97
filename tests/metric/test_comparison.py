"""Models against each other: signs, p values, Holm, sets of ranks, what is undefined."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobench.data.predictions import Predictions
from biobench.errors import DataError, UsageError
from biobench.metric.comparison import Clustered, clustered, compare, difference, holm, ranked
from biobench.metric.half_jackknife import Jackknife, t_quantile
from biobench.metric.score import score_task
from biobench.metric.signs import Flips, signs
from biobench.spec.documents import Metric
from biobench.spec.generator import Stream
from biobench.spec.load import load_spec

SPEC = load_spec()
SUITE = SPEC.suites["demo"]
TASK = SPEC.task("herbarium19", "official")
REPLICATES = SUITE.comparison.replicates


def predictions(
    skill: float, seed: int, n: int = 240, classes: int = 6, clusters: int = 20
) -> Predictions:
    rng = np.random.default_rng(seed)
    truth = (np.arange(n) % classes).astype(np.int32)
    guess = rng.integers(0, classes, n)
    predicted = np.where(rng.random(n) < skill, truth, guess).astype(np.int32)
    names = np.array([f"camera {i // classes % clusters}" for i in range(n)])
    return Predictions(tuple(f"item{i}" for i in range(n)), truth, predicted, {"cluster": names})


def model(
    score: float, influence: list[float], task: str = "beluga", higher: bool = True
) -> Clustered:
    count = len(influence)
    jackknife = Jackknife(np.array(influence), np.full(count, 1 / count), 1, 0)
    return Clustered(task, score, jackknife, higher)


def drawn(rng: np.random.Generator, score: float, clusters: int, task: str = "t") -> Clustered:
    """A model that truly has ``score``, in clusters that are draws from a population."""
    values = score + 0.2 * rng.normal(size=clusters)
    mean = float(values.mean())
    influence = (values - mean) / clusters * np.sqrt(clusters / (clusters - 1))
    return model(mean, influence.tolist(), task)


def test_a_mean_with_a_task_of_one_cluster_has_a_difference_without_bounds() -> None:
    """One cluster says nothing of new ones, so that there is no interval, and no division by 0."""
    a = [model(0.6, [0.01, -0.01] * 6), model(0.5, [0.0], "kabr")]
    b = [model(0.5, [-0.01, 0.02] * 6), model(0.5, [0.0], "kabr")]
    found = difference(a, b, SUITE)
    assert found.difference == pytest.approx(0.05)
    assert (found.low, found.high, found.resolution, found.p) == (None, None, None, None)
    assert found.effective_clusters == pytest.approx(12.0)
    assert ranked({"a": a, "b": b}, SUITE) is None


def test_signs_are_the_bits_of_words() -> None:
    """From the lowest bit, 64 clusters a word, every replicate from a word of its own."""
    stream = Stream(17, "signs/test")
    blocks = list(signs(stream, 70, 5))
    assert [block.shape for block in blocks] == [(64, 5), (6, 5)]
    whole = np.concatenate(blocks)
    for r in range(5):
        for k in range(70):
            bit = stream.word(2 * r + k // 64) >> (k % 64) & 1
            assert whole[k, r] == (1 if bit else -1)


def test_the_sums_of_signs_are_their_definition() -> None:
    """Left to right over the clusters, for models beside each other."""
    rng = np.random.default_rng(0)
    stream = Stream(17, "signs/test")
    weights = rng.random(67)
    weights /= weights.sum()
    models = [Jackknife(rng.normal(size=67), weights, 1, 0) for _ in range(3)]
    flips = Flips.of(models, stream, 9)
    sign = np.concatenate(list(signs(stream, 67, 9)))
    for i, one in enumerate(models):
        for r in range(9):
            plain = weighted = 0.0
            for k in range(67):
                plain += sign[k, r] * one.influence[k]
                weighted += sign[k, r] * (one.influence[k] * weights[k] / (1.0 - weights[k]))
            assert (flips.plain[i, r], flips.weighted[i, r]) == (plain, weighted)


def test_equal_models_have_p_one_and_nobody_ahead() -> None:
    """The same predictions differ by nothing in any cluster."""
    same = predictions(0.6, 1)
    found = compare(same, same, TASK, SUITE)
    assert (found.difference, found.p, found.ahead) == (0.0, 1.0, None)
    assert (found.low, found.high, found.standard_error) == (None, None, 0.0)


def test_a_difference_is_of_the_scores_and_its_interval_symmetric() -> None:
    """Student's t of the effective clusters; beyond the resolution it is told apart from 0."""
    a, b = predictions(0.8, 1), predictions(0.4, 2)
    found = compare(a, b, TASK, SUITE)
    one, other = score_task(TASK, SUITE, a), score_task(TASK, SUITE, b)
    assert found.difference == one.score - other.score
    assert found.low is not None
    assert found.high is not None
    assert found.resolution is not None
    quantile = t_quantile(SUITE.interval.t_quantiles, found.effective_clusters - 1)
    assert found.resolution == quantile * found.standard_error
    assert (found.low, found.high) == (
        found.difference - found.resolution,
        found.difference + found.resolution,
    )
    assert (found.p, found.ahead) == (1 / (REPLICATES + 1), "a")
    turned = compare(b, a, TASK, SUITE)
    assert (turned.difference, turned.p, turned.ahead) == (-found.difference, found.p, "b")


def test_pairing_sees_what_separate_intervals_do_not() -> None:
    """One model right wherever the other is and on some items more: the intervals overlap."""
    a = predictions(0.6, 3)
    better = a.y_pred.copy()
    wrong = np.flatnonzero(a.y_pred != a.y_true)[:24]
    better[wrong] = a.y_true[wrong]
    b = replace(a, y_pred=better)
    low = score_task(TASK, SUITE, b).interval
    high = score_task(TASK, SUITE, a).interval
    assert low is not None
    assert high is not None
    assert low.low < high.high
    found = compare(b, a, TASK, SUITE)
    assert found.low is not None
    assert found.low > 0
    assert found.p is not None
    assert found.p < 0.05


@pytest.mark.parametrize("clusters", [9, 40])
def test_equally_good_models_are_told_apart_as_seldom_as_stated(clusters: int) -> None:
    """p <= .05 in about one case of twenty, here of 400; by chance alone more than 36 come once in
    a thousand times at a rate of .06."""
    rng = np.random.default_rng(clusters)
    suite = replace(SUITE, comparison=replace(SUITE.comparison, replicates=199))
    found = [
        difference(
            [drawn(rng, 0.5, clusters, f"t{i}")], [drawn(rng, 0.5, clusters, f"t{i}")], suite
        )
        for i in range(400)
    ]
    assert 6 <= sum(one.p is not None and one.p <= 0.05 for one in found) <= 36
    covered = sum(
        one.low is not None and one.high is not None and one.low <= 0 <= one.high for one in found
    )
    assert 364 <= covered <= 394


@pytest.mark.parametrize(
    ("clusters", "interval", "p"),
    [(4, False, False), (5, True, False), (7, True, False), (8, True, True)],
)
def test_few_clusters_have_no_p_value_and_fewer_no_interval(
    clusters: int, interval: bool, p: bool
) -> None:
    """Signs need more clusters than an interval."""
    rng = np.random.default_rng(0)
    a, b = drawn(rng, 0.8, clusters), drawn(rng, 0.4, clusters)
    found = difference([a], [b], SUITE)
    assert (found.low is not None) is interval
    assert (found.p is not None) is p
    assert (ranked({"a": [a], "b": [b]}, SUITE) is not None) is p
    assert found.few_clusters
    mean = difference([a, drawn(rng, 0.8, 50, "u")], [b, drawn(rng, 0.4, 50, "u")], SUITE)
    assert (mean.low is not None) is interval


def test_a_difference_that_no_cluster_moves_is_not_told_apart() -> None:
    """All right against all wrong in every cluster: the data say nothing of the spread."""
    a, b = model(1.0, [0.0] * 12), model(0.0, [0.0] * 12)
    found = difference([a], [b], SUITE)
    assert (found.difference, found.low, found.p) == (1.0, None, 1.0)
    sets = ranked({"a": [a], "b": [b]}, SUITE)
    assert sets is not None
    assert sets.may_be_best == ("a", "b")


def test_comparisons_that_are_not_defined_are_refused() -> None:
    """Other items, another order, another truth, other clusters, compat, a metric without an
    interval."""
    a = predictions(0.6, 1)
    other = replace(a, ids=("x", *a.ids[1:]))
    swapped = replace(a, ids=(a.ids[1], a.ids[0], *a.ids[2:]))
    relabelled = replace(a, y_true=np.roll(a.y_true, 1))
    moved = replace(a, extras={"cluster": np.roll(a.extras["cluster"], 1)})
    alone = replace(a, extras={})
    for b in (other, swapped, relabelled, moved, alone):
        with pytest.raises(DataError, match="not scored on the same items"):
            compare(a, b, TASK, SUITE)
    compat = SPEC.task("herbarium19", "compat")
    none = replace(TASK, metrics=(Metric("accuracy", True, None),))
    for task in (compat, none):
        with pytest.raises(DataError, match="has no interval"):
            clustered(a, task, SUITE)


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_is_its_definition(values: list[float]) -> None:
    """The maximum over the smaller p values of their multiple, capped at 1."""
    found = holm(values)
    order = sorted(range(len(values)), key=lambda i: (values[i], i))
    for place, i in enumerate(order):
        parts = [
            min(1.0, (len(values) - before) * values[j])
            for before, j in enumerate(order[: place + 1])
        ]
        assert found[i] == max(parts)


@given(st.lists(st.floats(0, 1), max_size=12), st.floats(0.001, 0.5))
def test_holm_rejects_what_the_step_down_procedure_rejects(
    values: list[float], alpha: float
) -> None:
    """Reject while p is at most alpha over the number that is left."""
    found = holm(values)
    rejected = set()
    for place, i in enumerate(sorted(range(len(values)), key=lambda i: (values[i], i))):
        if (len(values) - place) * values[i] > alpha:
            break
        rejected.add(i)
    assert {i for i, p in enumerate(found) if p <= alpha} == rejected


def test_holm_refuses_what_is_no_probability() -> None:
    """Below 0, above 1."""
    for values in ([-0.1], [1.5]):
        with pytest.raises(UsageError):
            holm(values)


def test_sets_of_ranks() -> None:
    """A model told apart from all is last alone; two that are close share the first two places."""
    good, bad = predictions(0.9, 3), predictions(0.3, 5)
    near = replace(good, y_pred=good.y_pred.copy())
    near.y_pred[0] = (good.y_true[0] + 1) % 6
    models = {
        name: [clustered(p, TASK, SUITE)]
        for name, p in {"bad": bad, "near": near, "good": good}.items()
    }
    found = ranked(models, SUITE)
    assert found is not None
    assert found.sets == {"bad": (3, 3), "near": (1, 2), "good": (1, 2)}
    assert found.may_be_best == ("near", "good")
    assert (found.told_apart, found.pairs) == (2, 3)
    losses = {
        name: [replace(one, higher_is_better=False) for one in own] for name, own in models.items()
    }
    turned = ranked(losses, SUITE)
    assert turned is not None
    assert turned.sets == {"bad": (1, 1), "near": (2, 3), "good": (2, 3)}
    with pytest.raises(DataError):
        ranked({}, SUITE)


def test_a_set_for_each_model_at_once() -> None:
    """Ten equally good models: all sets hold all ranks in about 95 of 100 draws, here of 60, on one
    task and on the mean of three; by chance alone fewer than 52 come less than once in a hundred
    times."""
    rng = np.random.default_rng(0)
    suite = replace(SUITE, comparison=replace(SUITE.comparison, replicates=199))
    whole = {1: 0, 3: 0}
    for draw in range(60):
        tasks = [
            {f"m{j}": drawn(rng, 0.5, count, f"{draw}/{i}") for j in range(10)}
            for i, count in enumerate((12, 24, 48))
        ]
        for count in whole:
            models = {name: [task[name] for task in tasks[:count]] for name in tasks[0]}
            found = ranked(models, suite)
            assert found is not None
            whole[count] += found.told_apart == 0
    assert min(whole.values()) >= 52


def test_more_models_tell_fewer_apart() -> None:
    """A pair alone needs less than the same pair among many: every set holds at once."""
    rng = np.random.default_rng(1)
    models = {f"m{j}": [drawn(rng, 0.5 + 0.012 * j, 30)] for j in range(12)}
    all_models = ranked(models, SUITE)
    assert all_models is not None
    pairs = 0
    names = list(models)
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            found = ranked({a: models[a], b: models[b]}, SUITE)
            assert found is not None
            pairs += found.told_apart
    assert all_models.told_apart < pairs
