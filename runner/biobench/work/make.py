"""From the options of a run to a plan in parts, and back.

In: options of each model. Out: a plan without a model loaded; or, of a plan, what a run has before
its first image, with the check that the data are those of the plan.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt

from biobench.data.manifest import Manifest
from biobench.data.sample import kept_rows
from biobench.errors import BiobenchError, DataError, ModelError, UsageError
from biobench.models.names import is_program, with_absolute_path
from biobench.run.external_scores import Declaration
from biobench.run.options import Options
from biobench.run.plan import Plan, plan_models
from biobench.spec.documents import Task
from biobench.spec.load import load_spec
from biobench.work.document import PlannedModel, PlannedTask, WorkPlan
from biobench.work.slices import SIZE, alignment, slices


@dataclass(frozen=True)
class Prepared:
    """A plan with what a run of each model has before its model is loaded."""

    plan: WorkPlan
    runs: tuple[Plan, ...]


def make_plan(models: Sequence[Options], *, size: int = SIZE) -> Prepared:
    """Plan a run of models on the tasks that their options name.

    Args:
        models: Options that differ in ``model``, ``precision`` and ``folder``, with a folder each.
        size: Images of a part.

    Raises:
        BiobenchError: As :func:`biobench.pipeline.run`, for the first model or task that cannot be
            scored.
    """
    # The folder of the result is that of `work`, which may begin in another one.
    runs = _runs([replace(_with_absolute_path(options), save=False) for options in models])
    return Prepared(planned(runs, size=size), runs)


def planned(runs: Sequence[Plan], *, size: int = SIZE) -> WorkPlan:
    """The plan of runs of several models on the same tasks."""
    first, options = runs[0], runs[0].options
    by_item = options.engine == "exact" or all(is_program(run.options.model) for run in runs)
    aligned = alignment(first.selection.suite, by_item=by_item, device=options.device)
    tasks = [
        _task(located.task, manifest, wanted_rows(first, place), size, aligned)
        for place, (located, manifest) in enumerate(
            zip(first.selection.selected, first.manifests, strict=True)
        )
    ]
    return WorkPlan(
        biobench=version("biobench"),
        spec=first.spec.digest,
        options={
            "suite": options.suite,
            "engine": options.engine,
            "device": options.device,
            "division": options.division,
            "n_train": options.n_train,
            "on_bad_image": options.on_bad_image,
            "declare": [vars(declaration) for declaration in options.declare],
        },
        models=tuple(
            PlannedModel(run.options.model_name, run.options.precision, run.options.folder or "")
            for run in runs
        ),
        tasks=tuple(tasks),
        data=None if options.data is None else str(options.data.absolute()),
        names=tuple(_absolute(name) for name in options.tasks),
    )


def prepare_work(
    plan: WorkPlan,
    *,
    data: Path | None,
    store: Path,
    out: Path,
    workers: int | None,
    offline: bool,
    pictures: bool,
) -> Prepared:
    """The runs of a plan on this host.

    Args:
        plan: The plan.
        data: Folder of the data here; None for that of the plan.
        store: Folder of the shared store.
        out: Folder of the results.
        workers: Micro-batches side by side.
        offline: Never ask a hub.
        pictures: Have pictures on the pages.

    Raises:
        UsageError: This is another specification.
        DataError: The data are not those that the plan was made of.
    """
    given = plan.options
    options = [
        Options(
            model=model.model,
            precision=model.precision,
            folder=model.folder,
            suite=given["suite"],
            tasks=plan.names,
            data=data or (None if plan.data is None else Path(plan.data)),
            out=out,
            store=store,
            engine=given["engine"],
            device=given["device"],
            division=given["division"],
            n_train=given["n_train"],
            on_bad_image=given["on_bad_image"],
            declare=tuple(Declaration(**entry) for entry in given["declare"]),
            workers=workers,
            offline=offline,
            pictures=pictures,
            save=False,
            from_command=True,
        )
        for model in plan.models
    ]
    runs = _runs(options)
    if runs[0].spec.digest != plan.spec:
        raise UsageError(
            "was made with another specification than the one here",
            where="the plan",
            remedy="use one version for a plan and its workers, or make the plan again",
        )
    _require_same(plan, runs[0])
    return Prepared(plan, runs)


def _require_same(plan: WorkPlan, run: Plan) -> None:
    """Raise DataError where tasks or manifests are not those of the plan."""
    found = {
        located.task.id: (manifest, located)
        for located, manifest in zip(run.selection.selected, run.manifests, strict=True)
    }
    wanted = [task.task for task in plan.tasks]
    if list(found) != wanted:
        raise DataError(
            f"the tasks with data are {', '.join(found)}, and the plan has {', '.join(wanted)}",
            remedy="restore the data, or make the plan again",
        )
    for task in plan.tasks:
        manifest, located = found[task.task]
        if (manifest.digest, located.task.version) != (task.manifest, task.version):
            raise DataError(
                f"the data of {task.task} have changed since the plan was made: its manifest has "
                "another digest",
                where=str(located.root),
                remedy="restore the data, or make the plan again",
            )


def _runs(models: Sequence[Options]) -> tuple[Plan, ...]:
    sizes = (models[0].n_train,)
    made = plan_models(models, sizes)
    runs = [run for run in made if isinstance(run, Plan)]
    errors: list[BiobenchError] = [run for run in made if not isinstance(run, Plan)]
    errors += [error for run in runs[:1] for _, error in run.failed]
    if errors:
        raise errors[0]
    return tuple(runs)


def wanted_rows(run: Plan, place: int) -> npt.NDArray[np.bool_] | None:
    """The rows that a run embeds of its task at ``place``, bool (rows,); None for all."""
    task, manifest = run.selection.selected[place].task, run.manifests[place]
    sizes = run.sizes_of(task.id)
    if None in sizes:
        return None
    samples = [kept_rows(task, manifest, size) for size in sizes if size is not None]
    wanted = np.zeros(len(manifest.rows), np.bool_)
    for sample in samples:
        wanted |= sample
    return wanted


def _task(
    task: Task, manifest: Manifest, wanted: npt.NDArray[np.bool_] | None, size: int, aligned: int
) -> PlannedTask:
    cut = slices(manifest, size, aligned, wanted)
    return PlannedTask(task.id, task.version, manifest.digest, len(manifest.rows), tuple(cut))


def _with_absolute_path(options: Options) -> Options:
    if not isinstance(options.model, str):
        return options
    try:
        return replace(options, model=with_absolute_path(options.model, load_spec().models))
    except ModelError:
        return options  # for the plan of the run to say


def _absolute(name: str) -> str:
    return os.path.abspath(name) if Path(name).suffix == ".yaml" else name
