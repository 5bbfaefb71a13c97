"""Preconditions of a protocol on a train split, as far as labels tell (SPEC.md, section
"Protocols").

In: a task and the items of its manifest, or of a sample of it. Out: the error that its probe would
end with, before an image is embedded for it. Errors that depend on features are left to the probe.
"""

from __future__ import annotations

from biobench.data.manifest import Manifest
from biobench.errors import DataError
from biobench.probe.minimum_items import scored_items, training_items
from biobench.probe.registry import PROTOCOLS
from biobench.spec.documents import Task


def unmet_precondition(task: Task, items: Manifest) -> DataError | None:
    """The error of the task's protocol on these items, whatever their features are.

    Args:
        task: The task.
        items: A manifest whose rows are items.

    Returns:
        The error that the probe would raise; None where there is none, which is not a promise: a
        covariance may have no inverse.
    """
    try:
        _require(task, items)
    except DataError as error:
        return DataError(error.what, where=task.id, remedy=error.remedy)
    return None


def _require(task: Task, items: Manifest) -> None:
    scored_items(int(items.scored().sum()))
    if task.split_rule == "train-test":
        training_items(items.indices("train").size)
    entry = PROTOCOLS.get(task.protocol.kind)
    # An unknown kind and another split are errors of the document, which the probe names.
    if entry is not None and task.split_rule == entry.split:
        entry.check_labels(task, items)
