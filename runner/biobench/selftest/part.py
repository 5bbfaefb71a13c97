"""What the self test consists of: parts, each one measurement of one stage.

In: the conditions of this run. Out: a digest that machines are compared by, and the few values that
say how far apart two measurements are where the digests differ.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

STAGES = ("settings", "pixels", "features", "predictions", "score")
"""The process settings, then the order of the flow; a stage's fault explains those after it."""


@dataclass(frozen=True)
class Conditions:
    """device: ``cpu`` or ``cuda``. workers: threads side by side; no digest depends on them.

    small: features of few small images, for processors that are emulated.
    """

    device: str = "cpu"
    workers: int = 1
    small: bool = False


@dataclass(frozen=True)
class Measured:
    """``digest`` covers every bit; ``values`` are JSON values by which nearness is judged."""

    digest: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Part:
    """level: the promise that the part is held to. needs: import names without which it is left
    out. on_gpu: whether a GPU computes it where one is chosen."""

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
