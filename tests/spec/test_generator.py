"""The generator: every score's randomness rests on these words."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobench.spec.generator import GAMMA, Stream, mix, multiply_high

WORDS = st.integers(0, 2**64 - 1)
SEEDS = st.integers(0, 2**53 - 1)
NAMES = st.text(max_size=20)
MASK = 2**64 - 1


def plain_word(seed: int, name: str, i: int) -> int:
    """The text of SPEC.md, section 5, in plain integers."""

    def finalise(z: int) -> int:
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) % 2**64
        return z ^ (z >> 31)

    s = int(hashlib.sha256(name.encode()).hexdigest()[:16], 16)
    key = finalise(finalise((seed + GAMMA) % 2**64) ^ s)
    return finalise((key + (i + 1) * GAMMA) % 2**64)


def test_check_values_of_the_specification() -> None:
    """A port checks these three words first."""
    assert [f"{mix(i * GAMMA):016x}" for i in (1, 2, 3)] == [
        "e220a8397b1dcdaf",
        "6e789e6aa1b965f4",
        "06c45d188009454f",
    ]


@given(SEEDS, NAMES, st.integers(0, 10**6))
def test_words_follow_the_text(seed: int, name: str, start: int) -> None:
    """One word, an array of words, and the specification's formula agree at any position."""
    stream = Stream(seed, name)
    expected = [plain_word(seed, name, start + i) for i in range(5)]
    assert [stream.word(start + i) for i in range(5)] == expected
    assert stream.words(5, start).tolist() == expected


@given(st.lists(WORDS, min_size=1), st.integers(1, 2**32))
def test_multiply_high_is_exact(words: list[int], bound: int) -> None:
    """The 128-bit product is exact: no bias and no difference between languages."""
    found = multiply_high(np.array(words, np.uint64), bound).tolist()
    assert found == [w * bound >> 64 for w in words]


@pytest.mark.parametrize("bound", [1, 2, 2**32 - 1, 2**32])
def test_multiply_high_at_the_largest_word(bound: int) -> None:
    """The largest word stays below the bound."""
    assert multiply_high(np.array([MASK], np.uint64), bound).tolist() == [bound - 1]


@given(SEEDS, NAMES, st.integers(1, 2**32), st.integers(0, 100))
def test_integers_are_scaled_words(seed: int, name: str, bound: int, start: int) -> None:
    """Bounded integers are floor(word n / 2^64), from the position asked for."""
    found = Stream(seed, name).integers(bound, 4, start).tolist()
    assert found == [plain_word(seed, name, start + i) * bound >> 64 for i in range(4)]


@pytest.mark.parametrize("bound", [0, -1, 2**32 + 1])
def test_a_bound_out_of_range_is_refused(bound: int) -> None:
    """Beyond 2^32 the exact product would not fit."""
    with pytest.raises(ValueError, match=r"1\.\.2\^32"):
        Stream(0, "x").integers(bound, 1)


@given(SEEDS, NAMES)
def test_floats_are_exact_in_float32(seed: int, name: str) -> None:
    """Floats carry 24 bits, so float32 and float64 readers see the same number."""
    found = Stream(seed, name).floats(8)
    assert found.dtype == np.float32
    assert found.tolist() == [(plain_word(seed, name, i) >> 40) / 2**24 for i in range(8)]


@given(SEEDS, NAMES, st.integers(0, 200))
def test_a_permutation_sorts_the_indices_by_word(seed: int, name: str, n: int) -> None:
    """A permutation is the stable order of the words; it holds each index once."""
    expected = sorted(range(n), key=lambda i: plain_word(seed, name, i))
    assert Stream(seed, name).permutation(n).tolist() == expected


def test_streams_differ_by_name_and_seed() -> None:
    """Two uses of randomness never share their words."""
    keys = {Stream(seed, name).key for seed in (0, 17) for name in ("a", "b", "")}
    assert len(keys) == 6
