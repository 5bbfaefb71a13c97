"""The calls that do what ``biobench run`` does."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from biobench.errors import UsageError
from biobench.pipeline import run
from biobench.report.results import Results
from biobench.run.external_scores import Declaration
from biobench.run.options import Options

if TYPE_CHECKING:
    from biobench.models.base import Backbone
    from biobench.report.curve import Curve
    from biobench.spec.documents import Division


def evaluate(
    model: str | Backbone,
    tasks: str | Sequence[str] | None = None,
    *,
    suite: str | None = None,
    data: str | Path | None = None,
    engine: str = "auto",
    device: str = "auto",
    division: Division = "official",
    out: str | Path | None = None,
    n_train: int | None = None,
    declare: Mapping[str, tuple[float, str]] | None = None,
) -> Results:
    """Score a frozen backbone on tasks and return the result.

    The levels are those of the command: F where the exact engine computes the features, in any
    process; E where torch does, or T where torch or the environment was altered. Features are kept
    in the store of BIOBENCH_STORE, by default in the user's cache folder.

    Args:
        model: A name as on the command line, or a backbone (see
            :class:`biobench.models.base.Backbone`).
        tasks: One task id or file, or several.
        suite: A suite, instead of ``tasks``.
        data: The folder that holds the data sets; by default that of BIOBENCH_DATA.
        engine: ``exact``, ``torch``, or ``auto``: the exact engine where it carries the model and
            there is no GPU.
        device: ``auto``, ``cpu`` or ``cuda``.
        division: ``official`` or ``compat``.
        out: Folder for results.json, predictions and the page; None writes no result.
        n_train: Few-shot: training items a class (compat: in all); None for all.
        declare: By task id, the published score that stands in for running the task, as a fraction,
            and where it is published.

    Returns:
        The result of the tasks that could be scored.

    Raises:
        BiobenchError: One of the errors of :mod:`biobench.errors`.
    """
    declared = tuple(Declaration(task, *said) for task, said in (declare or {}).items())
    options = _options(model, tasks, suite, data, engine, device, division, out)
    return run(replace(options, n_train=n_train, declare=declared))


def learning_curve(
    model: str | Backbone,
    tasks: str | Sequence[str] | None = None,
    *,
    sizes: Sequence[int | None] = (1, 3, 10, 30, 100, None),
    suite: str | None = None,
    data: str | Path | None = None,
    engine: str = "auto",
    device: str = "auto",
    division: Division = "official",
    out: str | Path | None = None,
) -> Curve:
    """Score a frozen backbone at several sizes of the train split, embedding each task once.

    Args:
        model: A name or a backbone, as for :func:`evaluate`.
        tasks: One task id or file, or several.
        sizes: Training items a class (compat: in all); None for the whole train split.
        suite: A suite, instead of ``tasks``.
        data: The folder that holds the data sets; by default that of BIOBENCH_DATA.
        engine: ``exact``, ``torch``, or ``auto``: the exact engine where it carries the model and
            there is no GPU.
        device: ``auto``, ``cpu`` or ``cuda``.
        division: ``official`` or ``compat``.
        out: Folder for the results of the sizes, the curve and its page; None writes nothing.

    Returns:
        The curve. Where a task cannot be probed at a size, its cell has the reason instead of a
        score.

    Raises:
        BiobenchError: One of the errors of :mod:`biobench.errors`.
    """
    from biobench.pipeline import learning_curve as run_curve

    return run_curve(
        _options(model, tasks, suite, data, engine, device, division, out), tuple(sizes)
    )


def _options(
    model: str | Backbone,
    tasks: str | Sequence[str] | None,
    suite: str | None,
    data: str | Path | None,
    engine: str,
    device: str,
    division: Division,
    out: str | Path | None,
) -> Options:
    if tasks is not None and suite is not None:
        raise UsageError("tasks and suite exclude each other", remedy="give one of them")
    if not isinstance(model, str) and not hasattr(model, "embed"):
        raise UsageError(
            f"model is {type(model).__name__}", remedy="give a name or a backbone with embed()"
        )
    return Options(
        model=model,
        suite=suite,
        tasks=(tasks,) if isinstance(tasks, str) else tuple(tasks or ()),
        data=_data_folder(data),
        engine=engine,
        device=device,
        division=division,
        out=Path(out) if out is not None else None,
        save=out is not None,
        quiet=True,
    )


def _data_folder(data: str | Path | None) -> Path | None:
    named = data if data is not None else os.environ.get("BIOBENCH_DATA")
    return Path(named) if named else None
