"""The specification's counter-based random generator (SPEC.md, section "Generator").

In: a seed and a stream name. Out: 64-bit words, integers, floats and permutations that any
language can reproduce. No other generator decides anything that moves a score.
"""

from __future__ import annotations

import hashlib
import operator

import numpy as np
import numpy.typing as npt

from biobench.errors import UsageError

GAMMA = 0x9E3779B97F4A7C15
"""Increment of SplitMix64 (Steele, Lea, Flood 2014: the odd integer nearest 2^64 / phi)."""
_MASK = (1 << 64) - 1
_U64 = np.uint64
_SEED = "pass an integer from 0 to 2^64 - 1"


def mix(value: int) -> int:
    """SplitMix64's finaliser on one 64-bit word."""
    value &= _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


def _mix_array(value: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    value = (value ^ (value >> _U64(30))) * _U64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> _U64(27))) * _U64(0x94D049BB133111EB)
    return value ^ (value >> _U64(31))


def multiply_high(words: npt.NDArray[np.uint64], bound: int) -> npt.NDArray[np.uint64]:
    """floor(word * bound / 2^64) elementwise, for 1 <= bound <= 2^32, without 128-bit integers."""
    n = _U64(bound)
    low = ((words & _U64(0xFFFFFFFF)) * n) >> _U64(32)
    return ((words >> _U64(32)) * n + low) >> _U64(32)


class Stream:
    """One named stream of the generator. Position i never depends on what was drawn before.

    ``seed`` is the suite's seed, below 2^64; ``name`` is a stream name listed in the specification.
    Raises UsageError for another seed.
    """

    def __init__(self, seed: int, name: str) -> None:
        try:
            seed = operator.index(seed)
        except TypeError as error:
            raise UsageError("the seed must be an integer", remedy=_SEED) from error
        if not 0 <= seed <= _MASK:
            raise UsageError(f"the seed is {seed}", remedy=_SEED)
        word = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
        self.key = mix(mix((seed + GAMMA) & _MASK) ^ word)

    def word(self, i: int) -> int:
        """The 64-bit word at position i >= 0."""
        return mix((self.key + (i + 1) * GAMMA) & _MASK)

    def words(self, count: int, start: int = 0) -> npt.NDArray[np.uint64]:
        """Words start .. start + count - 1, shape (count,), uint64."""
        i = np.arange(start + 1, start + count + 1, dtype=np.uint64)
        return _mix_array(_U64(self.key) + i * _U64(GAMMA))

    def integers(self, bound: int, count: int, start: int = 0) -> npt.NDArray[np.int64]:
        """Integers in [0, bound), shape (count,), int64; ValueError unless 1 <= bound <= 2^32."""
        if not 1 <= bound <= 1 << 32:
            raise ValueError(f"bound must be in 1..2^32, not {bound}")
        return multiply_high(self.words(count, start), bound).astype(np.int64)

    def floats(self, count: int, start: int = 0) -> npt.NDArray[np.float32]:
        """Multiples of 2^-24 in [0, 1), shape (count,), float32 (exact)."""
        words = self.words(count, start) >> _U64(40)
        return words.astype(np.float32) * np.float32(2.0**-24)

    def permutation(self, n: int, start: int = 0) -> npt.NDArray[np.int64]:
        """Indices 0..n-1 in stable order of words start..start+n-1, shape (n,), int64."""
        return np.argsort(self.words(n, start), kind="stable").astype(np.int64)
