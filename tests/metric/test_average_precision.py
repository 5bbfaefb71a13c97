"""Average precision: the definition, its empty cases, and agreement with scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from biobench.errors import UsageError
from biobench.metric import average_precision

FLAGS = st.lists(st.booleans(), min_size=1, max_size=80)


@given(FLAGS, st.integers(0, 5))
def test_average_precision_is_its_definition_to_the_bit(flags: list[bool], unseen: int) -> None:
    """Level S: a plain loop in any language gives the same bits; unseen relevant items add 0."""
    hits, total = 0, 0.0
    for place, flag in enumerate(flags, start=1):
        if flag:
            hits += 1
            total += hits / place
    relevant = hits + unseen
    expected = total / relevant if relevant else 0.0
    assert average_precision(flags, n_relevant=relevant) == expected


@given(FLAGS.filter(any))
def test_average_precision_is_scikit_learns_on_a_whole_ranking(flags: list[bool]) -> None:
    """With every item ranked and no tie the field's own function agrees."""
    scores = -np.arange(len(flags), dtype=np.float64)
    expected = average_precision_score(np.array(flags), scores)
    assert average_precision(flags, n_relevant=sum(flags)) == pytest.approx(expected, abs=1e-12)


def test_empty_cases_are_zero() -> None:
    """Nothing to find, or nothing listed: no precision, as documented."""
    assert average_precision([False, False], n_relevant=0) == 0.0
    assert average_precision([], n_relevant=0) == 0.0
    assert average_precision([], n_relevant=3) == 0.0


def test_impossible_counts_are_refused() -> None:
    """More relevant items in the list than exist is a caller's error."""
    for flags, n_relevant in (([True, True], 1), ([], -1), ([[True]], 1)):
        with pytest.raises(UsageError):
            average_precision(flags, n_relevant=n_relevant)
