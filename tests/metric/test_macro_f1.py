"""Macro-F1 and accuracy: the definition, exactness, and agreement with scikit-learn."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score

from biobench.errors import UsageError
from biobench.metric import accuracy, macro_f1
from biobench.metric.accuracy import top_k
from biobench.metric.cells import class_cells
from biobench.metric.counts import sequential_sum
from biobench.metric.half_jackknife import half_jackknife

PAIRS = st.lists(st.tuples(st.integers(0, 6), st.integers(-1, 8)), min_size=1, max_size=60)


def plain(pairs: list[tuple[int, int]], division: str) -> float:
    """The definition, word for word, in Python's own float64."""
    truths = {t for t, _ in pairs}
    ids = sorted(truths)
    if division == "compat":
        ids = list(range(max(max(t, p) for t, p in pairs) + 1))
    total = 0.0
    for c in ids:
        tp = sum(t == p == c for t, p in pairs)
        fp = sum(p == c != t for t, p in pairs)
        fn = sum(t == c != p for t, p in pairs)
        total += 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else 0.0
    return total / len(ids)


@given(PAIRS, st.sampled_from(["official", "compat", "open"]))
def test_macro_f1_is_its_definition_to_the_bit(pairs: list[tuple[int, int]], division: str) -> None:
    """Level S: another language's plain loop gives the same bits."""
    truth, prediction = zip(*pairs, strict=True)
    assert macro_f1(truth, prediction, division=division) == plain(pairs, division)


@given(PAIRS)
def test_macro_f1_is_scikit_learns_on_the_same_classes(pairs: list[tuple[int, int]]) -> None:
    """The number is the one that the field calls macro-F1."""
    truth, prediction = zip(*pairs, strict=True)
    for division, labels in (
        ("official", sorted(set(truth))),
        ("compat", list(range(max(*truth, *prediction) + 1))),
    ):
        expected = f1_score(truth, prediction, labels=labels, average="macro", zero_division=0)
        assert macro_f1(truth, prediction, division=division) == pytest.approx(expected, abs=1e-12)


def test_many_classes_are_summed_one_by_one() -> None:
    """Beyond eight numbers numpy.mean adds in lanes and pairs; a thousand classes would show it."""
    for seed in range(8):
        rng = np.random.default_rng(seed)
        truth, prediction = rng.integers(0, 300, 2000), rng.integers(0, 12, 2000)
        prediction = np.where(rng.random(2000) < 0.5, truth, prediction)
        pairs = list(zip(truth.tolist(), prediction.tolist(), strict=True))
        for division in ("official", "compat"):
            assert macro_f1(truth, prediction, division=division) == plain(pairs, division)


def test_official_classes_do_not_depend_on_the_model() -> None:
    """Predicting a class that is not in the truth costs the hit, but adds no class to the mean."""
    assert macro_f1([0, 0, 1, 1], [0, 0, 1, 7]) == (1.0 + 2 / 3) / 2
    assert macro_f1([0, 0, 1, 1], [0, 0, 1, 7], division="compat") == (1.0 + 2 / 3) / 8


def test_an_item_without_a_prediction_is_wrong() -> None:
    """An unreadable image counts as a miss of its class and as a false alarm of none."""
    assert macro_f1([0, 0, 1], [0, -1, 1]) == (2 / 3 + 1.0) / 2
    assert accuracy([0, 0, 1], [0, -1, 1]) == 2 / 3


def test_the_sum_runs_from_left_to_right() -> None:
    """Pairwise summation, which numpy.sum uses, gives other bits and would fail here."""
    values = np.random.default_rng(1).random(5000)
    total = 0.0
    for value in values.tolist():
        total += value
    assert sequential_sum(values) == total
    assert float(values.sum()) != total


@given(PAIRS)
def test_accuracy_is_one_division_of_integers(pairs: list[tuple[int, int]]) -> None:
    """Accuracy equals scikit-learn's and the exact fraction, rounded once."""
    truth, prediction = zip(*pairs, strict=True)
    exact = Fraction(sum(t == p for t, p in pairs), len(pairs))
    assert accuracy(truth, prediction) == float(exact)
    assert accuracy(truth, prediction) == pytest.approx(accuracy_score(truth, prediction))


def test_top_k_counts_ranks_up_to_k_and_never_rank_zero() -> None:
    """Rank 0 means that no row of the class exists, which is no hit at any k."""
    ranks = np.array([1, 5, 6, 0], dtype=np.int32)
    assert top_k(ranks, 1) == 0.25
    assert top_k(ranks, 5) == 0.5
    assert top_k(ranks, 6) == 0.75


@pytest.mark.parametrize(
    ("truth", "prediction"),
    [
        ([], []),
        ([0, 1], [0]),
        ([0.0, 1.0], [0, 1]),
        ([[0, 1]], [[0, 1]]),
        ([-1, 0], [0, 0]),
        (["a"], ["a"]),
    ],
)
def test_input_without_a_score_is_refused(truth: list[object], prediction: list[object]) -> None:
    """Empty, unequal, fractional, nested, negative and textual labels end in one clear line."""
    with pytest.raises(UsageError, match=r"; "):
        macro_f1(truth, prediction)


def test_ranks_that_cannot_be_are_refused() -> None:
    """Top-k refuses a negative rank, k below 1 and no query at all."""
    for ranks, k in (([-1], 1), ([1], 0), ([], 1)):
        with pytest.raises(UsageError):
            top_k(np.array(ranks, dtype=np.int32), k)


@given(PAIRS, st.sampled_from([10**6, 10**12, 10**18]))
def test_large_ids_score_as_small_ones(pairs: list[tuple[int, int]], step: int) -> None:
    """Ids are names: their size costs no memory, and only compat divides by the largest."""
    truth, prediction = (np.array(side) * step for side in zip(*pairs, strict=True))
    assert macro_f1(truth, prediction) == plain(pairs, "official")
    clusters = np.arange(truth.size)
    small = half_jackknife(class_cells(clusters, truth // step, prediction // step))
    large = half_jackknife(class_cells(clusters, truth, prediction))
    assert large.influence.tolist() == small.influence.tolist()
    used = {t for t, _ in pairs}
    total = plain(pairs, "official") * len(used)
    largest = int(max(truth.max(), prediction.max()))
    compat = macro_f1(truth, prediction, division="compat")
    assert compat == pytest.approx(total / (largest + 1), rel=1e-12)
