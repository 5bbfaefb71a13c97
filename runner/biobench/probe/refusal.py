"""Whether a protocol refuses a train split, as far as labels tell (SPEC.md, section "Protocols").

In: a task and the items of its manifest, or of a sample of it. Out: the error that its probe would
end with, before an image is embedded for it. What the features decide is left to the probe.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from biobench.data.manifest import Manifest
from biobench.errors import DataError
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
    if not items.scored().any():
        raise DataError(
            "no item is scored",
            remedy="check that the test split is not empty and its labels occur in training",
        )
    if task.split_rule != "train-test":
        if kind == "knn" and len(items.rows) <= constants["k"]:
            raise DataError(
                f"{len(items.rows)} items leave fewer than {constants['k']} neighbours for each",
                remedy="add images: every image is compared with the others",
            )
        return
    labels, in_train = items.labels(), np.zeros(len(items.rows), np.bool_)
    in_train[items.indices("train")] = True
    if not in_train.any():
        raise DataError("the training split is empty", remedy="check the data folder's layout")
    if kind == "logistic_regression" and len(constants["candidates"]) > 1:
        _folds(labels[in_train], constants["folds"])
    elif kind in ("linear_probe", "logistic_regression"):
        _two_classes(labels[in_train])
    elif kind == "svm":
        # Each group that has scored items is fitted by itself.
        groups = np.array(items.groups())
        for name in sorted(set(groups[items.scored()].tolist())):
            _two_classes(labels[in_train & (groups == name)], name)
    elif kind == "nearest_centroid" and np.unique(labels[in_train]).size == in_train.sum():
        raise DataError(
            "no class has two training items, so the covariance has no inverse",
            remedy="give each class more training items than two",
        )


def _two_classes(labels: npt.NDArray[np.int64], group: str = "") -> None:
    if np.unique(labels).size < 2:
        whose = f" of group {group!r}" if group else ""
        raise DataError(
            f"the training items{whose} are {'all of one class' if labels.size else 'none'}",
            remedy="the protocol needs two classes or more",
        )


def _folds(labels: npt.NDArray[np.int64], folds: int) -> None:
    numbers = fold_numbers(labels, folds)
    for fold in range(folds):
        if np.unique(labels[numbers != fold]).size < 2:
            raise DataError(
                f"without fold {fold} all training items are of one class",
                remedy="take at least two training items of each class",
            )
