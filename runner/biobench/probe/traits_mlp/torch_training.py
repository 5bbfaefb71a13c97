"""Training of the traits network by torch, for CUDA devices (SPEC.md, "Traits network").

In: features, traits and initial layers. Out: the trained layers, by the closed form that the
specification states.
"""

from __future__ import annotations

import numpy as np
import torch

from biobench.probe.gradient_descent import Batch, Float32, descend
from biobench.probe.torch_descent import AdamW, TorchHead, check_device, selected, training
from biobench.probe.traits_mlp.plan import Layers, TraitsPlan, dropout_mask


class TraitsParameters:
    """The weights and biases of both layers as views of one flat tensor."""

    def __init__(self, flat: torch.Tensor, features: int, hidden: int, traits: int) -> None:
        self.flat = flat
        sizes = [hidden * features, hidden, traits * hidden, traits]
        first, self.hidden_bias, second, self.output_bias = torch.split(flat, sizes)
        self.hidden_weight = first.view(hidden, features)
        self.output_weight = second.view(traits, hidden)


class TraitsTorchHead(TorchHead):
    """The rows in memory, the parameters and their moments."""

    def __init__(self, probe: TraitsPlan, rows: Float32, traits: Float32, layers: Layers) -> None:
        self.probe = probe
        self.rows = torch.from_numpy(rows).to(probe.device)
        self.traits = torch.from_numpy(traits).to(probe.device)
        shape = (rows.shape[1], probe.hidden, traits.shape[1])
        flat = torch.from_numpy(np.concatenate([values.reshape(-1) for values in layers]))
        self.parameters = TraitsParameters(flat.to(probe.device), *shape)
        p = self.parameters
        self.found = TraitsParameters(torch.empty_like(p.flat), *shape)
        self.optimiser = AdamW(probe, p.flat, [p.hidden_weight, p.output_weight])

    def gradient(self, number: int, batch: Batch, size: int) -> torch.Tensor:
        """See :class:`biobench.probe.torch_descent.TorchHead`."""
        p, found = self.parameters, self.found
        x, y = selected(self.rows, batch), selected(self.traits, batch)
        units = x @ p.hidden_weight.t() + p.hidden_bias
        slopes = torch.ones_like(units)
        if self.probe.dropout:
            mask = torch.from_numpy(dropout_mask(self.probe, number, 0, size))
            slopes = mask.to(units.device)
        if self.probe.activation == "relu":
            slopes = slopes * (units > 0)
        units = units * slopes
        residual = torch.sigmoid(units @ p.output_weight.t() + p.output_bias)
        residual.sub_(y).mul_(1.0 / y.numel())
        torch.mm(residual.t(), units, out=found.output_weight)
        torch.sum(residual, 0, out=found.output_bias)
        slopes = (residual @ p.output_weight) * slopes
        torch.mm(slopes.t(), x, out=found.hidden_weight)
        torch.sum(slopes, 0, out=found.hidden_bias)
        return found.flat


def train(probe: TraitsPlan, rows: Float32, traits: Float32, layers: Layers) -> Layers:
    """As :func:`biobench.probe.traits_mlp.training.train`, on the plan's device."""
    check_device(probe)
    with training():
        head = TraitsTorchHead(probe, rows, traits, layers)
        descend(head, probe, len(rows))
        p = head.parameters
        trained = (p.hidden_weight, p.hidden_bias, p.output_weight, p.output_bias)
        first, second, third, fourth = (values.cpu().numpy().copy() for values in trained)
    return first, second, third, fourth
