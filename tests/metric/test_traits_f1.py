"""Trait macro-F1: its definition, scikit-learn, absent values."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import f1_score

from biobench.errors import UsageError
from biobench.metric import traits_f1

SHAPES = st.tuples(st.integers(1, 25), st.integers(1, 5))


def definition(truth: list[list[int]], prediction: list[list[int]], *, compat: bool) -> float:
    """Section 11.5 as a reader would type it in."""
    total = 0.0
    width = len(truth[0])
    for trait in range(width):
        pairs = [(t[trait], p[trait]) for t, p in zip(truth, prediction, strict=True)]
        values = [v for v in (0, 1) if compat or any(t == v for t, _ in pairs)]
        part = 0.0
        for v in values:
            hits = sum(t == v == p for t, p in pairs)
            size = sum(t == v for t, _ in pairs) + sum(p == v for _, p in pairs)
            part = part + (2 * hits / size if size else 0.0)
        total = total + part / len(values)
    return total / width


@given(st.data())
@settings(max_examples=150 * settings.default.max_examples // 100)
def test_it_is_the_definition_to_the_bit(data: st.DataObject) -> None:
    """In both divisions, with values missing from the truth and items without a prediction."""
    shape = data.draw(SHAPES)
    truth = data.draw(arrays.arrays(np.int64, shape, elements=st.integers(0, 1)))
    prediction = data.draw(arrays.arrays(np.int64, shape, elements=st.sampled_from([0, 1, 1, -2])))
    for division in ("official", "compat"):
        expected = definition(truth.tolist(), prediction.tolist(), compat=division == "compat")
        assert traits_f1(truth, prediction, division=division) == expected


@given(st.data())
@settings(max_examples=60)
def test_it_is_scikit_learns_mean(data: st.DataObject) -> None:
    """macro-F1 of each trait with the values given; absent ones count 0."""
    shape = data.draw(SHAPES)
    truth = data.draw(arrays.arrays(np.int64, shape, elements=st.integers(0, 1)))
    prediction = data.draw(arrays.arrays(np.int64, shape, elements=st.integers(0, 1)))
    for division in ("official", "compat"):
        means = []
        for t, p in zip(truth.T, prediction.T, strict=True):
            labels = [0, 1] if division == "compat" else sorted(set(t.tolist()))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                means.append(f1_score(t, p, labels=labels, average="macro", zero_division=0))
        assert traits_f1(truth, prediction, division=division) == pytest.approx(np.mean(means))


def test_a_value_that_is_not_in_the_truth_counts_in_compat_only() -> None:
    """A trait that every item has: official asks for its ones, compat averages with a 0."""
    truth = [[1, 0], [1, 1], [1, 0]]
    assert traits_f1(truth, truth) == 1.0
    assert traits_f1(truth, truth, division="open") == 1.0
    assert traits_f1(truth, truth, division="compat") == 0.75


def test_no_prediction_is_wrong_and_counts_for_neither_value() -> None:
    """An unreadable item lowers recall and no value's precision."""
    assert traits_f1([[1], [1], [0], [0]], [[1], [-2], [0], [-2]]) == (2 / 3 + 2 / 3) / 2


@pytest.mark.parametrize(
    ("truth", "prediction"),
    [
        ([[0, 1]], [[0, 1], [1, 1]]),
        ([[0, 1]], [[0]]),
        ([0, 1], [0, 1]),
        ([[0, 2]], [[0, 1]]),
        ([[0, -2]], [[0, 1]]),
        ([[0.0, 1.0]], [[0, 1]]),
        (np.zeros((0, 3), int), np.zeros((0, 3), int)),
        (np.zeros((3, 0), int), np.zeros((3, 0), int)),
    ],
)
def test_what_has_no_score_is_refused(truth: object, prediction: object) -> None:
    """Unequal or empty input, labels in place of traits, other values in the truth."""
    with pytest.raises(UsageError):
        traits_f1(truth, prediction)  # type: ignore[arg-type]
