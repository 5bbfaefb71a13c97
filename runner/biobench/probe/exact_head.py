"""A trained head in exact arithmetic, on the CPU (SPEC.md, section "Linear probe").

In: a native head and its rows. Out: its steps, and the outputs of a linear layer. The bits are the
same on every processor, with any number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench._common.exact_engine import engine
from biobench._native import Engine, Head, linear
from biobench.probe.checkpoint import Arrays
from biobench.probe.gradient_descent import Batch, Float32
from biobench.probe.training_plan import TrainingPlan

LISTS = ("parameters", "first_moment", "second_moment")
_ROWS = 16_384
"""Rows of one call, so that Ctrl-C is seen soon."""

Dropout = Callable[[int, int], Float32]
"""Factors of the hidden units, from the number of a step and the size of its batch."""


def adamw(plan: TrainingPlan) -> tuple[float, float, float, float]:
    """The constants of the optimiser, as a native head takes them."""
    return plan.beta1, plan.beta2, plan.epsilon, plan.weight_decay


class ExactHead:
    """A native head with the rows that it learns from.

    Args:
        plan: The plan.
        engine: Threads.
        head: The native head.
        rows: Features, float32 (n, d), C-contiguous.
        dropout: None without dropout.
    """

    def __init__(
        self,
        plan: TrainingPlan,
        engine: Engine,
        head: Head,
        rows: Float32,
        dropout: Dropout | None = None,
    ) -> None:
        self.native = head
        self._plan, self._engine, self._rows, self._dropout = plan, engine, rows, dropout

    def step(self, number: int, batch: Batch, size: int) -> bool:
        """See :class:`biobench.probe.gradient_descent.Head`."""
        factors = None if self._dropout is None else self._dropout(number, size)
        rate = self._plan.rate(number)
        return self.native.step(self._engine, self._rows, batch, rate, factors)

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """See :class:`biobench.probe.gradient_descent.Head`."""
        return dict(zip(LISTS, self.native.state(), strict=True))

    def restore(self, state: Arrays, steps: int) -> None:
        """See :class:`biobench.probe.gradient_descent.Head`."""
        first, second, third = (state[name] for name in LISTS)
        self.native.restore([first, second, third], steps)


def outputs(
    rows: Float32, weight: Float32, bias: Float32, *, threads: int, relu: bool = False
) -> Float32:
    """rows @ weight.T + bias, float32 (n, outputs); a row's bits do not depend on the others.

    Args:
        rows: float32 (n, d).
        weight: float32 (outputs, d).
        bias: float32 (outputs,).
        threads: Threads; the result does not depend on it.
        relu: Whether the rectifier follows.
    """
    exact_engine = engine(threads)
    weight, bias = np.ascontiguousarray(weight), np.ascontiguousarray(bias)
    result = np.empty((len(rows), len(bias)), np.float32)
    for start in range(0, len(rows), _ROWS):
        part = np.ascontiguousarray(rows[start : start + _ROWS])
        result[start : start + _ROWS] = linear(exact_engine, part, weight, bias, relu=relu)
    return result
