"""The parts of the self test, each one measurement of one stage.

In: the conditions of this run. Out: a digest that machines are compared by, and the few values that
tell the distance of two measurements where the digests differ.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Conditions:
    """Conditions of a measurement.

    Attributes:
        device: ``cpu`` or ``cuda``.
        workers: Threads side by side; no digest depends on them.
        small: Compute features of few small images, for processors that are emulated.
    """

    device: str = "cpu"
    workers: int = 1
    small: bool = False


@dataclass(frozen=True)
class Measured:
    """A measurement.

    Attributes:
        digest: Digest that covers every bit.
        values: JSON values by which nearness is judged.
    """

    digest: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class SelftestPart:
    """One part of the self test.

    Attributes:
        level: The level that the part is expected to reach.
        needs: Import names without which it is left out.
        on_gpu: True where a GPU computes it, if one is chosen.
    """

    stage: str
    name: str
    level: str
    needs: tuple[str, ...]
    measure: Callable[[Conditions], Measured]
    on_gpu: bool = False

    @property
    def id(self) -> str:
        """``stage/name``, its key in the recorded digests."""
        return f"{self.stage}/{self.name}"
