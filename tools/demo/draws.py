"""Random draws from the specification's generator, one named stream a drawing.

Only additions, multiplications and table look-ups turn the words into values, so that every machine
draws the same picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from biobench.spec.generator import Stream

SEED = 1
"""Seed of every stream; another seed draws another suite."""

BLOCK = 64
"""Words that are computed at once."""

T = TypeVar("T")


class Draws:
    """Sequential draws from the stream ``demo/<name>``."""

    def __init__(self, name: str) -> None:
        self._stream = Stream(SEED, f"demo/{name}")
        self._position = 0
        self._block: list[int] = []
        self._block_start = 0

    def _word(self) -> int:
        """The next word. Words come in blocks: one at a time costs a third of a drawing."""
        place = self._position - self._block_start
        if not 0 <= place < len(self._block):
            self._block = self._stream.words(BLOCK, self._position).tolist()
            self._block_start, place = self._position, 0
        self._position += 1
        return self._block[place]

    def unit(self) -> float:
        """A float in [0, 1)."""
        return (self._word() >> 40) * 2.0**-24

    def uniform(self, low: float, high: float) -> float:
        """A float in [low, high)."""
        return low + (high - low) * self.unit()

    def normal(self, mean: float, deviation: float) -> float:
        """A bell-shaped float: a sum of twelve uniform ones, within six deviations of the mean."""
        return mean + deviation * (sum(self.unit() for _ in range(12)) - 6.0)

    def integer(self, low: int, high: int) -> int:
        """An integer in [low, high], both ends included."""
        return low + (self._word() * (high - low + 1) >> 64)

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self.unit() < probability

    def choice(self, options: Sequence[T]) -> T:
        """One of the options."""
        return options[self.integer(0, len(options) - 1)]

    def shuffled(self, count: int) -> list[int]:
        """The numbers 0 to count - 1 in random order."""
        order = self._stream.permutation(count, self._position)
        self._position += count
        return [int(i) for i in order]

    def field(self, height: int, width: int) -> npt.NDArray[np.float32]:
        """Independent values in [-1, 1), float32, shape (height, width)."""
        values = self._stream.floats(height * width, self._position)
        self._position += height * width
        return (values * np.float32(2) - np.float32(1)).reshape(height, width)
