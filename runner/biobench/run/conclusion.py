"""The result of a run, from the tasks that were scored.

In: outcomes of tasks, and the context that they were scored in. Out: the document of the result
(SPEC.md, section "Results") with what it was made by.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from biobench._common.text import as_text
from biobench.report.results import Results
from biobench.repro import torch_state, variables
from biobench.run.context import Context

if TYPE_CHECKING:
    from biobench.report.outcome import TaskOutcome


def conclude(outcomes: Sequence[TaskOutcome], size: int | None, context: Context) -> Results:
    """Build the result of the tasks that were scored at a size of the train split."""
    from biobench.report.document import assemble
    from biobench.report.outcome import Provenance

    selection = context.plan.selection
    # The clock of one of several models has the time of the others too.
    alone = context.options.folder is None
    wall = time.perf_counter() - context.clock if alone else sum(o.wall for o in outcomes)
    at_first = context.execution.engine["torch"]
    by_torch = context.backbone.info.program is None
    states = [at_first, *(outcome.torch_state for outcome in outcomes)]
    state = torch_state.merged(states, in_run=by_torch)
    provenance = Provenance(
        spec=context.plan.spec,
        suite=selection.suite,
        tasks=tuple(outcome.task for outcome in outcomes),
        own=selection.own,
        external=selection.declared,
        backbone=context.backbone,
        execution=context.execution,
        division=context.options.division,
        n_train=size,
        differences=tuple(context.plan.differences) if size is None else (),
        bits_fixed=not variables.recorded() and not torch_state.altered(state, in_run=by_torch),
        torch_state=state,
        started=context.started,
        wall=wall,
        argv=tuple(map(as_text, sys.argv)),
    )
    return assemble(outcomes, provenance)
