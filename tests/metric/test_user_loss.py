"""User loss: its definition as costs, its ends, unknown and poisonous items."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biobench.errors import UsageError
from biobench.metric import user_loss

PAIRS = st.lists(st.tuples(st.integers(-1, 5), st.integers(-2, 6)), min_size=1, max_size=40)


def by_costs(pairs: list[tuple[int, int]], poisonous: set[int]) -> Fraction:
    """1 - (CE + PSC) / worst with the costs of the challenge, in fractions."""
    n, ce, psc = len(pairs), Fraction(0), Fraction(0)
    for truth, prediction in pairs:
        if truth != prediction:
            if truth == -1:
                ce += 10
            elif prediction == -1:
                ce += Fraction(1, 10)
            else:
                ce += 1
        if truth in poisonous and prediction not in poisonous:
            psc += 100
        if truth not in poisonous and prediction in poisonous:
            psc += 1
    unknown = sum(t == -1 for t, _ in pairs)
    q = sum(t in poisonous for t, _ in pairs)
    worst = Fraction((10 - 1) * unknown, n) + 1 + Fraction(100 * q + (n - q), n)
    return 1 - (ce + psc) / n / worst


@given(PAIRS, st.sets(st.integers(0, 6)))
@settings(max_examples=3 * settings.default.max_examples)
def test_it_is_the_costs_of_the_challenge_rounded_once(
    pairs: list[tuple[int, int]], poisonous: set[int]
) -> None:
    """One division of integers: the float nearest to the fraction, between 0 and 1."""
    truth, prediction = zip(*pairs, strict=True)
    value = user_loss(truth, prediction, poisonous=poisonous)
    assert value == float(by_costs(pairs, poisonous))
    assert 0 <= value <= 1


@pytest.mark.parametrize(
    ("truth", "prediction", "poisonous", "score"),
    [
        ([0, 1, -1], [0, 1, -1], [1], 1.0),
        ([0, 1], [1, 0], [], 1 - 10 / 20),
        ([0, 1], [-1, -1], [], 1 - 1 / 20),
        ([-1, 0], [0, 0], [], 1 - 100 / 130),
        ([0, 1], [0, 0], [1], 1 - 1010 / 1030),
        ([0, 1], [1, 1], [1], 1 - 20 / 1030),
        ([-1, 1], [1, -1], [1], 0.0 + (1120 - 110 - 1001) / 1120),
        ([-1, 1], [1, 0], [1], 0.0),
        ([-1], [-1], [], 1.0),
    ],
)
def test_each_error_has_its_cost(
    truth: list[int], prediction: list[int], poisonous: list[int], score: float
) -> None:
    """Wrong known, called unknown, unknown called known, poisonous called edible, and reverse."""
    assert user_loss(truth, prediction, poisonous=poisonous) == pytest.approx(score, abs=1e-15)


def test_an_unreadable_item_is_wrong_and_called_edible() -> None:
    """-2 is no class and not the unknown one."""
    assert user_loss([-1], [-2], poisonous=[]) == 10 / 110
    assert user_loss([0], [-2], poisonous=[0]) == 0.0
    assert user_loss([1], [-2], poisonous=[0]) == 0.5


@pytest.mark.parametrize(
    ("truth", "prediction", "poisonous"),
    [
        ([], [], []),
        ([0, 1], [0], []),
        ([0, -2], [0, 0], []),
        ([0.5], [0], []),
        ([0, 1], [0, 1], [-1]),
    ],
)
def test_what_has_no_score_is_refused(
    truth: list[int], prediction: list[int], poisonous: list[int]
) -> None:
    """Nothing, unequal lengths, no true label, fractions, and the unknown class as poisonous."""
    with pytest.raises(UsageError):
        user_loss(truth, prediction, poisonous=poisonous)
