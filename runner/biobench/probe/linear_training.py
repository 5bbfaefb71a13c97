"""Training of the linear probe by closed-form gradients (SPEC.md, section "Linear probe").

In: normalised rows, label ids and initial values. Out: the trained layer, with the affine part of
the normalisation folded in. linear_reference.py is the definition, by automatic differentiation.

With xhat the normalised rows, gamma and beta the affine part, W and b the linear layer:
logits = xhat (W gamma)^T + (W beta + b). With G the loss's gradient at the logits and A = G^T xhat:
dW = A gamma + (sum G) beta^T, dgamma = sum over classes of W A, dbeta = W^T sum G, db = sum G.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from biobench.errors import ModelError
from biobench.probe.linear import batches, learning_rate

if TYPE_CHECKING:
    from biobench.probe.linear import LinearProbe

CHUNK_ROWS = 512
"""Rows of a batch that one worker takes. The chunks' partial sums are added in their order, so the
bits depend on this number and not on how many workers there are."""

PROGRESS_STEPS = 50
"""Steps between two calls of the progress function, which costs as much as a small task's step."""

_QUIET = partial(np.errstate, over="ignore", invalid="ignore")
"""Values that overflow are found once, at the end."""

Float32 = npt.NDArray[np.float32]


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep torch and the matrix library to one thread a call, so that sums have one order."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped,unused-ignore]

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1, user_api="blas"):
            yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _full_float32() -> Iterator[None]:
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


def _multiply(left: torch.Tensor, right: torch.Tensor, out: torch.Tensor) -> None:
    """out = left @ right.

    On the CPU through NumPy's OpenBLAS: under the settings of level E2 it keeps its AVX2 kernels,
    while torch's MKL falls back to SSE2 and is two to three times slower.
    """
    if out.is_cuda:
        torch.mm(left, right, out=out)
    else:
        np.matmul(left.numpy(), right.numpy(), out=out.numpy())


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
        self, probe: LinearProbe, rows: Float32, ids: npt.NDArray[np.int64], initial: Float32
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
        self.first_moment = torch.zeros_like(self.parameters.flat)
        self.second_moment = torch.zeros_like(self.parameters.flat)
        self.scratch = _Parameters(torch.empty_like(self.parameters.flat), classes, features)
        self.folded = torch.empty_like(self.parameters.weight)
        self.offset = torch.empty_like(self.parameters.bias)
        batch = min(len(rows), probe.batch_size)
        step = CHUNK_ROWS if probe.device == "cpu" else batch
        self.bounds = [(a, min(a + step, batch)) for a in range(0, batch, step)]
        self.chunks = [_Chunk(b - a, classes, self.rows) for a, b in self.bounds]
        self.class_starts = torch.arange(batch, device=probe.device) * classes

    def _tensor(self, values: npt.NDArray[np.floating]) -> torch.Tensor:
        return torch.from_numpy(values.astype(np.float32)).to(self.probe.device)

    def fold(self) -> None:
        """Put W gamma into ``folded`` and W beta + b into ``offset``."""
        p = self.parameters
        torch.mul(p.weight, p.gamma, out=self.folded)
        _multiply(p.weight, p.beta.view(-1, 1), self.offset.view(-1, 1))
        self.offset.add_(p.bias)

    def chunk_gradient(self, number: int, batch: torch.Tensor | None, size: int) -> None:
        """A and sum G of one chunk of a batch of ``size`` rows; ``batch`` null means all rows."""
        # Both modes belong to a thread, and workers do not inherit them.
        with torch.inference_mode(), _QUIET():
            self._chunk_gradient(number, batch, size)

    def _chunk_gradient(self, number: int, batch: torch.Tensor | None, size: int) -> None:
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
        _multiply(x, self.folded.t(), residual)
        residual.add_(self.offset)
        torch.softmax(residual, 1, out=residual)
        flat = residual.view(-1)
        target = self.class_starts[: stop - start] + ids
        flat.index_copy_(0, target, flat.index_select(0, target).sub_(1.0))
        residual.mul_(1.0 / size)
        torch.sum(residual, 0, out=chunk.total)
        _multiply(residual.t(), x, chunk.product)

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
        _multiply(total.view(1, -1), p.weight, g.beta.view(1, -1))
        g.bias.copy_(total)

    def update(self, step: int) -> None:
        """AdamW (Loshchilov and Hutter 2019) with torch's order of operations; step >= 0."""
        probe, p, g = self.probe, self.parameters, self.gradient.flat
        rate = learning_rate(
            step,
            first=probe.learning_rate,
            ratio=probe.final_learning_rate_ratio,
            steps=probe.steps,
        )
        p.weight.mul_(1.0 - rate * probe.weight_decay)
        self.first_moment.lerp_(g, 1.0 - probe.beta1)
        self.second_moment.mul_(probe.beta2).addcmul_(g, g, value=1.0 - probe.beta2)
        root = torch.sqrt(self.second_moment, out=self.scratch.flat)
        root.div_((1.0 - probe.beta2 ** (step + 1)) ** 0.5).add_(probe.epsilon)
        p.flat.addcdiv_(self.first_moment, root, value=-rate / (1.0 - probe.beta1 ** (step + 1)))


def train(
    probe: LinearProbe,
    rows: Float32,
    ids: npt.NDArray[np.int64],
    weight: Float32,
    bias: Float32,
) -> tuple[Float32, Float32]:
    """Exactly ``probe.steps`` steps from the initial weight and bias.

    rows: normalised features, float32 (n, d). ids: int64 (n,). Returns W gamma, float32
    (classes, d), and W beta + b, float32 (classes,), on the CPU. Subnormal numbers are kept.
    Raises ModelError where the values stop being finite.
    """
    torch.set_flush_denormal(False)
    with one_thread(), _full_float32(), torch.inference_mode(), _QUIET():
        run = _Training(probe, rows, ids, np.concatenate([weight.reshape(-1), bias]))
        workers = min(probe.threads, len(run.chunks))
        with ThreadPoolExecutor(max(1, workers)) as pool:
            for step, (batch, size) in enumerate(_schedule(probe, len(rows))):
                run.fold()
                used = sum(start < size for start, _ in run.bounds)
                if workers > 1 and used > 1:
                    list(pool.map(partial(run.chunk_gradient, batch=batch, size=size), range(used)))
                else:
                    for number in range(used):
                        run.chunk_gradient(number, batch, size)
                run.collect(used)
                run.update(step)
                if probe.progress is not None and (step + 1) % PROGRESS_STEPS == 0:
                    probe.progress(PROGRESS_STEPS)
        if probe.progress is not None and probe.steps % PROGRESS_STEPS:
            probe.progress(probe.steps % PROGRESS_STEPS)
        run.fold()
        folded, offset = run.folded.cpu().numpy(), run.offset.cpu().numpy()
    if not (np.isfinite(folded).all() and np.isfinite(offset).all()):
        raise ModelError(
            "the linear probe left the finite numbers while training",
            remedy="check the constants of the protocol and the features",
        )
    return folded, offset


def _schedule(probe: LinearProbe, rows: int) -> Iterator[tuple[torch.Tensor | None, int]]:
    """The batch of each step and its size; a batch of all rows is null."""
    done = epoch = 0
    while done < probe.steps:
        for batch in batches(probe.seed, probe.stream, rows, probe.batch_size, epoch):
            if done == probe.steps:
                return
            whole = len(batch) == rows
            yield None if whole else torch.from_numpy(batch).to(probe.device), len(batch)
            done += 1
        epoch += 1


def logits(rows: Float32, weight: Float32, bias: Float32) -> Float32:
    """rows @ weight.T + bias, float32 (n, classes), in chunks of a fixed number of rows.

    The last chunk is filled with zeros, so the bits of a row do not depend on how many there are.
    """
    result = np.empty((len(rows), len(weight)), np.float32)
    chunk = np.zeros((CHUNK_ROWS, rows.shape[1]), np.float32)
    with one_thread():
        for start in range(0, len(rows), CHUNK_ROWS):
            part = rows[start : start + CHUNK_ROWS]
            chunk[: len(part)] = part
            chunk[len(part) :] = 0.0
            result[start : start + len(part)] = (chunk @ weight.T)[: len(part)] + bias
    return result
