"""Group accuracy: its definition, order of groups."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biobench.errors import UsageError
from biobench.metric import accuracy, group_accuracy

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


def test_what_has_no_score_is_refused() -> None:
    """Nothing, and groups of other items."""
    for truth, prediction, groups in (([], [], []), ([0], [0], ["a", "b"]), ([0], [0, 1], ["a"])):
        with pytest.raises(UsageError):
            group_accuracy(truth, prediction, groups)
