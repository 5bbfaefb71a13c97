"""Gradient descent by torch, for CUDA devices (SPEC.md, section "Linear probe").

In: a training plan and parameters. Out: an optimiser, and the settings under which equal devices
give equal bits. On the CPU the exact engine trains (exact_head.py).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from biobench.errors import ArgumentError
from biobench.probe.checkpoint import Arrays
from biobench.probe.gradient_descent import Batch
from biobench.probe.training_plan import TrainingPlan
from biobench.repro.tf32 import without_tf32


def check_device(plan: TrainingPlan) -> None:
    """Raise ArgumentError where the plan asks for CUDA and torch sees no device."""
    if plan.device == "cuda" and not torch.cuda.is_available():
        raise ArgumentError(
            "device is 'cuda', and torch sees no CUDA device", remedy="give device='cpu'"
        )


@contextmanager
def training() -> Iterator[None]:
    """Keep matrix products to float32, and build no graph."""
    with without_tf32(), torch.inference_mode():
        yield


class AdamW:
    """AdamW (Loshchilov and Hutter 2019) with torch's order of operations, over one flat tensor.

    Args:
        parameters: All parameters, float32.
        decayed: Views of those that have weight decay.
    """

    def __init__(
        self, plan: TrainingPlan, parameters: torch.Tensor, decayed: list[torch.Tensor]
    ) -> None:
        self.plan = plan
        self.parameters = parameters
        self.decayed = decayed
        self.first_moment = torch.zeros_like(parameters)
        self.second_moment = torch.zeros_like(parameters)
        self._state = {
            "parameters": parameters,
            "first_moment": self.first_moment,
            "second_moment": self.second_moment,
        }

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """The parameters and their moments."""
        return {name: values.cpu().numpy() for name, values in self._state.items()}

    def restore(self, state: Arrays) -> None:
        """Take up a state of this optimiser."""
        for name, values in self._state.items():
            values.copy_(torch.from_numpy(state[name]))

    def moves(self, step: int) -> bool:
        """True where the rate of a step is not 0 in float32."""
        rate = self.plan.rate(step) / (1.0 - self.plan.beta1 ** (step + 1))
        return bool(np.float32(rate) != 0.0)

    def update(self, gradient: torch.Tensor, step: int) -> None:
        """Update the parameters by the gradient of step >= 0."""
        plan, rate = self.plan, self.plan.rate(step)
        for values in self.decayed:
            values.mul_(1.0 - rate * plan.weight_decay)
        self.first_moment.lerp_(gradient, 1.0 - plan.beta1)
        self.second_moment.mul_(plan.beta2).addcmul_(gradient, gradient, value=1.0 - plan.beta2)
        root = torch.sqrt(self.second_moment)
        root.div_((1.0 - plan.beta2 ** (step + 1)) ** 0.5).add_(plan.epsilon)
        factor = -rate / (1.0 - plan.beta1 ** (step + 1))
        self.parameters.addcdiv_(self.first_moment, root, value=factor)


class TorchHead(ABC):
    """The optimiser of a head and its state."""

    optimiser: AdamW

    @abstractmethod
    def gradient(self, number: int, batch: Batch, size: int) -> torch.Tensor:
        """The gradient of all parameters on a batch of ``size`` rows."""

    def step(self, number: int, batch: Batch, size: int) -> bool:
        """See :class:`biobench.probe.gradient_descent.Head`."""
        if not self.optimiser.moves(number):
            return False
        self.optimiser.update(self.gradient(number, batch, size), number)
        return True

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """See :class:`biobench.probe.gradient_descent.Head`."""
        return self.optimiser.state()

    def restore(self, state: Arrays, steps: int) -> None:
        """See :class:`biobench.probe.gradient_descent.Head`."""
        del steps
        self.optimiser.restore(state)


def selected(values: torch.Tensor, batch: Batch) -> torch.Tensor:
    """The rows of a batch."""
    return values if batch is None else values[torch.from_numpy(batch).to(values.device)]
