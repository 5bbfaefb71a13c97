"""Several models of one run: their options, what is loaded at a time, and their outcomes.

In: plans of several models. Out: loaded models in sets that fit into memory, and of each set those
that share a recipe.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from biobench._common.memory import available_memory
from biobench.run.context import Context, fitted, load
from biobench.run.failures import Failures
from biobench.run.options import Options, say
from biobench.run.plan import Plan

if TYPE_CHECKING:
    from biobench.report.curve import Curve
    from biobench.report.outcome import TaskOutcome
    from biobench.report.results import Results

SHARE_OF_MEMORY = 2
"""One part in so many of the free memory is filled with weights and features of models that are
loaded at a time; the rest is for pixels, activations and probes."""
BYTES = 4
"""Of a float32."""


@dataclass(frozen=True)
class Speed:
    """The forward passes of a model in this run.

    Attributes:
        images: Images that its results are of.
        computed: Images that were embedded in this run; the store had the others. More than
            ``images`` where some were embedded again, once those that cannot be read were left out.
        seconds: Time of their passes, with the time that these waited for pixels.
    """

    images: int
    computed: int
    seconds: float

    @property
    def images_per_s(self) -> float | None:
        """Images a second; None where the store had all of them."""
        return self.computed / self.seconds if self.computed and self.seconds else None


@dataclass(frozen=True)
class ModelRun:
    """The outcome of one of several models.

    Attributes:
        results: None where no task was scored.
        error: The first error, None where every task was scored.
        speed: None of a learning curve.
        curve: Its learning curve, in place of ``results``, where several sizes are asked for.
    """

    options: Options
    results: Results | None
    error: Exception | None
    speed: Speed | None = None
    curve: Curve | None = None

    @property
    def folder(self) -> Path | None:
        """The folder that its result or curve was written to, None where it was not."""
        written = self.results or self.curve
        return None if written is None else written.folder


def speed_of(outcomes: Sequence[TaskOutcome]) -> Speed:
    """The speed of a model over its scored tasks."""
    return Speed(
        sum(len(outcome.manifest.rows) for outcome in outcomes),
        sum(outcome.computed for outcome in outcomes),
        sum(o.stages["decode"] + o.stages["embed"] for o in outcomes),
    )


def names_of(runs: Sequence[ModelRun]) -> list[str]:
    """A name for each model that no other of them has: the recorded one of a curve, else the one
    that was given; of models that share it the names of their folders."""
    names = [
        run.options.model_name if run.curve is None else run.curve.document["model"]["name"]
        for run in runs
    ]
    return [
        name if names.count(name) == 1 else str(run.options.folder)
        for name, run in zip(names, runs, strict=True)
    ]


def failed(options: Options, error: Exception) -> ModelRun:
    """The outcome of a model without a score; prints a note that the others go on."""
    # Frames hold the model, which else stays in memory as long as its error. That of the caller
    # cannot be cleared, since it runs.
    error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
    link: BaseException | None = error
    while link is not None:
        traceback.clear_frames(link.__traceback__)
        link = link.__cause__ or link.__context__
    quiet = options.quiet and not options.from_command
    line = f"model {options.model_name!r} is not scored, the run goes on: {Failures.reason(error)}"
    say(replace(options, quiet=quiet), line)
    return ModelRun(options, None, error)


def load_in_turn(
    plans: Mapping[int, Plan], runs: dict[int, ModelRun]
) -> Iterator[dict[int, Context]]:
    """Load models in their order, as many at a time as half of the free memory holds.

    Args:
        plans: The plans by number.
        runs: Gets the outcome of each model that cannot be loaded.
    """
    loaded: dict[int, Context] = {}
    used = room = 0
    for i, made in plans.items():
        try:
            context, chosen = load(made, datetime.now(UTC), time.perf_counter())
        except Exception as error:  # noqa: BLE001 - the others go on
            runs[i] = failed(made.options, error)
            continue
        say(made.options, chosen)
        need = _bytes_of(context)
        if loaded and used + need > room:
            loaded = _fitted(loaded, runs)
            yield loaded
            loaded, used = {}, 0
        if not loaded:
            room = _free_memory(context.execution.device) // SHARE_OF_MEMORY
        loaded[i] = context
        used += need
        del context
    if loaded:
        loaded = _fitted(loaded, runs)
        yield loaded


def _fitted(loaded: dict[int, Context], runs: dict[int, ModelRun]) -> dict[int, Context]:
    """Those of the loaded models that memory has room for beside each other, with micro-batches
    that do not take more."""
    # All weights first: passes run one after the other, and have what those leave.
    for step in (_placed, fitted):
        found: dict[int, Context] = {}
        for i, context in loaded.items():
            try:
                found[i] = step(context)
            except Exception as error:  # noqa: BLE001 - the others go on
                runs[i] = failed(context.options, error)
        loaded = found
    return loaded


def _placed(context: Context) -> Context:
    """The context with its weights on the device."""
    context.backbone.to(context.execution.device)
    return context


def by_recipe(loaded: dict[int, Context]) -> Iterator[dict[int, Context]]:
    """Take out of ``loaded`` the models that can share pixels, one set after the other."""
    while loaded:
        shared = _shared(next(iter(loaded.values())))
        same = [i for i, context in loaded.items() if _shared(context) == shared]
        yield {i: loaded.pop(i) for i in same}


def _shared(context: Context) -> tuple[str, str, int]:
    execution = context.execution
    return context.backbone.recipe.digest, execution.device, execution.micro_batch


def _bytes_of(context: Context) -> int:
    """Bytes of a model's weights, and of its features of the largest task."""
    info = context.backbone.info
    rows = max((len(manifest.rows) for manifest in context.plan.manifests), default=0)
    return BYTES * (info.parameters + rows * info.dim)


def _free_memory(device: str) -> int:
    if device != "cuda":
        return available_memory()
    import torch

    return min(available_memory(), int(torch.cuda.mem_get_info()[0]))
