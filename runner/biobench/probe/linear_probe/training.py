"""Training of the linear probe by closed-form gradients (SPEC.md, section "Linear probe").

In: normalised rows, label ids and initial values. Out: the trained layer, with the affine part of
the normalisation folded in. definition.py is the definition, by automatic differentiation.

With xhat the normalised rows, gamma and beta the affine part, W and b the linear layer:
logits = xhat (W gamma)^T + (W beta + b). With G the loss's gradient at the logits and A = G^T xhat:
dW = A gamma + (sum G) beta^T, dgamma = sum over classes of W A, dbeta = W^T sum G, db = sum G.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
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


class _Parameters:
    """Weight, gamma, beta and bias as views of one flat tensor, so that an update is few calls."""

    def __init__(self, flat: torch.Tensor, classes: int, features: int) -> None:
        self.flat = flat
        sizes = [classes * features, features, features, classes]
        weight, self.gamma, self.beta, self.bias = torch.split(flat, sizes)
        self.weight = weight.view(classes, features)


class _Chunk:
    """The buffers of one chunk of a batch and its part of the gradient."""

    def __init__(self, rows: int, classes: int, like: torch.Tensor) -> None:
        self.features = like.new_empty((rows, like.shape[1]))
        self.residual = like.new_empty((rows, classes))
        self.product = like.new_empty((classes, like.shape[1]))
        self.total = like.new_empty(classes)


class _Training:
    """One run: the rows in memory, the parameters, their moments, and the scratch space."""

    def __init__(
        self, probe: TrainingPlan, rows: Float32, ids: npt.NDArray[np.int64], initial: Float32
    ) -> None:
        self.probe = probe
        self.rows = torch.from_numpy(rows).to(probe.device)
        self.ids = torch.from_numpy(ids).to(probe.device)
        features = rows.shape[1]
        classes = initial.size // (features + 1)
        weight, bias = initial[: classes * features], initial[classes * features :]
        flat = np.concatenate([weight, np.ones(features), np.zeros(features), bias])
        self.parameters = _Parameters(self._tensor(flat), classes, features)
        self.gradient = _Parameters(torch.zeros_like(self.parameters.flat), classes, features)
        self.scratch = _Parameters(torch.empty_like(self.parameters.flat), classes, features)
        self.optimiser = AdamW(
            probe, self.parameters.flat, [self.parameters.weight], self.scratch.flat
        )
        self.folded = torch.empty_like(self.parameters.weight)
        self.offset = torch.empty_like(self.parameters.bias)
        self.bounds = chunk_bounds(probe, len(rows))
        self.chunks = [_Chunk(b - a, classes, self.rows) for a, b in self.bounds]
        self.class_starts = torch.arange(self.bounds[-1][1], device=probe.device) * classes

    def _tensor(self, values: npt.NDArray[np.floating]) -> torch.Tensor:
        return torch.from_numpy(values.astype(np.float32)).to(self.probe.device)

    def fold(self) -> None:
        """Write W gamma to ``folded`` and W beta + b to ``offset``."""
        p = self.parameters
        torch.mul(p.weight, p.gamma, out=self.folded)
        multiply(p.weight, p.beta.view(-1, 1), self.offset.view(-1, 1))
        self.offset.add_(p.bias)

    def chunk_gradient(self, number: int, batch: torch.Tensor | None, size: int) -> None:
        """A and sum G of one chunk of a batch of ``size`` rows; ``batch`` None means all rows."""
        start, stop = self.bounds[number]
        stop = min(stop, size)
        chunk = self.chunks[number]
        if batch is None:
            x, ids = self.rows[start:stop], self.ids[start:stop]
        else:
            x = chunk.features[: stop - start]
            torch.index_select(self.rows, 0, batch[start:stop], out=x)
            ids = self.ids[batch[start:stop]]
        residual = chunk.residual[: stop - start]
        multiply(x, self.folded.t(), residual)
        residual.add_(self.offset)
        torch.softmax(residual, 1, out=residual)
        flat = residual.view(-1)
        target = self.class_starts[: stop - start] + ids
        flat.index_copy_(0, target, flat.index_select(0, target).sub_(1.0))
        residual.mul_(1.0 / size)
        torch.sum(residual, 0, out=chunk.total)
        multiply(residual.t(), x, chunk.product)

    def collect(self, used: int) -> None:
        """Turn the parts of the first ``used`` chunks, added in order, into the gradient."""
        product, total = self.chunks[0].product, self.chunks[0].total
        for chunk in self.chunks[1:used]:
            product.add_(chunk.product)
            total.add_(chunk.total)
        p, g = self.parameters, self.gradient
        torch.mul(product, p.gamma, out=g.weight)
        g.weight.addr_(total, p.beta)
        torch.mul(p.weight, product, out=self.scratch.weight)
        torch.sum(self.scratch.weight, 0, out=g.gamma)
        multiply(total.view(1, -1), p.weight, g.beta.view(1, -1))
        g.bias.copy_(total)

    def begin(self, step: int) -> None:
        """Fold the affine part of the normalisation into the layer."""
        self.fold()

    def finish(self, step: int, used: int) -> None:
        """Collect the parts and update."""
        self.collect(used)
        self.optimiser.update(self.gradient.flat, step)


def train(
    probe: TrainingPlan,
    rows: Float32,
    ids: npt.NDArray[np.int64],
    weight: Float32,
    bias: Float32,
) -> tuple[Float32, Float32]:
    """Take ``probe.steps`` steps from the initial weight and bias.

    Subnormal numbers are kept.

    Args:
        probe: The plan.
        rows: Normalised features, float32 (n, d).
        ids: Label ids, int64 (n,).
        weight: Initial weight, float32 (classes, d).
        bias: Initial bias, float32 (classes,).

    Returns:
        W gamma, float32 (classes, d), and W beta + b, float32 (classes,), on the CPU.

    Raises:
        ModelError: The values stop being finite.
    """
    check_device(probe)
    with training():
        run = _Training(probe, rows, ids, np.concatenate([weight.reshape(-1), bias]))
        descend(run, probe, len(rows))
        run.fold()
        folded, offset = run.folded.cpu().numpy(), run.offset.cpu().numpy()
    if not (np.isfinite(folded).all() and np.isfinite(offset).all()):
        raise ModelError(
            "the linear probe left the finite numbers while training",
            remedy="check the constants of the protocol and the features",
        )
    return folded, offset


def logits(rows: Float32, weight: Float32, bias: Float32) -> Float32:
    """rows @ weight.T + bias, float32 (n, classes); a row's bits do not depend on the others."""
    return outputs_in_chunks(rows, len(weight), lambda chunk: chunk @ weight.T + bias)
