"""Right answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobench.conformance.compare_answers import difference

SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12
)


@given(VALUES)
def test_a_value_equals_itself_through_any_json_writer(value: Any) -> None:
    """Spacing, escapes and key order are the port's own."""
    again = json.loads(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=True))
    assert difference(value, again) is None


@given(VALUES, VALUES)
def test_equal_means_equal_json(first: Any, second: Any) -> None:
    """A difference is reported exactly where the two JSON texts have different values."""

    def normal(value: Any) -> Any:
        if isinstance(value, dict):
            return ("object", sorted((key, normal(member)) for key, member in value.items()))
        if isinstance(value, list):
            return ("array", [normal(item) for item in value])
        if isinstance(value, int | float) and not isinstance(value, bool):
            return ("number", float(value))
        return (type(value).__name__, value)

    def same(a: Any, b: Any) -> bool:
        return bool(json.dumps(a) == json.dumps(b))

    expected = same(_plus_zero(normal(first)), _plus_zero(normal(second)))
    assert (difference(first, second) is None) is expected


def _plus_zero(value: Any) -> Any:
    """The value with -0 as 0."""
    if isinstance(value, tuple | list):
        return [_plus_zero(item) for item in value]
    return 0.0 if isinstance(value, float) and value == 0 else value


@pytest.mark.parametrize(
    ("expected", "answer", "words"),
    [
        ({"a": 1}, {"a": 2}, "/a 2, not 1"),
        ({"a": 1}, {}, "/a is missing in {}"),
        ({"a": 1}, {"a": 1, "b": 2}, "/b 2 is not in"),
        ([1, 2], [1], "has 1 item, not 2"),
        ([1, [2, 3]], [1, [2, 4]], "/1/1 4, not 3"),
        (1, True, "true, not 1"),
        (0, False, "false, not 0"),
        (1, "1", '"1", not 1'),
        (None, 0, "0, not null"),
        ({"x/y": 1}, {"x/y": 0}, "/x~1y 0, not 1"),
        (0.1, 0.1 + 2**-56, "not 0.1"),
    ],
)
def test_the_first_difference_is_named(expected: Any, answer: Any, words: str) -> None:
    """A port's author sees where to look."""
    found = difference(expected, answer)
    assert found is not None
    assert words in found


def test_numbers_are_float64_values() -> None:
    """1 and 1.0 are one number, and so are 0 and -0."""
    assert difference([1, 0.0], [1.0, -0.0]) is None
    assert difference(2**53, 2.0**53) is None
