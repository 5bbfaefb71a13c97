"""The choice between the exact engine and torch for the features of a run.

In: a loaded backbone and the options. Out: the backbone that is run, and one line that says what
computes its features and which level they have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from biobench.errors import ModelError, UsageError
from biobench.repro import torch_state, variables
from biobench.run.options import Options, say, select_device

if TYPE_CHECKING:
    from biobench._common.store import Store
    from biobench.models.base import Backbone


def choose_engine(backbone: Backbone, options: Options, store: Store) -> tuple[Backbone, str]:
    """The backbone as it is run, and the line about it.

    The exact engine is taken on the CPU where it carries the model. A caller's own code is run as
    it is unless the engine is asked for: its program would be that of one trace.

    Raises:
        UsageError: The model is a program, which only the exact engine runs.
        ModelError: The exact engine is asked for and does not carry the model.
    """
    from biobench.models.exact_backbone import exact_backbone

    name = backbone.info.name
    if backbone.info.program is not None:
        if options.engine == "torch" or options.device == "cuda":
            raise UsageError(
                "a program is run by the exact engine, on the CPU",
                where=f"model {name!r}",
                remedy="leave out --engine torch and --device cuda",
            )
        if options.precision != "float32":
            raise UsageError(
                f"a program computes in float32, not in {options.precision}",
                where=f"model {name!r}",
                remedy="leave out --precision",
            )
        return backbone, _exact_line(name)
    device = select_device(options)
    if device == "cuda":
        reason = "it runs on the GPU"
    elif options.engine == "torch":
        reason = "as asked"
    elif options.precision != "float32":
        reason = f"--precision {options.precision}"
    elif options.engine == "auto" and not backbone.info.trusted:
        reason = "it is the caller's own code"
    else:
        try:
            found = exact_backbone(backbone, store, lambda line: say(options, line))
            return found, _exact_line(name)
        except ModelError as error:
            if options.engine == "exact":
                raise
            reason = error.what
    return backbone, f"model {name!r}: torch computes its features, {_level()}: {reason}"


def _level() -> str:
    """The level of what torch computes in this process, with what stands against level E."""
    altered = torch_state.altered(torch_state.read_state(), in_run=False)
    against = [f"{name}={value}" for name, value in {**variables.recorded(), **altered}.items()]
    return f"level T, because of {', '.join(against)}" if against else "level E"


def _exact_line(name: str) -> str:
    return f"model {name!r}: the exact engine computes its features, level F"
