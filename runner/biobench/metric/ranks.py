"""Simultaneous confidence sets of ranks (SPEC.md, section "Sets of ranks").

In: the pairs of models, how far each is apart and how far chance moves it. Out: for each model the
ranks that it may have, all sets holding at once (Mogstad, Romano, Shaikh and Wilhelm 2024, Review
of Economic Studies 91).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Ranks:
    """The ranks that each model may have, from 1, by name.

    Attributes:
        sets: First and last rank of each model; where it begins at 1 the model may be the best.
        told_apart: Number of pairs that are told apart.
        pairs: Number of pairs.
        resolution: The lower median over pairs of half the width of the difference's interval: two
            of these models that differ by less are not told apart even one by one; None without a
            pair.
    """

    sets: Mapping[str, tuple[int, int]]
    told_apart: int
    pairs: int
    resolution: float | None

    def document(self) -> dict[str, Any]:
        """The sets as a JSON value."""
        return {
            "sets": {name: list(ranks) for name, ranks in self.sets.items()},
            "may_be_best": list(self.may_be_best),
            "told_apart": self.told_apart,
            "pairs": self.pairs,
            "resolution": self.resolution,
        }

    @property
    def may_be_best(self) -> tuple[str, ...]:
        """Models whose set begins at 1, in the order given."""
        return tuple(name for name, (first, _) in self.sets.items() if first == 1)


@dataclass(frozen=True, eq=False)
class ModelPair:
    """Models ``a`` and ``b``, by their places.

    Attributes:
        ratio: d^2 / se^2 of their difference.
        flipped: S_r^2 / V_r, float64 (R,); None where the pair is not tested.
        resolution: Half the width of the difference's interval.
    """

    a: int
    b: int
    ratio: float
    flipped: npt.NDArray[np.float64] | None
    resolution: float


def rank_sets(
    names: Sequence[str], better: Sequence[float], pairs: Sequence[ModelPair], alpha: float
) -> Ranks:
    """Tell pairs apart by stepdown, and count above and below each model.

    Args:
        names: Of the models.
        better: A number each that is larger for a better model.
        pairs: Every pair of models.
        alpha: Probability that any set misses.
    """
    apart = _distinguishable(pairs, alpha)
    above, below = [0] * len(names), [0] * len(names)
    for pair in apart:
        ahead = better[pair.a] > better[pair.b]
        winner, loser = (pair.a, pair.b) if ahead else (pair.b, pair.a)
        below[winner] += 1
        above[loser] += 1
    widths = sorted(pair.resolution for pair in pairs)
    return Ranks(
        sets={name: (1 + above[i], len(names) - below[i]) for i, name in enumerate(names)},
        told_apart=len(apart),
        pairs=len(pairs),
        resolution=widths[(len(pairs) - 1) // 2] if pairs else None,
    )


def _distinguishable(pairs: Sequence[ModelPair], alpha: float) -> list[ModelPair]:
    """Pairs whose ratio is above the critical value, which is found again for the rest until no
    pair is added.

    It is the ceil((1 - alpha)(R + 1))-th smallest of the draws' largest ratio over the tested pairs
    that are not told apart; the product is exact on the decimal of ``alpha``. Without that many
    draws there is none.
    """
    apart: list[ModelPair] = []
    rest = [(pair, pair.flipped) for pair in pairs if pair.flipped is not None]
    while rest:
        largest = np.maximum.reduce([flipped for _, flipped in rest])
        rank = math.ceil((1 - Fraction(str(alpha))) * (largest.size + 1))
        if rank > largest.size:
            break
        critical = float(np.sort(largest)[rank - 1])
        found = [pair for pair, _ in rest if pair.ratio > critical]
        if not found:
            break
        apart += found
        rest = [(pair, flipped) for pair, flipped in rest if pair.ratio <= critical]
    return apart
