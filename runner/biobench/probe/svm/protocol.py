"""Support vector machines on a task, one a group (SPEC.md, section "Support vector machine")."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from biobench.data.manifest import Manifest
from biobench.data.predictions import Predictions
from biobench.probe.checkpoint import fits
from biobench.probe.entry import ProtocolEntry, count_queries
from biobench.probe.inputs import ProbeInputs
from biobench.probe.minimum_items import two_classes
from biobench.probe.svm.estimator import CentredRowError, SVMProbe
from biobench.spec.documents import Task


def apply(inputs: ProbeInputs) -> Predictions:
    """Fit each group that has scored rows on its own train rows, and predict those scored rows."""
    groups = np.array(inputs.manifest.groups())
    in_train = np.zeros(len(groups), np.bool_)
    in_train[inputs.train()] = True
    in_test = np.zeros(len(groups), np.bool_)
    in_test[inputs.scored] = True
    names = sorted(set(groups[inputs.scored].tolist()))
    predicted, done = _resume(
        inputs, np.full(len(groups), -1, np.int64), np.zeros(len(names), np.bool_)
    )
    left = [place for place in range(len(names)) if not done[place]]
    if inputs.checkpoint is not None and done.any():
        finished = [names[place] for place in np.flatnonzero(done)]
        inputs.checkpoint.resume(int((np.isin(groups, finished) & in_test).sum()))

    def one_group(name: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        mine = groups == name
        test = np.flatnonzero(mine & in_test)
        return test, _predict_group(inputs, name, np.flatnonzero(mine & in_train), test)

    with ThreadPoolExecutor(max(1, inputs.threads)) as pool:
        try:
            groups_left = [names[place] for place in left]
            for place, (test, labels) in zip(left, pool.map(one_group, groups_left), strict=True):
                predicted[test] = labels
                done[place] = True
                if inputs.progress is not None:
                    inputs.progress(len(test))
                if inputs.checkpoint is not None and inputs.checkpoint.due():
                    inputs.checkpoint.save({"predicted": predicted, "done": done})
        except BaseException as error:
            if inputs.checkpoint is not None and not isinstance(error, Exception):
                inputs.checkpoint.save({"predicted": predicted, "done": done})
            raise
    return inputs.predictions(predicted[inputs.scored])


def _resume(
    inputs: ProbeInputs, predicted: npt.NDArray[np.int64], done: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Labels of all rows and a mask of groups that have theirs, from the checkpoint, or as they are
    given."""
    state = None if inputs.checkpoint is None else inputs.checkpoint.load()
    if state is None or not fits(state, {"predicted": predicted, "done": done}):
        return predicted, done
    return state["predicted"], state["done"]


def _predict_group(
    inputs: ProbeInputs, name: str, train: npt.NDArray[np.int64], test: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Label ids of the rows ``test``, int64, by a machine fitted on the rows ``train``."""
    labels = inputs.manifest.labels()[train]
    two_classes(labels, "a support vector machine", name)
    rows = train
    try:
        probe = SVMProbe.from_protocol(inputs.task.protocol.constants)
        probe.fit(inputs.features[train], labels)
        rows = test
        found: npt.NDArray[np.int64] = probe.predict(inputs.features[test])
    except CentredRowError as error:
        path = inputs.manifest.rows[int(rows[error.row])].path
        raise CentredRowError(error.row, f"{inputs.task.id}: {path}") from None
    return found


def _check_labels(task: Task, items: Manifest) -> None:
    # Each group that has scored items is fitted by itself.
    del task
    labels, train, groups = items.labels(), items.indices("train"), np.array(items.groups())
    for name in sorted(set(groups[items.scored()].tolist())):
        mine = train[groups[train] == name]
        two_classes(labels[mine], "a support vector machine", name)


def _multiply_adds(task: Task, manifest: Manifest, dim: int) -> int:
    del task
    items, total = manifest.items, 0
    train = items.indices("train")
    labels, groups = items.labels()[train], np.array(items.groups())[train]
    for name in np.unique(groups):
        _, sizes = np.unique(labels[groups == name], return_counts=True)
        # The sum of (a + b)^2 over pairs of classes with a and b rows.
        total += (len(sizes) - 2) * int((sizes**2).sum()) + int(sizes.sum()) ** 2
    return total * dim


ENTRY = ProtocolEntry(
    "svm", apply, count_queries, "learnt", multiply_adds=_multiply_adds, check_labels=_check_labels
)
