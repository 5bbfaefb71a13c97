"""Random numbers and learning rates of training by gradient descent (SPEC.md, "Linear probe").

In: a seed, the names of streams and a protocol's constants. Out: initial values, the batches of an
epoch and the rate of a step, the same in any language.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from biobench._common.arguments import function, one_of, real_number, text, whole_number
from biobench.spec.generator import Stream

if TYPE_CHECKING:
    from biobench.probe.checkpoint import Checkpoint

Progress = Callable[[int], None]
"""Called with the number of further steps done."""


class TrainingPlan(Protocol):
    """Constants of a probe that is trained by gradient descent."""

    learning_rate: float
    final_learning_rate_ratio: float
    beta1: float
    beta2: float
    epsilon: float
    weight_decay: float
    batch_size: int
    steps: int
    seed: int
    stream: str
    device: str
    threads: int
    progress: Progress | None
    checkpoint: Checkpoint | None

    def rate(self, step: int) -> float:
        """Learning rate of step 0 <= step < steps; never above that of an earlier step."""
        ...


def check_plan(plan: TrainingPlan) -> None:
    """Raise ArgumentError unless the plan's values are such as a protocol document may have."""
    real_number("learning_rate", plan.learning_rate, above=0)
    real_number("final_learning_rate_ratio", plan.final_learning_rate_ratio, least=0, most=1)
    real_number("beta1", plan.beta1, least=0, below=1)
    real_number("beta2", plan.beta2, least=0, below=1)
    real_number("epsilon", plan.epsilon, above=0)
    real_number("weight_decay", plan.weight_decay, least=0)
    whole_number("batch_size", plan.batch_size, 1)
    whole_number("steps", plan.steps, 1)
    whole_number("seed", plan.seed)
    text("stream", plan.stream)
    one_of("device", plan.device, ("cpu", "cuda"))
    whole_number("threads", plan.threads, 1)
    function("progress", plan.progress)


_HALF_PI = tuple(
    float.fromhex(part) for part in ("0x1.921fb544p+0", "0x1.0b4611a6p-34", "0x1.3198a2e037073p-69")
)
"""pi/2 in parts, the first two short."""
_FACTORIALS = [float(math.factorial(n)) for n in range(22)]
"""Each exact in float64, as is every product on the way to it."""


def cosine(x: float) -> float:
    """The cosine of 0 <= x <= pi by + - * / of float64 alone, as section "Constants of a model" has
    it: that of the C library differs between machines."""
    magic = 1.5 * 2.0**52
    n = (x * float.fromhex("0x1.45f306dc9c883p-1") + magic) - magic
    r = ((x - n * _HALF_PI[0]) - n * _HALF_PI[1]) - n * _HALF_PI[2]
    square = r * r
    if n == 1:
        return -(r * _series(square, 1))
    return _series(square, 0) if n == 0 else -_series(square, 0)


def _series(square: float, first: int) -> float:
    y = 0.0
    for n in range(10, -1, -1):
        y = y * square + (-1) ** n / _FACTORIALS[2 * n + first]
    return y


def learning_rate(step: int, *, first: float, ratio: float, steps: int) -> float:
    """Rate of step 0 <= step < steps: final + (first - final)(1 + cos(pi step / steps)) / 2."""
    final = first * ratio
    return final + (first - final) * (1.0 + cosine(math.pi * step / steps)) / 2.0


def uniform_values(
    seed: int, stream: str, shape: tuple[int, ...], inputs: int
) -> npt.NDArray[np.float32]:
    """(2u - 1) / sqrt(inputs), float32, row-major with u from the stream; rounded once, from
    float64.

    Args:
        seed: Seed of the portable random numbers.
        stream: Name of the stream.
        shape: The shape of the values.
        inputs: Number of inputs of the layer.
    """
    u = Stream(seed, stream).floats(math.prod(shape)).astype(np.float64)
    return ((2.0 * u - 1.0) / math.sqrt(inputs)).astype(np.float32).reshape(shape)


def batches(seed: int, prefix: str, rows: int, batch_size: int, epoch: int) -> list[Any]:
    """The batches of an epoch as ascending row numbers, int64.

    The permutation of stream ``<prefix>/order/<epoch>`` is cut into batches; the last may be
    smaller. A batch is a set, whose rows are taken in ascending order: the loss is their mean.

    Args:
        seed: Seed of the portable random numbers.
        prefix: Prefix of the stream's name.
        rows: Number of rows.
        batch_size: Most rows of a batch.
        epoch: Number of the epoch, from 0.
    """
    if rows <= batch_size:
        return [np.arange(rows)]
    order = Stream(seed, f"{prefix}/order/{epoch}").permutation(rows)
    return [np.sort(order[i : i + batch_size]) for i in range(0, rows, batch_size)]
