"""What counts as a right answer."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobench.conformance.compare import difference

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
        ({"a": 1}, {}, "/a is missing"),
        ({"a": 1}, {"a": 1, "b": 2}, "/b is not in"),
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


@pytest.mark.parametrize(
    ("tolerance", "expected", "answer", "right"),
    [
        ({"": {"absolute": 0.5}}, 2, 2.5, True),
        ({"": {"absolute": 0.5}}, 2, 2.51, False),
        ({"": {"absolute": 0.5}}, [1, {"a": 2}], [1.4, {"a": 1.6}], True),
        ({"": {"absolute": 0.5}}, [1, {"a": 2}], [1.4, {"b": 1.6}], False),
        ({"": {"absolute": 0.5}}, [1, 2], [1], False),
        ({"": {"absolute": 0.5}}, [1, "x"], [1, "y"], False),
        ({"": {"absolute": 0.5}}, 1, True, False),
        ({"": {"relative": 0.1}}, -100, -109, True),
        ({"": {"relative": 0.1}}, -100, -111, False),
        ({"": {"relative": 0.1}}, 0, 0.001, False),
        ({"/a": {"absolute": 1}}, {"a": 1, "b": 1}, {"a": 2, "b": 1}, True),
        ({"/a": {"absolute": 1}}, {"a": 1, "b": 1}, {"a": 1, "b": 2}, False),
        ({"/p": {"equal_share": 0.75}}, {"p": [1, 2, 3, 4]}, {"p": [1, 2, 3, 9]}, True),
        ({"/p": {"equal_share": 0.75}}, {"p": [1, 2, 3, 4]}, {"p": [1, 2, 9, 9]}, False),
        ({"/p": {"equal_share": 0.5}}, {"p": [1, 2]}, {"p": [1]}, False),
        ({"/p": {"equal_share": 0.5}}, {"p": [[1], [2]]}, {"p": [[1], [0]]}, True),
        ({"/p": {"equal_share": 0.5}}, {"p": [1, 2]}, {"p": 1}, False),
    ],
)
def test_tolerances(tolerance: Any, expected: Any, answer: Any, right: bool) -> None:
    """Absolute and relative hold for every number below the pointer, shares for one list."""
    assert (difference(expected, answer, tolerance) is None) is right


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.floats(0, 10), st.data())
def test_a_tolerance_is_never_exceeded(values: list[float], bound: float, data: Any) -> None:
    """What passes lies within the bound, number by number."""
    answer = copy.copy(values)
    place = data.draw(st.integers(0, len(values) - 1))
    answer[place] = data.draw(st.floats(-1e6, 1e6))
    passes = difference(values, answer, {"": {"absolute": bound}}) is None
    assert passes is (abs(answer[place] - values[place]) <= bound)
