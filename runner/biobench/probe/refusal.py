"""Whether a protocol refuses a train split, as far as labels tell (SPEC.md, section "Protocols").

In: a task and the items of its manifest, or of a sample of it. Out: the error that its probe would
end with, before an image is embedded for it. What the features decide is left to the probe.
"""

from __future__ import annotations

import numpy as np

from biobench.data.manifest import Manifest
from biobench.errors import DataError
from biobench.probe import least
from biobench.probe.errors import ItemsError
from biobench.probe.search import fold_numbers
from biobench.spec.documents import Task


def refusal(task: Task, items: Manifest) -> DataError | None:
    """Why the task's protocol cannot be applied to these items whatever their features are.

    items: rows are items. Null where nothing speaks against it, which is no promise: a covariance
    may have no inverse. What it says, the probe says too.
    """
    try:
        _refuse(task, items)
    except DataError as error:
        return DataError(error.what, where=task.id, remedy=error.remedy)
    return None


def _refuse(task: Task, items: Manifest) -> None:
    kind, constants = task.protocol.kind, task.protocol.constants
    least.scored_items(int(items.scored().sum()))
    if task.split_rule != "train-test":
        if kind == "knn":
            least.enough_neighbours(len(items.rows), constants["k"])
        return
    labels, train = items.labels(), items.indices("train")
    least.training_items(train.size)
    if kind == "logistic_regression" and len(constants["candidates"]) > 1:
        numbers = fold_numbers(labels[train], constants["folds"])
        for fold in range(constants["folds"]):
            least.two_classes_without(fold, labels[train][numbers != fold])
    elif kind == "linear_probe":
        least.two_classes(labels[train], "a linear probe")
    elif kind == "logistic_regression":
        least.two_classes(labels[train], "logistic regression")
    elif kind == "svm":
        # Each group that has scored items is fitted by itself.
        groups = np.array(items.groups())
        for name in sorted(set(groups[items.scored()].tolist())):
            mine = train[groups[train] == name]
            least.two_classes(labels[mine], "a support vector machine", name)
    elif kind == "nearest_centroid" and np.unique(labels[train]).size == train.size:
        raise ItemsError(
            "no class has two training items, so the covariance has no inverse",
            remedy="give each class more training items than two",
        )
