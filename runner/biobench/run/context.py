"""The context that the stages of a run share: plan, loaded model, store, and execution.

In: options. Out: a context; the model is loaded last, after the checks of the data.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from biobench._common.optional_dependencies import require_torch
from biobench.models.names import is_program
from biobench.repro import variables
from biobench.repro.environment import (
    available_cores,
    gpu_facts,
    processor_name,
    processor_type,
)
from biobench.run.learning_curve import Sizes
from biobench.run.options import Options, say, say_stage, select_device
from biobench.run.plan import Plan, plan
from biobench.spec.documents import Suite

if TYPE_CHECKING:
    from biobench._common.store import Store
    from biobench.data.file_hashes import ContentIndex
    from biobench.embed.features import Execution
    from biobench.models.base import Backbone


@dataclass(frozen=True)
class Context:
    """The context that all tasks of a run share.

    Attributes:
        clock: Value of ``time.perf_counter`` at the start of the run.
        compared_alone: Names of the model, once one image of the run was embedded without others.
        index: Digests of known files; None for those that the store keeps.
    """

    plan: Plan
    backbone: Backbone
    store: Store
    execution: Execution
    started: datetime
    clock: float
    compared_alone: set[str] = field(default_factory=set)
    index: ContentIndex | None = None

    @property
    def options(self) -> Options:
        """Options of the run."""
        return self.plan.options

    @property
    def suite(self) -> Suite:
        """The suite that is run."""
        return self.plan.selection.suite


def prepare(options: Options, sizes: Sizes | None = None) -> Context:
    """Make a plan and load its model.

    Raises:
        BiobenchError: UsageError, DataError, SpecError or ModelError, as the command line's exit
            codes say.
    """
    started, clock = datetime.now(UTC), time.perf_counter()
    if not is_program(options.model):
        require_torch()
    # Manifests first: a fault in the data shows before a model is fetched.
    made = plan(options, sizes)
    context, chosen = load(made, started, clock)
    context = fitted(context)
    # Last, so that an error before it is the only line.
    say_notes(made)
    say(options, chosen)
    return context


def load(plan: Plan, started: datetime, clock: float) -> tuple[Context, str]:
    """Load the model of a plan; returns the line about its engine too.

    Raises:
        BiobenchError: ModelError or UsageError.
    """
    from biobench._common.store import Store
    from biobench.models.load import load_model
    from biobench.models.recipes import check_sides
    from biobench.run.engine_choice import choose_engine

    options = plan.options
    say_stage(options, f"loading model {options.model_name!r}")
    if not is_program(options.model):
        require_torch()
    backbone = (
        load_model(
            options.model,
            plan.spec.models,
            offline=options.offline,
            feature="compat" if options.division == "compat" else "official",
        )
        if isinstance(options.model, str)
        else options.model
    )
    check_sides(backbone.recipe.size, backbone.recipe.crop)
    store = Store(plan.store, lambda line: say(options, line))
    backbone, chosen = choose_engine(backbone, options, store)
    execution = _execution(plan.selection.suite, options, backbone)
    return Context(plan, backbone, store, execution, started, clock), chosen


def fitted(context: Context) -> Context:
    """The context with a micro-batch that memory has room for, once all models of a run are loaded;
    prints a line where it is a smaller one.

    Raises:
        ModelError: Memory is too short for a single image, or the forward pass fails.
    """
    from biobench.embed.forward import set_up_torch
    from biobench.embed.micro_batch import fitting

    with set_up_torch([context.backbone]):
        execution = fitting(context.backbone, context.execution)
    if execution.micro_batch != context.execution.micro_batch:
        say(
            context.options,
            f"model {context.backbone.info.name!r}: memory is short: micro-batches of "
            f"{execution.micro_batch} images in place of {context.execution.micro_batch}, which "
            "the result states; fewer --workers, or fewer programs beside this one, leave more",
        )
    return replace(context, execution=execution)


def say_notes(plan: Plan) -> None:
    """Print the notes on the tasks of a plan."""
    for note in plan.notes:
        say(plan.options, note)
    for line in plan.differences if None in plan.sizes else ():
        say(plan.options, f"counts differ from the specification: {line}")


def _execution(suite: Suite, options: Options, backbone: Backbone) -> Execution:
    from biobench.embed.features import Execution
    from biobench.embed.micro_batch import possible

    device = "cpu" if backbone.info.program is not None else select_device(options)
    of_suite = suite.micro_batch_cuda if device == "cuda" else suite.micro_batch_cpu
    return Execution(
        device=device,
        precision=options.precision,
        micro_batch=options.micro_batch if options.micro_batch in possible(of_suite) else of_suite,
        workers=options.workers or available_cores(),
        engine=_libraries(device),
    )


def _libraries(device: str) -> dict[str, Any]:
    """All that can move a bit of what torch computes here."""
    from biobench.repro.software import MOVE_FEATURES, libc, record
    from biobench.repro.torch_state import altered, read_state

    versions, builds = record(device, MOVE_FEATURES)
    engine: dict[str, Any] = {
        "device": device,
        "packages": versions,
        "builds": builds,
        "libc": libc(),
        "variables": variables.recorded(),
        "torch": altered(read_state(), in_run=False),
    }
    if device == "cuda":
        return engine | gpu_facts()
    return engine | {"cpu": [processor_name(), processor_type()]}
