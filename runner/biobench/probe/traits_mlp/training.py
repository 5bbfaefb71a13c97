"""Training of the traits network by closed-form gradients (SPEC.md, "Traits network").

In: features, traits and initial layers. Out: the trained layers. definition.py is the
definition, by automatic differentiation.

With X the rows, a = X A^T + b, h = M f(a) (f the activation, M the dropout mask with its scale),
l = h C^T + e and G = (sigmoid(l) - y) / (rows traits): dC = G^T h, de = sum G, and with
K = M f'(a) (G C): dA = K^T X, db = sum K.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch

from biobench.errors import ModelError
from biobench.probe.gradient_descent import (
    AdamW,
    Float32,
    check_device,
    chunk_bounds,
    descend,
    multiply,
    outputs_in_chunks,
    training,
)
from biobench.probe.training_plan import TrainingPlan
from biobench.spec.generator import Stream

Layers = tuple[Float32, Float32, Float32, Float32]
"""Weight and bias of the first layer, then of the second."""


class TraitsPlan(TrainingPlan, Protocol):
    """Constants of a traits network, and its layers once it is fitted."""

    hidden: int
    dropout: float
    activation: str
    hidden_weight_: Float32
    hidden_bias_: Float32
    output_weight_: Float32
    output_bias_: Float32


class _Parameters:
    """The weights and biases of both layers as views of one flat tensor."""

    def __init__(self, flat: torch.Tensor, features: int, hidden: int, traits: int) -> None:
        self.flat = flat
        sizes = [hidden * features, hidden, traits * hidden, traits]
        first, self.hidden_bias, second, self.output_bias = torch.split(flat, sizes)
        self.hidden_weight = first.view(hidden, features)
        self.output_weight = second.view(traits, hidden)


def dropout_mask(probe: TraitsPlan, step: int, first: int, rows: int) -> Float32:
    """Factors of the hidden units of the batch's positions ``first`` to ``first + rows - 1``.

    float32 (rows, hidden): 0 where unit i of position r is dropped, which the float at position r
    hidden + i of stream ``<stream>/dropout/<step>`` decides, else 1 / (1 - dropout).
    """
    stream = Stream(probe.seed, f"{probe.stream}/dropout/{step}")
    u = stream.floats(rows * probe.hidden, first * probe.hidden).astype(np.float64)
    kept = np.float32(1.0 / (1.0 - probe.dropout))
    return np.where(u < probe.dropout, np.float32(0), kept).reshape(rows, probe.hidden)


class _Chunk:
    """The buffers of one chunk of a batch and its part of the gradient."""

    def __init__(self, rows: int, parameters: _Parameters) -> None:
        hidden, features = parameters.hidden_weight.shape
        traits = len(parameters.output_bias)
        empty = parameters.flat.new_empty
        self.features = empty((rows, features))
        self.units = empty((rows, hidden))
        self.slopes = empty((rows, hidden))
        self.residual = empty((rows, traits))
        self.part = _Parameters(empty(parameters.flat.shape), features, hidden, traits)


class _Training:
    """One run: the rows in memory, the parameters, their moments, and the scratch space."""

    def __init__(self, probe: TraitsPlan, rows: Float32, traits: Float32, layers: Layers) -> None:
        self.probe = probe
        self.rows = torch.from_numpy(rows).to(probe.device)
        self.traits = torch.from_numpy(traits).to(probe.device)
        shape = (rows.shape[1], probe.hidden, traits.shape[1])
        flat = torch.from_numpy(np.concatenate([values.reshape(-1) for values in layers]))
        self.parameters = _Parameters(flat.to(probe.device), *shape)
        p = self.parameters
        self.optimiser = AdamW(
            probe, p.flat, [p.hidden_weight, p.output_weight], torch.empty_like(p.flat)
        )
        self.bounds = chunk_bounds(probe, len(rows))
        self.chunks = [_Chunk(b - a, p) for a, b in self.bounds]
        self.step = 0

    def begin(self, step: int) -> None:
        """Store the step, which names the dropout stream."""
        self.step = step

    def chunk_gradient(self, number: int, batch: torch.Tensor | None, size: int) -> None:
        """Compute the part of one chunk of a batch of ``size`` rows; ``batch`` None means all
        rows."""
        start, stop = self.bounds[number]
        stop = min(stop, size)
        chunk, p = self.chunks[number], self.parameters
        if batch is None:
            x, y = self.rows[start:stop], self.traits[start:stop]
        else:
            x = chunk.features[: stop - start]
            torch.index_select(self.rows, 0, batch[start:stop], out=x)
            y = self.traits[batch[start:stop]]
        units, residual = chunk.units[: stop - start], chunk.residual[: stop - start]
        slopes = chunk.slopes[: stop - start]
        multiply(x, p.hidden_weight.t(), units)
        units.add_(p.hidden_bias)
        mask = self._mask(units, start)
        if self.probe.activation == "relu":
            units.clamp_(min=0.0)
        if mask is not None:
            units.mul_(mask)
        multiply(units, p.output_weight.t(), residual)
        residual.add_(p.output_bias)
        torch.sigmoid(residual, out=residual)
        residual.sub_(y).mul_(1.0 / (size * y.shape[1]))
        multiply(residual.t(), units, chunk.part.output_weight)
        torch.sum(residual, 0, out=chunk.part.output_bias)
        multiply(residual, p.output_weight, slopes)
        if mask is not None:
            slopes.mul_(mask)
        multiply(slopes.t(), x, chunk.part.hidden_weight)
        torch.sum(slopes, 0, out=chunk.part.hidden_bias)

    def _mask(self, units: torch.Tensor, start: int) -> torch.Tensor | None:
        """Factors of the units and their slopes: dropout, and 0 where the rectifier cuts."""
        mask: torch.Tensor | None = None
        if self.probe.dropout:
            values = dropout_mask(self.probe, self.step, start, len(units))
            mask = torch.from_numpy(values).to(units.device)
        if self.probe.activation == "relu":
            positive = (units > 0).to(units.dtype)
            mask = positive if mask is None else mask.mul_(positive)
        return mask

    def finish(self, step: int, used: int) -> None:
        """Add the parts of the first ``used`` chunks in order, and update."""
        gradient = self.chunks[0].part.flat
        for chunk in self.chunks[1:used]:
            gradient.add_(chunk.part.flat)
        self.optimiser.update(gradient, step)


def train(probe: TraitsPlan, rows: Float32, traits: Float32, layers: Layers) -> Layers:
    """Take ``probe.steps`` steps from the initial ``layers``.

    Args:
        probe: The plan.
        rows: Features, float32 (n, d).
        traits: float32 (n, traits) of 0 and 1.
        layers: Initial layers.

    Returns:
        The trained layers on the CPU.

    Raises:
        ModelError: The values stop being finite.
    """
    check_device(probe)
    with training():
        run = _Training(probe, rows, traits, layers)
        descend(run, probe, len(rows))
        p = run.parameters
        trained = (p.hidden_weight, p.hidden_bias, p.output_weight, p.output_bias)
        first, second, third, fourth = (values.cpu().numpy().copy() for values in trained)
    if not all(np.isfinite(values).all() for values in (first, second, third, fourth)):
        raise ModelError(
            "the traits network left the finite numbers while training",
            remedy="check the constants of the protocol and the features",
        )
    return first, second, third, fourth


def logits(probe: TraitsPlan, rows: Float32) -> Float32:
    """Logits of a trained probe, float32 (n, traits); a row's bits do not depend on the others."""

    def network(chunk: Float32) -> Float32:
        units: Float32 = chunk @ probe.hidden_weight_.T + probe.hidden_bias_
        if probe.activation == "relu":
            np.maximum(units, np.float32(0), out=units)
        values: Float32 = units @ probe.output_weight_.T + probe.output_bias_
        return values

    with np.errstate(over="ignore", invalid="ignore"):
        return outputs_in_chunks(rows, len(probe.output_bias_), network)
