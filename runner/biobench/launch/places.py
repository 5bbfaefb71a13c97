"""The folders of what a plan names, for workers that see no others.

In: a plan. Out: where its own tasks and its local models lie.
"""

from __future__ import annotations

from pathlib import Path

from biobench.models.names import parse_name
from biobench.spec.load import load_spec
from biobench.work.document import WorkPlan


def places_of(plan: WorkPlan) -> tuple[Path, ...]:
    """The folders of its task files and local models, sorted, each once.

    Raises:
        ModelError: The name of a model is malformed, or unknown here.
    """
    found = {Path(name).parent for name in plan.names if Path(name).is_absolute()}
    entries = load_spec().models
    for model in plan.models:
        name = parse_name(model.model, entries)
        # A plan has whole paths; one that a list of models has is not of this machine.
        if name.kind in ("folder", "file") and Path(name.target).is_absolute():
            path = Path(name.target)
            found.add(path.parent if name.kind == "file" else path)
    return tuple(sorted(found))
