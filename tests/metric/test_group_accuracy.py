"""Group accuracy: its definition, order of groups, replicates by group and class."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biobench.data.predictions import Predictions
from biobench.errors import UsageError
from biobench.metric import accuracy, group_accuracy, macro_f1
from biobench.metric.bootstrap import (
    group_accuracy_replicates,
    macro_f1_replicates,
    share_replicates,
)
from biobench.metric.group_accuracy import group_numbers
from biobench.metric.strata import stratum_numbers
from biobench.spec.generator import Stream

GROUPS = st.sampled_from(["b", "a", "Z", "aa", "\u00e9"])
ROWS = st.lists(st.tuples(GROUPS, st.integers(-1, 3), st.integers(-2, 3)), min_size=1, max_size=40)


def definition(rows: list[tuple[str, int, int]]) -> float:
    """Section 11.7 as a reader would type it in."""
    total, names = 0.0, sorted({group for group, _, _ in rows})
    for name in names:
        mine = [t == p for group, t, p in rows if group == name]
        total = total + sum(mine) / len(mine)
    return total / len(names)


@given(ROWS)
@settings(max_examples=150 * settings.default.max_examples // 100)
def test_it_is_the_definition_to_the_bit(rows: list[tuple[str, int, int]]) -> None:
    """Groups in code-point order, whatever the order of the items."""
    groups, truth, prediction = zip(*rows, strict=True)
    assert group_accuracy(truth, prediction, groups) == definition(rows)
    assert group_accuracy(truth, prediction, groups, division="compat") == definition(rows)


def test_groups_weigh_alike_and_one_group_is_accuracy() -> None:
    """One right item of one is as much as four of four."""
    assert group_accuracy([0, 0, 0, 0, 1], [0, 0, 0, 0, 0], ["x"] * 4 + ["y"]) == 0.5
    assert group_accuracy([0, 1, 1], [0, 0, 1], ["x"] * 3) == accuracy([0, 1, 1], [0, 0, 1])


@given(ROWS, st.integers(0, 2**64 - 1))
@settings(max_examples=60)
def test_replicates_equal_the_definition_to_the_bit(
    rows: list[tuple[str, int, int]], seed: int
) -> None:
    """Strata are group and true class, for every metric; each resample is scored anew."""
    groups, truth, prediction = (np.array(side) for side in zip(*rows, strict=True))
    predictions = Predictions(
        tuple(map(str, range(len(rows)))),
        truth.astype(np.int32),
        prediction.astype(np.int32),
        {"group": groups},
    )
    stream, n = Stream(seed, "bootstrap/test"), len(rows)
    numbers, right = stratum_numbers(predictions), truth == prediction
    values = group_accuracy_replicates(numbers, group_numbers(groups), right, stream, 7)
    shares = share_replicates(numbers, right, stream, 7)
    known = np.maximum(truth, 0)
    f1 = macro_f1_replicates(known, prediction, stream, 7, numbers=numbers)
    keys = [(group, label) for group, label, _ in rows]
    order = [i for key in sorted(set(keys)) for i in range(n) if keys[i] == key]
    for r in range(7):
        drawn, begin = [], 0
        for key in sorted(set(keys)):
            size = keys.count(key)
            drawn += [
                rows[order[begin + ((stream.word(r * n + p) * size) >> 64)]]
                for p in range(begin, begin + size)
            ]
            begin += size
        assert values[r] == definition(drawn)
        assert shares[r] == accuracy([t for _, t, _ in drawn], [p for _, _, p in drawn])
        assert f1[r] == macro_f1([max(t, 0) for _, t, _ in drawn], [p for _, _, p in drawn])


def test_what_has_no_score_is_refused() -> None:
    """Nothing, and groups of other items."""
    for truth, prediction, groups in (([], [], []), ([0], [0], ["a", "b"]), ([0], [0, 1], ["a"])):
        with pytest.raises(UsageError):
            group_accuracy(truth, prediction, groups)
