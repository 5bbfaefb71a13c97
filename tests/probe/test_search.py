"""Folds, scores of folds and the choice of C: scikit-learn's folds, plain arithmetic, ties."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobench.errors import DataError
from biobench.metric import macro_f1
from biobench.probe.logistic_regression.search import (
    choose,
    fold_numbers,
    fold_score,
    mean_score,
    ranking,
)

LABELS = st.lists(st.integers(0, 5), min_size=2, max_size=80)


@given(LABELS, st.integers(2, 6))
def test_folds_are_scikit_learns(labels: list[int], folds: int) -> None:
    """StratifiedKFold without shuffling, to the row, also for classes of fewer rows than folds."""
    from sklearn.model_selection import StratifiedKFold

    ids = np.array(labels)
    if np.bincount(ids).max() < folds:
        with pytest.raises(DataError, match=f"{folds} training items"):
            fold_numbers(ids, folds)
        return
    found = fold_numbers(ids, folds)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        splits = list(StratifiedKFold(folds).split(np.zeros(len(ids)), ids))
    for fold, (_, held) in enumerate(splits):
        assert np.flatnonzero(found == fold).tolist() == held.tolist()


@given(LABELS, st.integers(2, 6))
def test_folds_are_those_of_the_text(labels: list[int], folds: int) -> None:
    """Section 10.3, step 5, as a reader would type it in."""
    order = list(dict.fromkeys(labels))
    if max(labels.count(c) for c in order) < folds:
        return
    expected = [-1] * len(labels)
    before = 0
    for c in order:
        places = range(before, before + labels.count(c))
        dealt = [f for f in range(folds) for p in places if p % folds == f]
        rows = [i for i, label in enumerate(labels) if label == c]
        for row, fold in zip(rows, dealt, strict=True):
            expected[row] = fold
        before += len(rows)
    assert fold_numbers(np.array(labels), folds).tolist() == expected


def test_fewer_rows_than_folds_are_a_fault_of_the_data() -> None:
    """It cannot be known where a class goes; the message says what would do."""
    with pytest.raises(DataError, match="5 training items") as caught:
        fold_numbers(np.array([0, 1, 2, 3]), 5)
    assert caught.value.exit_code == 3


PAIRS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40)


@given(PAIRS)
def test_a_fold_is_scored_like_the_metric(pairs: list[tuple[int, int]]) -> None:
    """Over the classes in the truth: the macro-F1 of section 11.1, to the bit."""
    truth, predicted = np.array(pairs).T
    assert fold_score(truth, predicted, "truth") == macro_f1(truth, predicted)


@given(PAIRS)
def test_classes_that_are_only_predicted_count_in_compat(pairs: list[tuple[int, int]]) -> None:
    """scikit-learn's f1_macro takes every class that it sees."""
    from sklearn.metrics import f1_score

    truth, predicted = np.array(pairs).T
    expected = f1_score(truth, predicted, average="macro", zero_division=0.0)
    assert fold_score(truth, predicted, "truth-or-prediction") == pytest.approx(expected, abs=1e-15)


def test_the_two_rules_differ_where_a_class_is_only_predicted() -> None:
    """Class 0: 2 hits of 2 true and 2 predicted; class 1: none of 1; class 2: predicted once."""
    truth, predicted = np.array([0, 0, 1]), np.array([0, 0, 2])
    assert fold_score(truth, predicted, "truth") == 1 / 2
    assert fold_score(truth, predicted, "truth-or-prediction") == 1 / 3


def test_means_are_taken_from_left_to_right() -> None:
    """0.1 + 0.2 + 0.3 is not 0.3 + 0.2 + 0.1 in float64, and which one decides a tie."""
    assert mean_score(np.array([0.1, 0.2, 0.3])) == ((0.1 + 0.2) + 0.3) / 3
    assert mean_score(np.array([0.1, 0.2, 0.3])) != mean_score(np.array([0.3, 0.2, 0.1]))


SCORES = np.array([[0.5, 0.7], [0.75, 0.75], [0.5, 1.0], [1.0, 0.5]])


def test_a_tie_goes_to_the_smallest_or_to_the_first() -> None:
    """Candidates 2.0, 0.5 and 1.0 have the mean 0.75."""
    candidates = [9.0, 2.0, 0.5, 1.0]
    assert choose(candidates, SCORES, "smallest") == 2
    assert choose(candidates, SCORES, "first") == 1
    assert ranking(candidates, SCORES, "smallest") == [2, 3, 1, 0]
    assert ranking(candidates, SCORES, "first") == [1, 2, 3, 0]
