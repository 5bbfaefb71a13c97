"""Training of the linear probe by torch, for CUDA devices (SPEC.md, section "Linear probe").

In: normalised rows, label ids and initial values. Out: the trained layer, with the affine part of
the normalisation folded in, by the closed form that the specification states.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from biobench.probe.gradient_descent import Batch, Float32, descend
from biobench.probe.torch_descent import AdamW, TorchHead, check_device, selected, training
from biobench.probe.training_plan import TrainingPlan


class LinearParameters:
    """Weight, gamma, beta and bias as views of one flat tensor, so that an update is few calls."""

    def __init__(self, flat: torch.Tensor, classes: int, features: int) -> None:
        self.flat = flat
        sizes = [classes * features, features, features, classes]
        weight, self.gamma, self.beta, self.bias = torch.split(flat, sizes)
        self.weight = weight.view(classes, features)


class LinearTorchHead(TorchHead):
    """The rows in memory, the parameters and their moments."""

    def __init__(
        self,
        probe: TrainingPlan,
        rows: Float32,
        ids: npt.NDArray[np.int64],
        weight: Float32,
        bias: Float32,
    ) -> None:
        classes, features = weight.shape
        self.rows = torch.from_numpy(rows).to(probe.device)
        self.ids = torch.from_numpy(ids).to(probe.device)
        affine = np.ones(features, np.float32), np.zeros(features, np.float32)
        flat = torch.from_numpy(np.concatenate([weight.reshape(-1), *affine, bias]))
        self.parameters = LinearParameters(flat.to(probe.device), classes, features)
        p = self.parameters
        self.found = LinearParameters(torch.empty_like(p.flat), classes, features)
        self.optimiser = AdamW(probe, p.flat, [p.weight])

    def folded(self) -> tuple[torch.Tensor, torch.Tensor]:
        """W gamma and W beta + b."""
        p = self.parameters
        return p.weight * p.gamma, torch.mv(p.weight, p.beta) + p.bias

    def gradient(self, number: int, batch: Batch, size: int) -> torch.Tensor:
        """See :class:`biobench.probe.torch_descent.TorchHead`."""
        del number
        x, ids = selected(self.rows, batch), selected(self.ids, batch)
        folded, offset = self.folded()
        residual = torch.softmax(x @ folded.t() + offset, 1)
        residual[torch.arange(size, device=ids.device), ids] -= 1.0
        residual.mul_(1.0 / size)
        product, total = residual.t() @ x, residual.sum(0)
        p, found = self.parameters, self.found
        torch.mul(product, p.gamma, out=found.weight)
        found.weight.addr_(total, p.beta)
        torch.sum(p.weight * product, 0, out=found.gamma)
        torch.mv(p.weight.t(), total, out=found.beta)
        found.bias.copy_(total)
        return found.flat


def train(
    probe: TrainingPlan,
    rows: Float32,
    ids: npt.NDArray[np.int64],
    weight: Float32,
    bias: Float32,
) -> tuple[Float32, Float32]:
    """As :func:`biobench.probe.linear_probe.training.train`, on the plan's device."""
    check_device(probe)
    with training():
        head = LinearTorchHead(probe, rows, ids, weight, bias)
        descend(head, probe, len(rows))
        folded, offset = (values.cpu().numpy() for values in head.folded())
    return folded, offset
