"""Preconditions of tasks, checked before the first image is read.

In: tasks, their manifests and the sizes of the train split. Out: the tasks that can be scored, and
why others cannot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from biobench.data.manifest import Manifest
from biobench.data.sample import WITHOUT_SAMPLE, can_be_sampled, sample_train
from biobench.errors import DataError
from biobench.probe.preconditions import unmet_precondition
from biobench.run.learning_curve import Sizes
from biobench.run.options import Options
from biobench.run.selection import NO_TRAIN_SPLIT, Selection, leave_out
from biobench.spec.documents import Task

UnmetPreconditions = Mapping[str, Mapping[int | None, DataError]]
"""By task id and size, the reason why a task is not scored there."""


@dataclass(frozen=True)
class CheckedSelection:
    """The remaining selection: tasks with their manifests, refusals of protocols at some of the
    sizes, and the tasks that were asked for and cannot be scored at all."""

    selection: Selection
    manifests: tuple[Manifest, ...]
    unmet: UnmetPreconditions
    failed: tuple[tuple[Task, DataError], ...] = ()


def check_preconditions(
    selection: Selection, manifests: Sequence[Manifest], options: Options, sizes: Sizes
) -> CheckedSelection:
    """Leave out the tasks whose protocol refuses their train split, before an image is read.

    At a single few-shot size, tasks of a suite are left out with a note, since none was asked for
    by name. A task that is named, or scored on its whole train split, counts as failed.

    Raises:
        DataError: No task is left.
    """
    pairs = list(zip(selection.selected, manifests, strict=True))
    unmet = {item.task.id: _unmet(item.task, whole, sizes) for item, whole in pairs}
    lost = [item.task.id for item, _ in pairs if len(unmet[item.task.id]) == len(sizes)]
    if lost and len(lost) == len(pairs):
        raise next(iter(unmet[lost[0]].values()))
    if not lost or len(sizes) > 1:
        return CheckedSelection(selection, tuple(manifests), unmet)
    kept = tuple(manifest for item, manifest in pairs if item.task.id not in lost)
    if options.tasks or None in sizes:
        failed = tuple(
            (item.task, unmet[item.task.id][sizes[0]]) for item, _ in pairs if item.task.id in lost
        )
        return CheckedSelection(leave_out(selection, lost), kept, unmet, failed)
    reasons = {id: unmet[id][sizes[0]].what for id in lost}
    for reason in dict.fromkeys(reasons.values()):
        ids = [id for id in lost if reasons[id] == reason]
        selection = leave_out(selection, ids, f"left out, because {reason}: {', '.join(ids)}")
    return CheckedSelection(selection, kept, unmet)


def _unmet(task: Task, whole: Manifest, sizes: Sizes) -> dict[int | None, DataError]:
    """The errors of the task by size, as far as labels tell."""
    by_size: dict[int | None, DataError] = {}
    for size in sizes:
        if size is not None and not can_be_sampled(task):
            by_size[size] = DataError(NO_TRAIN_SPLIT, where=task.id, remedy=WITHOUT_SAMPLE)
            continue
        sample = whole if size is None else sample_train(task, whole, size)
        error = unmet_precondition(task, sample.items)
        if error is not None:
            by_size[size] = error
    return by_size
