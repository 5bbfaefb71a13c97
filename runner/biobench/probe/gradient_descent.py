"""Gradient descent whose bits do not depend on the number of threads (SPEC.md, "Linear probe").

In: a training plan and a function that gives one chunk's part of a batch's gradient. Out: trained
parameters: chunks have a fixed size, and their parts are added in their order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch

from biobench._common.blas import one_blas_thread
from biobench.errors import ArgumentError
from biobench.probe.checkpoint import Arrays, fits
from biobench.probe.training_plan import TrainingPlan, batches

CHUNK_ROWS = 512
"""Rows of a batch that one worker takes. The chunks' partial sums are added in their order, so the
bits depend on this number and not on how many workers there are."""

PROGRESS_STEPS = 50
"""Steps between two calls of the progress function, which costs as much as a small task's step."""

quiet = partial(np.errstate, over="ignore", invalid="ignore")
"""Values that overflow are detected once, at the end."""

Float32 = npt.NDArray[np.float32]


def check_device(plan: TrainingPlan) -> None:
    """Raise ArgumentError where the plan asks for CUDA and torch sees no device."""
    if plan.device == "cuda" and not torch.cuda.is_available():
        raise ArgumentError(
            "device is 'cuda', and torch sees no CUDA device", remedy="give device='cpu'"
        )


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep torch and the matrix library to one thread a call, so that sums have one order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with one_blas_thread():
            yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def full_float32() -> Iterator[None]:
    """Keep CUDA's matrix products to float32."""
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


def multiply(left: torch.Tensor, right: torch.Tensor, out: torch.Tensor) -> None:
    """out = left @ right.

    On the CPU through NumPy's OpenBLAS: under the settings of level E2 it keeps its AVX2 kernels,
    while torch's MKL falls back to SSE2 and is two to three times slower.
    """
    if out.is_cuda:
        torch.mm(left, right, out=out)
    else:
        np.matmul(left.numpy(), right.numpy(), out=out.numpy())


def square_root(values: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
    """Write the correctly rounded root of each value to ``out``.

    On the CPU by NumPy: torch takes MKL's, which begins with an approximation that processors of
    different makers give differently, and is off by a unit in the last place for every sixth value.
    """
    if out.is_cuda:
        return torch.sqrt(values, out=out)
    np.sqrt(values.numpy(), out=out.numpy())
    return out


def chunk_bounds(plan: TrainingPlan, rows: int) -> list[tuple[int, int]]:
    """First and last row (exclusive) of each chunk of a full batch."""
    batch = min(rows, plan.batch_size)
    step = CHUNK_ROWS if plan.device == "cpu" else batch
    return [(a, min(a + step, batch)) for a in range(0, batch, step)]


class AdamW:
    """AdamW (Loshchilov and Hutter 2019) with torch's order of operations, over one flat tensor.

    Args:
        parameters: All parameters, float32.
        decayed: Views of those that have weight decay.
        scratch: A tensor like ``parameters`` whose content is overwritten.
    """

    def __init__(
        self,
        plan: TrainingPlan,
        parameters: torch.Tensor,
        decayed: list[torch.Tensor],
        scratch: torch.Tensor,
    ) -> None:
        self.plan = plan
        self.parameters = parameters
        self.decayed = decayed
        self.scratch = scratch
        self.first_moment = torch.zeros_like(parameters)
        self.second_moment = torch.zeros_like(parameters)
        self._state = {
            "parameters": parameters,
            "first_moment": self.first_moment,
            "second_moment": self.second_moment,
        }

    def state(self, step: int) -> dict[str, npt.NDArray[Any]]:
        """All that the steps from ``step`` on depend on, once those before are done."""
        arrays = {name: values.cpu().numpy() for name, values in self._state.items()}
        return {**arrays, "step": np.array([step], np.int64)}

    def restore(self, state: Arrays, steps: int) -> int:
        """Take up a state of this optimiser; returns the step to go on with, 0 where the state does
        not fit."""
        if not fits(state, self.state(0)) or not 0 < state["step"][0] <= steps:
            return 0
        for name, values in self._state.items():
            values.copy_(torch.from_numpy(state[name]))
        return int(state["step"][0])

    def update(self, gradient: torch.Tensor, step: int) -> None:
        """Update the parameters by the gradient of step >= 0."""
        plan, rate = self.plan, self.plan.rate(step)
        for values in self.decayed:
            values.mul_(1.0 - rate * plan.weight_decay)
        self.first_moment.lerp_(gradient, 1.0 - plan.beta1)
        self.second_moment.mul_(plan.beta2).addcmul_(gradient, gradient, value=1.0 - plan.beta2)
        root = square_root(self.second_moment, self.scratch)
        root.div_((1.0 - plan.beta2 ** (step + 1)) ** 0.5).add_(plan.epsilon)
        factor = -rate / (1.0 - plan.beta1 ** (step + 1))
        self.parameters.addcdiv_(self.first_moment, root, value=factor)


class Descent(Protocol):
    """One training run: the methods that :func:`descend` calls at each step."""

    bounds: list[tuple[int, int]]
    optimiser: AdamW

    def begin(self, step: int) -> None:
        """Prepare the step."""
        ...

    def chunk_gradient(self, number: int, batch: torch.Tensor | None, size: int) -> None:
        """Compute one chunk's part of the gradient of a batch of ``size`` rows; ``batch`` None
        means all rows. Called by any worker."""
        ...

    def finish(self, step: int, used: int) -> None:
        """Add the parts of the first ``used`` chunks in order, and update."""
        ...


@contextmanager
def training() -> Iterator[None]:
    """Set one thread a call, full precision, no graph, and keep subnormal numbers."""
    torch.set_flush_denormal(False)
    with one_thread(), full_float32(), torch.inference_mode(), quiet():
        yield


def descend(run: Descent, plan: TrainingPlan, rows: int) -> None:
    """Take ``plan.steps`` steps over the batches of ``rows`` rows; call it within :func:`training`.

    Steps whose rate is 0 in float32 move nothing, and as rates never rise none after them does:
    they are left out. Where the plan has a checkpoint, the steps go on from its state; they save
    one now and then, and when they are interrupted.
    """
    workers = min(plan.threads, len(run.bounds))
    done = told = _resume(run, plan)
    # Whether the parameters are those after ``done`` steps.
    settled = True
    with ThreadPoolExecutor(max(1, workers)) as pool:
        try:
            for step, (batch, size) in enumerate(schedule(plan, rows, done), done):
                if not _moves(plan, step):
                    break
                run.begin(step)
                used = sum(start < size for start, _ in run.bounds)
                part = partial(_part, run, batch, size)
                if workers > 1 and used > 1:
                    list(pool.map(part, range(used)))
                else:
                    for number in range(used):
                        part(number)
                settled = False
                run.finish(step, used)
                done = step + 1
                settled = True
                if plan.progress is not None and done - told >= PROGRESS_STEPS:
                    plan.progress(done - told)
                    told = done
                if plan.checkpoint is not None and plan.checkpoint.due():
                    plan.checkpoint.save(run.optimiser.state(done))
        except BaseException as error:
            interrupted = not isinstance(error, Exception)
            if interrupted and settled and done and plan.checkpoint is not None:
                plan.checkpoint.save(run.optimiser.state(done))
            raise
    if plan.progress is not None and plan.steps > told:
        plan.progress(plan.steps - told)


def _resume(run: Descent, plan: TrainingPlan) -> int:
    """The first step that is left to do."""
    state = None if plan.checkpoint is None else plan.checkpoint.load()
    if plan.checkpoint is None or state is None:
        return 0
    step = run.optimiser.restore(state, plan.steps)
    plan.checkpoint.resume(step)
    return step


def _moves(plan: TrainingPlan, step: int) -> bool:
    return bool(np.float32(plan.rate(step) / (1.0 - plan.beta1 ** (step + 1))) != 0.0)


def _part(run: Descent, batch: torch.Tensor | None, size: int, number: int) -> None:
    # Both modes belong to a thread, and workers do not inherit them.
    with torch.inference_mode(), quiet():
        run.chunk_gradient(number, batch, size)


def schedule(
    plan: TrainingPlan, rows: int, first: int = 0
) -> Iterator[tuple[torch.Tensor | None, int]]:
    """The batch of each step from ``first`` on and its size; a batch of all rows is None."""
    epoch, skipped = divmod(first, -(-rows // plan.batch_size))
    done = first
    while done < plan.steps:
        epoch_batches = batches(plan.seed, plan.stream, rows, plan.batch_size, epoch)
        for batch in epoch_batches[skipped:]:
            if done == plan.steps:
                return
            whole = len(batch) == rows
            yield None if whole else torch.from_numpy(batch).to(plan.device), len(batch)
            done += 1
        epoch, skipped = epoch + 1, 0


def outputs_in_chunks(
    rows: Float32, width: int, layer: Callable[[Float32], Float32]
) -> npt.NDArray[np.float32]:
    """Apply ``layer`` to chunks of a fixed number of rows; float32 (n, width).

    The last chunk is filled with zeros, so the bits of a row do not depend on the number of rows.
    """
    result = np.empty((len(rows), width), np.float32)
    chunk = np.zeros((CHUNK_ROWS, rows.shape[1]), np.float32)
    with one_thread():
        for start in range(0, len(rows), CHUNK_ROWS):
            part = rows[start : start + CHUNK_ROWS]
            chunk[: len(part)] = part
            chunk[len(part) :] = 0.0
            result[start : start + len(part)] = layer(chunk)[: len(part)]
    return result
