"""Which tasks a run scores, and where their data lie (SPEC.md, section "Suites").

In: what the user named and the folder of data. Out: tasks with folders, and the absent ones.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from pathlib import Path

from biobench.data.locate import locate
from biobench.errors import DataError, UsageError
from biobench.spec.documents import Suite, Task
from biobench.spec.load import Spec, task_from_file

BENCHMARK = "biobench"
DEMO = "demo"


@dataclass(frozen=True)
class Chosen:
    """One task and the folder that its layout's paths are relative to."""

    task: Task
    root: Path


@dataclass(frozen=True)
class Selection:
    """Tasks to score. ``absent``: those of the suite that are not scored; ``notes``: for people."""

    suite: Suite
    chosen: tuple[Chosen, ...]
    absent: tuple[str, ...]
    own: bool
    notes: tuple[str, ...]


def select(
    spec: Spec, *, suite: str | None, tasks: tuple[str, ...], data: Path | None, division: str
) -> Selection:
    """Choose tasks by DESIGN of the command line: named tasks must be there; without a name, those
    whose data are there; with no data at all, the embedded demo suite.

    Raises UsageError for unknown names, DataError where named data are absent.
    """
    if tasks:
        return _named_tasks(spec, tasks, data, division)
    if suite is not None:
        return _whole_suite(spec, _suite(spec, suite), data, division)
    benchmark = _suite(spec, BENCHMARK)
    found = _present(spec, benchmark, data, division)
    if found.chosen:
        missing = (f"data of these tasks are not there: {', '.join(found.absent)}",)
        return replace(found, notes=missing if found.absent else ())
    demo = _whole_suite(spec, _suite(spec, DEMO), None, division)
    where = f"no data set of the benchmark in {data}" if data is not None else "no data were named"
    note = f"{where}: running the embedded demo suite, which proves an installation, not a model"
    return Selection(demo.suite, demo.chosen, demo.absent, False, (note,))


def _suite(spec: Spec, name: str) -> Suite:
    if name in spec.suites:
        return spec.suites[name]
    raise UsageError(
        f"there is no suite {name!r}", remedy=f"the suites are {', '.join(spec.suites)}"
    )


def _named_tasks(spec: Spec, names: tuple[str, ...], data: Path | None, division: str) -> Selection:
    tasks, own = [], False
    for name in names:
        if name.endswith((".yaml", ".yml")) or "/" in name:
            tasks.append(task_from_file(Path(name), spec, division))
            own = True
        elif name in spec.task_ids:
            tasks.append(spec.task(name, division))
        else:
            near = difflib.get_close_matches(name, spec.task_ids, n=3, cutoff=0.5)
            hint = f"did you mean {', '.join(near)}?" if near else "see `biobench data list`"
            raise UsageError(f"there is no task {name!r}", remedy=hint)
    ids = [task.id for task in tasks]
    if len(set(ids)) < len(ids):
        raise UsageError(f"a task is named twice: {', '.join(ids)}", remedy="name each once")
    chosen = tuple(_must_locate(task, data, only_task=len(tasks) == 1) for task in tasks)
    # One task list belongs to the suite that holds all of it, in the suite's order.
    for suite in spec.suites.values():
        if set(ids) <= set(suite.tasks):
            order = {task: i for i, task in enumerate(suite.tasks)}
            ordered = tuple(sorted(chosen, key=lambda item: order[item.task.id]))
            absent = tuple(task for task in suite.tasks if task not in ids)
            return Selection(suite, ordered, absent, own, ())
    return Selection(spec.suites[BENCHMARK], chosen, spec.suites[BENCHMARK].tasks, True, ())


def _whole_suite(spec: Spec, suite: Suite, data: Path | None, division: str) -> Selection:
    chosen = [
        _must_locate(spec.task(task, division), data, only_task=False)
        for task in suite.tasks
        if task in spec.task_ids
    ]
    absent = tuple(task for task in suite.tasks if task not in spec.task_ids)
    notes = (f"the specification has no document yet for: {', '.join(absent)}",) if absent else ()
    return Selection(suite, tuple(chosen), absent, False, notes)


def _present(spec: Spec, suite: Suite, data: Path | None, division: str) -> Selection:
    chosen, absent = [], []
    for name in suite.tasks:
        task = spec.task(name, division) if name in spec.task_ids else None
        there = task is not None and data is not None and data.is_dir()
        root = locate(task, data) if task is not None and there else None
        if task is not None and root is not None:
            chosen.append(Chosen(task, root))
        else:
            absent.append(name)
    return Selection(suite, tuple(chosen), tuple(absent), False, ())


def _must_locate(task: Task, data: Path | None, *, only_task: bool) -> Chosen:
    root = locate(task, data, only_task=only_task)
    if root is None:
        raise DataError(
            f"the data of task {task.id} are not there",
            where=str(data) if data is not None else None,
            remedy=f"give --data the folder that holds {task.dataset.id}/",
        )
    return Chosen(task, root)
