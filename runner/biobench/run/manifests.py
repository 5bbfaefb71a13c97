"""The manifests of a run's tasks, and their differences from the specification.

In: located tasks. Out: a manifest each, or why there is none.
"""

from __future__ import annotations

from collections.abc import Sequence

from biobench.data.build import build_manifest
from biobench.data.counts import count_differences
from biobench.data.manifest import Manifest
from biobench.errors import DataError
from biobench.run.selection import Selection, leave_out
from biobench.spec.documents import Task


def read_manifests(
    selection: Selection,
) -> tuple[Selection, tuple[Manifest, ...], tuple[tuple[Task, DataError], ...]]:
    """The tasks that have a manifest, their manifests, and the errors of the others; raises
    DataError where no task has one."""
    manifests: list[Manifest] = []
    unreadable: list[tuple[Task, DataError]] = []
    for selected in selection.selected:
        try:
            manifests.append(build_manifest(selected.task, selected.root, selection.suite.seed))
        except DataError as error:
            unreadable.append((selected.task, error))
    if unreadable and not manifests:
        raise unreadable[0][1]
    readable = leave_out(selection, [task.id for task, _ in unreadable])
    return readable, tuple(manifests), tuple(unreadable)


def count_lines(selection: Selection, manifests: Sequence[Manifest]) -> list[str]:
    """Counts of the whole manifests that differ from those of the specification, one line each."""
    return [
        line
        for item, manifest in zip(selection.selected, manifests, strict=True)
        for line in count_differences(item.task, manifest)
    ]
