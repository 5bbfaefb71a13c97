"""The steps of a training by gradient descent (SPEC.md, section "Linear probe").

In: a training plan and a head that can take a step. Out: the head after the plan's steps, whose
state is kept now and then. What a step computes is the head's: exact_head.py or torch_descent.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from biobench.errors import ModelError
from biobench.probe.checkpoint import Arrays, fits
from biobench.probe.training_plan import TrainingPlan, batches

PROGRESS_STEPS = 50
"""Steps between two calls of the progress function, which costs as much as a small task's step."""

Float32 = npt.NDArray[np.float32]
Batch = npt.NDArray[np.int64] | None
"""Row numbers, ascending; None for all rows."""


class Head(Protocol):
    """Parameters and their moments under training."""

    def step(self, number: int, batch: Batch, size: int) -> bool:
        """Take step ``number`` on a batch of ``size`` rows; False where its rate is 0 in float32,
        so that it would move nothing."""
        ...

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """All that the next step depends on but its number."""
        ...

    def restore(self, state: Arrays, steps: int) -> None:
        """Take up a state that ``steps`` steps led to."""
        ...


def descend(head: Head, plan: TrainingPlan, rows: int) -> None:
    """Take ``plan.steps`` steps over the batches of ``rows`` rows.

    Steps whose rate is 0 in float32 move nothing, and as rates never rise none after them does:
    they are left out. Where the plan has a checkpoint, the steps go on from its state; they save
    one now and then, and when they are interrupted.
    """
    done = told = _resume(head, plan)
    # Whether the parameters are those after ``done`` steps.
    settled = True
    try:
        for number, (batch, size) in enumerate(schedule(plan, rows, done), done):
            settled = False
            moved = head.step(number, batch, size)
            if not moved:
                break
            done = number + 1
            settled = True
            if plan.progress is not None and done - told >= PROGRESS_STEPS:
                plan.progress(done - told)
                told = done
            if plan.checkpoint is not None and plan.checkpoint.due():
                plan.checkpoint.save(_stored(head, done))
    except BaseException as error:
        interrupted = not isinstance(error, Exception)
        if interrupted and settled and done and plan.checkpoint is not None:
            plan.checkpoint.save(_stored(head, done))
        raise
    if plan.progress is not None and plan.steps > told:
        plan.progress(plan.steps - told)


def _stored(head: Head, steps: int) -> dict[str, npt.NDArray[Any]]:
    return {**head.state(), "step": np.array([steps], np.int64)}


def _resume(head: Head, plan: TrainingPlan) -> int:
    """The first step that is left to do."""
    state = None if plan.checkpoint is None else plan.checkpoint.load()
    if plan.checkpoint is None or state is None:
        return 0
    step = 0
    if fits(state, _stored(head, 0)) and 0 < state["step"][0] <= plan.steps:
        step = int(state["step"][0])
        head.restore({name: values for name, values in state.items() if name != "step"}, step)
    plan.checkpoint.resume(step)
    return step


def schedule(plan: TrainingPlan, rows: int, first: int = 0) -> Iterator[tuple[Batch, int]]:
    """The batch of each step from ``first`` on and its size; a batch of all rows is None."""
    epoch, skipped = divmod(first, -(-rows // plan.batch_size))
    done = first
    while done < plan.steps:
        epoch_batches = batches(plan.seed, plan.stream, rows, plan.batch_size, epoch)
        for batch in epoch_batches[skipped:]:
            if done == plan.steps:
                return
            yield None if len(batch) == rows else batch, len(batch)
            done += 1
        epoch, skipped = epoch + 1, 0


def check_finite(name: str, *parameters: Float32) -> None:
    """Raise ModelError unless all parameters are finite."""
    if not all(np.isfinite(values).all() for values in parameters):
        raise ModelError(
            f"the {name} left the finite numbers while training",
            remedy="check the constants of the protocol and the features",
        )
