"""ONNX's own cases of one node: equal within their tolerance, or refused; never another answer."""

from __future__ import annotations

from typing import Any

import pytest
from onnx_cases import Outcome, cases, outcome

pytestmark = [pytest.mark.slow, pytest.mark.depth]

REFUSED = {
    # Keys that heads share, a cap, a cache, windows and masks that depend on a length.
    "Attention": 62,
    # Volumes, and windows that begin beyond the image.
    "AveragePool": 7,
    "MaxPool": 5,
    # Statistics of the batch.
    "BatchNormalization": 2,
    # Exponents that are an array.
    "Pow": 7,
    # An empty list of axes that means none.
    "ReduceSum": 2,
}
"""Cases of a single operator that have no program; of all others every case has one."""
EQUAL, EQUAL_FUNCTIONS, REFUSED_FUNCTIONS = 325, 149, 154
"""The counts of docs/programs.md: single operators, and operators written out by others."""
MADE_OPEN = 68
"""Inputs of one image that become images of any number, each with its row."""


@pytest.fixture(scope="module")
def outcomes() -> list[tuple[Any, Outcome]]:
    """Each case with how it went."""
    return [(case, outcome(case)) for case in cases()]


def test_no_case_has_another_answer(outcomes: list[tuple[Any, Outcome]]) -> None:
    """With each input as a value and as a constant, a fixed batch, an open one, and one of a single
    image that is made open."""
    assert [text for _, result in outcomes for text in result.wrong] == []


def test_the_counts(outcomes: list[tuple[Any, Outcome]]) -> None:
    """The refused operators are those listed: none quietly stops to be carried."""
    single = [
        (c.model.graph.node[0].op_type, r) for c, r in outcomes if len(c.model.graph.node) == 1
    ]
    functions = [r for c, r in outcomes if len(c.model.graph.node) > 1]
    refused: dict[str, int] = {}
    for op, result in single:
        if not result.equal:
            refused[op] = refused.get(op, 0) + 1
    assert refused == REFUSED
    assert sum(bool(r.equal) for _, r in single) == EQUAL
    assert sum(bool(r.equal) for r in functions) == EQUAL_FUNCTIONS
    assert sum(not r.equal for r in functions) == REFUSED_FUNCTIONS
    assert all(r.refused for _, r in outcomes if not r.equal)
    assert sum(r.made_open for _, r in outcomes) == MADE_OPEN
