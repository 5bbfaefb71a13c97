"""The call that does what ``biobench run`` does."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from biobench.errors import UsageError
from biobench.pipeline import Options, run
from biobench.report.results import Results

if TYPE_CHECKING:
    from biobench.models.base import Backbone
    from biobench.spec.documents import Division


def evaluate(
    model: str | Backbone,
    tasks: str | Sequence[str] | None = None,
    *,
    suite: str | None = None,
    data: str | Path | None = None,
    device: str = "auto",
    division: Division = "official",
    out: str | Path | None = None,
) -> Results:
    """Score a frozen backbone on tasks and return the result.

    model: a name as on the command line, or a backbone (see biobench.models.base.Backbone).
    tasks: one task id or file, or several; suite: a suite instead. data: the folder that holds the
    data sets, by default that of BIOBENCH_DATA. out: where to write results.json, predictions and
    the page; no result is written where it is null. Features are kept in the store of
    BIOBENCH_STORE, by default in the user's cache folder.

    In a process where the settings of level E2 were not in the environment from the start the
    features claim level T, and the result says so. Raises the errors of biobench.errors.
    """
    if tasks is not None and suite is not None:
        raise UsageError("tasks and suite exclude each other", remedy="give one of them")
    if not isinstance(model, str) and not hasattr(model, "embed"):
        raise UsageError(
            f"model is {type(model).__name__}", remedy="give a name or a backbone with embed()"
        )
    return run(
        Options(
            model=model,
            suite=suite,
            tasks=(tasks,) if isinstance(tasks, str) else tuple(tasks or ()),
            data=_data_folder(data),
            device=device,
            division=division,
            out=Path(out) if out is not None else None,
            save=out is not None,
            quiet=True,
        )
    )


def _data_folder(data: str | Path | None) -> Path | None:
    named = data if data is not None else os.environ.get("BIOBENCH_DATA")
    return Path(named) if named else None
