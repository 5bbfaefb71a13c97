"""The tasks that a run scores, and the folders of their data (SPEC.md, section "Suites").

In: the names that the user gave and the folder of data. Out: tasks with folders, and the absent
ones.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from biobench._common.files import is_process_substitution
from biobench.data.class_folders.task_file import TaskFiles
from biobench.data.hints import setup_commands
from biobench.data.locate import LocatedTask, locate
from biobench.data.sample import can_be_sampled, no_train_split
from biobench.errors import DataError, UsageError
from biobench.report.outcome import ExternalScore
from biobench.run.external_scores import resolve_declarations
from biobench.run.learning_curve import Sizes
from biobench.run.options import Options
from biobench.spec.documents import BENCHMARK, Division, Suite, Task
from biobench.spec.load import Spec, task_from_file

DEMO = "demo"
NO_TRAIN_SPLIT = "there is no train split to sample"
_SOURCES = {
    "ok": "",
    "gone": "their public host is gone, so a copy is needed",
    "gated": "they are given on request only",
    "manual": "they have to be made ready by hand, as the notes of the data set say",
}
"""The first hint for a person without the data, by the status of the data set."""


@dataclass(frozen=True)
class OwnFiles:
    """A task that this run writes beside its result.

    Attributes:
        files: Its file and table.
        left_out: Path -> reason of images that the headers showed to be unreadable.
        more_formats: Formats of its images beyond those of the specification.
    """

    files: TaskFiles
    left_out: Mapping[str, str]
    more_formats: tuple[str, ...]


@dataclass(frozen=True)
class Selection:
    """The tasks to score.

    Attributes:
        absent: Tasks of the suite that have no score.
        notes: Lines for people.
        declared: Tasks whose published score stands in for running them.
        unlocated: Tasks that were asked for, by name or with their suite, whose data are not there.
        named: Ids of ``selected`` and ``unlocated`` in one order: that of the suite, or that in
            which own tasks were named.
        written: The one task, where this run makes it of class folders.
    """

    suite: Suite
    selected: tuple[LocatedTask, ...]
    absent: tuple[str, ...]
    own: bool = False
    notes: tuple[str, ...] = ()
    declared: tuple[ExternalScore, ...] = ()
    unlocated: tuple[tuple[Task, DataError], ...] = ()
    named: tuple[str, ...] = ()
    written: OwnFiles | None = None

    @property
    def whole(self) -> bool:
        """True where exactly the members of the suite are scored, in its order: then it has a
        mean."""
        return tuple(item.task.id for item in self.selected) == self.suite.members


def select(
    spec: Spec,
    *,
    suite: str | None,
    tasks: tuple[str, ...],
    data: Path | None,
    division: Division,
    declared: tuple[ExternalScore, ...] = (),
) -> Selection:
    """Choose tasks to score.

    Tasks that are asked for must have data, by name or with their suite; where some have, the
    others are in ``unlocated``. Without a name, those are selected that have data; with no data at
    all (no folder named, or an empty one), the embedded demo suite. A declared task is not run and
    needs no data.

    Raises:
        UsageError: A name is unknown, a task is both named and declared, the suite lacks a declared
            task, or all tasks are declared.
        DataError: No task that is asked for has its data.
    """
    declared_ids = tuple(item.task.id for item in declared)
    for name in tasks:
        if name in declared_ids:
            raise UsageError(
                f"task {name} is named and declared", remedy="leave one of --task and --declare out"
            )
    selection = _select(spec, suite, tasks, data, division, declared_ids)
    # The benchmark may have declared scores beside it; another suite has its own tasks alone.
    for name in declared_ids if selection.suite.id != BENCHMARK else ():
        if name not in selection.suite.members:
            having = [suite.id for suite in spec.suites.values() if name in suite.members]
            raise UsageError(
                f"the suite {selection.suite.id} has no task {name}",
                where=f"--declare {name}",
                remedy=f"declare it with --suite {' or '.join([*having, BENCHMARK])}",
            )
    if not selection.selected:
        raise UsageError(
            "all tasks are declared, so there is nothing to run", remedy="name a task to run"
        )
    absent = tuple(member for member in selection.absent if member not in declared_ids)
    return replace(selection, absent=absent, declared=declared)


def leave_out(selection: Selection, ids: Collection[str], note: str | None = None) -> Selection:
    """Return ``selection`` without some of its tasks, which then count as absent; ``note``: for
    people."""
    return replace(
        selection,
        selected=tuple(item for item in selection.selected if item.task.id not in ids),
        absent=tuple(
            member
            for member in selection.suite.members
            if member in selection.absent or member in ids
        ),
        notes=(*selection.notes, *([note] if note else [])),
    )


def select_sampled(spec: Spec, options: Options, sizes: Sizes) -> Selection:
    """The tasks that the options choose, without those that have no form at the sizes asked for.

    Raises:
        BiobenchError: As :func:`select`.
        UsageError: A named task, or every one, has no such form, or a score is declared at a size
            that its publication does not have.
    """
    selection = select(
        spec,
        suite=options.suite,
        tasks=options.tasks,
        data=options.data,
        division=options.division,
        declared=resolve_declarations(spec, options.declare, options.division),
    )
    few_shot = any(size is not None for size in sizes)
    if few_shot and options.declare:
        raise UsageError(
            "a published score is that of the whole train split",
            remedy="give --declare without --n-train",
        )
    unsampled = [c.task for c in selection.selected if not can_be_sampled(c.task)]
    if not few_shot or not unsampled:
        return selection
    if options.tasks:
        # A named task that cannot be scored is an error; of a suite the others are scored.
        raise no_train_split(unsampled[0])
    if None in sizes:
        return selection
    ids = [task.id for task in unsampled]
    if len(ids) == len(selection.selected):
        raise no_train_split(unsampled[0])
    note = f"left out, because {NO_TRAIN_SPLIT}: {', '.join(ids)}"
    return leave_out(selection, ids, note)


def _select(
    spec: Spec,
    suite: str | None,
    tasks: tuple[str, ...],
    data: Path | None,
    division: Division,
    declared: Sequence[str],
) -> Selection:
    if tasks:
        return _named_tasks(spec, tasks, data, division)
    if suite is not None:
        return _whole_suite(spec, _suite(spec, suite), data, division, declared)
    benchmark = _suite(spec, BENCHMARK)
    found = _present(spec, benchmark, data, division)
    if found.selected:
        missing = (f"data of these tasks are not there: {', '.join(found.absent)}",)
        return replace(found, notes=missing if found.absent else ())
    if data is not None and any(data.iterdir()):
        raise DataError(
            "found no data set of the benchmark",
            where=str(data),
            remedy=f"expected a folder named like one of {', '.join(benchmark.tasks)}",
        )
    demo = _whole_suite(spec, _suite(spec, DEMO), None, division)
    where = f"{data} is empty" if data is not None else "no data were named"
    note = f"{where}: running the embedded demo suite, which proves an installation, not a model"
    return replace(demo, notes=(note,))


def _suite(spec: Spec, name: str) -> Suite:
    if name in spec.suites:
        return spec.suites[name]
    raise UsageError(
        f"there is no suite {name!r}", remedy=f"the suites are {', '.join(spec.suites)}"
    )


def _named_tasks(
    spec: Spec, names: tuple[str, ...], data: Path | None, division: Division
) -> Selection:
    tasks, own = [], False
    for name in names:
        if _is_file(name, spec):
            if division == "compat":
                raise UsageError(
                    f"{name}: a task of your own has no division compat",
                    remedy="leave --division out",
                )
            if not Path(name).exists():
                raise UsageError("the task file is not there", where=name, remedy="check the path")
            tasks.append(task_from_file(Path(name), spec))
            own = True
        elif name in spec.task_ids():
            tasks.append(spec.task(name, division))
        else:
            near = difflib.get_close_matches(name, spec.task_ids(), n=3, cutoff=0.5)
            hint = f"did you mean {', '.join(near)}?" if near else "see `biobench data list`"
            raise UsageError(f"there is no task {name!r}", remedy=hint)
    ids = [task.id for task in tasks]
    if len(set(ids)) < len(ids):
        raise UsageError(f"a task is named twice: {', '.join(ids)}", remedy="name each once")
    selected, unlocated = _located(tasks, data)
    there = [item.task.id for item in selected]
    # Named tasks belong to the suite that holds all of them, and are scored in its order.
    for suite in spec.suites.values():
        if not own and set(ids) <= set(suite.tasks):
            ordered = tuple(sorted(selected, key=lambda item: suite.tasks.index(item.task.id)))
            absent = tuple(member for member in suite.members if member not in there)
            named = tuple(member for member in suite.tasks if member in ids)
            return Selection(suite, ordered, absent, unlocated=unlocated, named=named)
    benchmark = spec.suites[BENCHMARK]
    absent = tuple(member for member in benchmark.members if member not in there)
    return Selection(benchmark, selected, absent, own=own, unlocated=unlocated, named=tuple(ids))


def _is_file(name: str, spec: Spec) -> bool:
    """True where a --task names a file of the user's own; raises UsageError where it cannot be
    one."""
    path = Path(name)
    if path.suffix == ".yaml" or is_process_substitution(path):
        return True
    if "/" in name or (name not in spec.task_ids() and (path.suffix or path.exists())):
        raise UsageError(
            "a task file ends in .yaml", where=name, remedy="give the file of the task"
        )
    return False


def _whole_suite(
    spec: Spec,
    suite: Suite,
    data: Path | None,
    division: Division,
    declared: Sequence[str] = (),
) -> Selection:
    asked = [spec.task(task, division) for task in suite.tasks if task not in declared]
    selected, unlocated = _located(asked, data, only_task=False)
    unwritten = [member for member in suite.members if member not in suite.tasks]
    lost = {task.id for task, _ in unlocated}
    absent = tuple(member for member in suite.members if member in lost or member in unwritten)
    notes = (
        (f"the specification has no document yet for {', '.join(unwritten)}",) if unwritten else ()
    )
    named = tuple(task.id for task in asked)
    return Selection(suite, selected, absent, notes=notes, unlocated=unlocated, named=named)


def _present(spec: Spec, suite: Suite, data: Path | None, division: Division) -> Selection:
    selected, absent = [], []
    for member in suite.members:
        root = None
        if member in suite.tasks and data is not None:
            task = spec.task(member, division)
            root = locate(task, data)
        if root is None:
            absent.append(member)
        else:
            selected.append(LocatedTask(task, root))
    named = tuple(item.task.id for item in selected)
    return Selection(suite, tuple(selected), tuple(absent), named=named)


def _located(
    tasks: Sequence[Task], data: Path | None, *, only_task: bool | None = None
) -> tuple[tuple[LocatedTask, ...], tuple[tuple[Task, DataError], ...]]:
    """The tasks whose data are there, and the errors of the others; raises DataError where no data
    are there."""
    located, lost = [], []
    alone = len(tasks) == 1 if only_task is None else only_task
    for task in tasks:
        try:
            located.append(_must_locate(task, data, only_task=alone))
        except DataError as error:
            lost.append((task, error))
    if lost and not located:
        raise lost[0][1]
    return tuple(located), tuple(lost)


def _must_locate(task: Task, data: Path | None, *, only_task: bool) -> LocatedTask:
    root = locate(task, data, only_task=only_task)
    if root is None:
        own = task.division == "open"
        source = "" if own else _SOURCES[task.dataset.status]
        page = f" ({task.dataset.page})" if task.dataset.page else ""
        id = task.dataset.id
        remedy = f"give --data the folder that holds {id}/"
        if own and only_task:
            remedy += ", or the folder of its images itself"
        elif own and data is not None:
            remedy = f"with several tasks the data of {id} must lie in {data / id}"
        elif not own and task.dataset.status in ("ok", "manual"):
            remedy += f", or put it there: {setup_commands(task.dataset, data)}"
        raise DataError(
            f"the data of task {task.id}{page} are not there" + (f"; {source}" if source else ""),
            where=str(data) if data is not None else None,
            remedy=remedy,
        )
    return LocatedTask(task, root)
