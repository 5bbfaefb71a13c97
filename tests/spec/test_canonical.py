"""Canonical JSON: two languages that disagree on one byte disagree on every digest."""

from __future__ import annotations

import contextlib
import json
import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobench.spec.canonical import (
    CanonicalError,
    canonical_json,
    number,
    parse_json,
    sha256_bytes,
    sha256_json,
)

# RFC 8785, appendix B: IEEE 754 bits and the text that ECMAScript gives.
APPENDIX_B = [
    ("0000000000000000", "0"),
    ("8000000000000000", "0"),
    ("0000000000000001", "5e-324"),
    ("8000000000000001", "-5e-324"),
    ("7fefffffffffffff", "1.7976931348623157e+308"),
    ("ffefffffffffffff", "-1.7976931348623157e+308"),
    ("4340000000000000", "9007199254740992"),
    ("c340000000000000", "-9007199254740992"),
    ("4430000000000000", "295147905179352830000"),
    ("44b52d02c7e14af5", "9.999999999999997e+22"),
    ("44b52d02c7e14af6", "1e+23"),
    ("44b52d02c7e14af7", "1.0000000000000001e+23"),
    ("444b1ae4d6e2ef4e", "999999999999999700000"),
    ("444b1ae4d6e2ef4f", "999999999999999900000"),
    ("444b1ae4d6e2ef50", "1e+21"),
    ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
    ("3eb0c6f7a0b5ed8d", "0.000001"),
    ("41b3de4355555553", "333333333.3333332"),
    ("41b3de4355555554", "333333333.33333325"),
    ("41b3de4355555555", "333333333.3333333"),
    ("41b3de4355555556", "333333333.3333334"),
    ("41b3de4355555557", "333333333.33333343"),
    ("becbf647612f3696", "-0.0000033333333333333333"),
    ("43143ff3c1cb0959", "1424953923781206.2"),
]

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=20,
)


def read(text: str | bytes) -> object:
    """JSON as ECMAScript reads it: Python alone keeps a large integer apart from its float64."""
    return json.loads(text, parse_int=lambda t: int(t) if abs(int(t)) < 2**53 else float(t))


@pytest.mark.parametrize(("bits", "text"), APPENDIX_B)
def test_numbers_of_the_rfc(bits: str, text: str) -> None:
    """The shortest digits and ECMAScript's thresholds for exponents."""
    assert number(struct.unpack(">d", bytes.fromhex(bits))[0]) == text


def test_the_example_of_the_rfc() -> None:
    """RFC 8785, section 3.2.2: escapes, numbers and literals together."""
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": '\u20ac$\u000f\nA\'B"\\\\"/',
        "literals": [None, True, False],
    }
    expected = (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    assert canonical_json(value) == expected.encode()


def test_keys_sort_by_utf16_units() -> None:
    """RFC 8785, section 3.2.3: above U+FFFF the order differs from that of code points."""
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    found = list(json.loads(canonical_json(dict.fromkeys(keys, 0))))
    assert found == ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_reads_back_as_itself(value: float) -> None:
    """The text names one float64, and has no digit too many."""
    text = number(value)
    assert read(text) == value
    digits = text.lstrip("-").partition("e")[0].replace(".", "").strip("0")
    assert len(digits) <= len(repr(value).lstrip("-").partition("e")[0].replace(".", "").strip("0"))


@given(JSON)
def test_a_value_reads_back_and_stays(value: object) -> None:
    """Canonical JSON is JSON of the same value, and canonical again."""
    text = canonical_json(value)
    again = read(text)
    assert again == value
    assert canonical_json(again) == text


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 9)))
def test_key_order_does_not_count(value: dict[str, int]) -> None:
    """A digest depends on the members, not on the order that they were written in."""
    assert sha256_json(value) == sha256_json(dict(reversed(value.items())))


def test_numpy_floats_are_numbers() -> None:
    """A NumPy scalar in a result must not change its digest."""
    assert canonical_json([np.float64(0.1)]) == canonical_json([0.1])


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, 2**53, {1: 2}, "\ud800", {"\udfff": 1}, {1, 2}, b"x"]
)
def test_what_has_no_json_form_is_refused(value: object) -> None:
    """Nothing is coerced in silence."""
    with pytest.raises(ValueError):  # noqa: PT011  (UnicodeEncodeError is one)
        canonical_json(value)


def test_digest_form() -> None:
    """The prefix, and SHA-256 of the empty string as FIPS 180 has it."""
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert sha256_bytes(b"") == f"sha256:{empty}"


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**53) + 1, 2**53 - 1)
        | st.floats(-1e15, 1e15)
        | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=12,
    )
)
def test_the_strict_reader_reads_any_writers_json(value: object) -> None:
    """Escapes and spacing are the writer's own; the canonical form is one."""
    for text in (json.dumps(value), json.dumps(value, indent=2, ensure_ascii=False)):
        assert canonical_json(parse_json(text)) == canonical_json(value)
        assert canonical_json(parse_json(text.encode())) == canonical_json(value)


@given(st.binary() | st.text())
def test_any_input_is_read_or_refused(data: bytes | str) -> None:
    """No input ends in another exception, and what is read can be written."""
    with contextlib.suppress(CanonicalError):
        canonical_json(parse_json(data))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("[" * 100_000, "syntax"),
        ("[" * 900 + "]" * 900 + "x", "syntax"),
        (b"\xff", "syntax"),
        (b"\xef\xbb\xbf1", "syntax"),
        ("9" * 5000, "value"),
        ("1e999", "value"),
        ('"\\ud800"', "value"),
        ('{"a": {"b": 1, "b": 1}}', "duplicate-key"),
    ],
)
def test_what_the_strict_reader_refuses(text: bytes | str, error: str) -> None:
    """Hostile and careless texts, each with its error id."""
    with pytest.raises(CanonicalError) as caught:
        parse_json(text)
    assert caught.value.error == error
