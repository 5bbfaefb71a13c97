"""Predictions compared with the data: the values that follow from the manifest and the neighbours.

In: the predictions of a result, and a manifest that was made again from documents and data. Out:
findings of stage predictions. Labels that a trained probe predicts cannot be made again here, only
whether such a label can be predicted at all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench.data.manifest import Manifest
from biobench.data.predictions import Predictions
from biobench.errors import counted
from biobench.metric.counts import sequential_sum
from biobench.probe.inputs import NO_NEIGHBOUR, NO_PREDICTION, given_columns, truth
from biobench.probe.knn.estimator import votes
from biobench.probe.registry import PROTOCOLS
from biobench.spec.documents import Task
from biobench.verify.findings import Finding

STAGE = "predictions"
_RANKED = ("neighbours", "first_hit", "average_precision")
_Ints = npt.NDArray[np.int64]


def check_truth(
    task: Task, manifest: Manifest, predictions: Predictions, bad: Collection[int] | None
) -> list[Finding]:
    """Find the values that do not follow from the data; no findings where all do.

    Args:
        task: The task.
        manifest: Its manifest, made again.
        predictions: The predictions of the result.
        bad: Items of the manifest with an image that cannot be read; None where that is not known.
    """
    items = manifest.items
    scored = np.flatnonzero(items.scored())
    ids = tuple(items.rows[i].id for i in scored)
    if predictions.ids != ids:
        text = f"its items are not those of the data: {_ids_difference(ids, predictions.ids)}"
        return [Finding(STAGE, False, text, task.id)]
    faults = [*_labels(items, scored, predictions), *_columns(task, items, scored, predictions)]
    if not faults:
        faults += _predicted(task, items, scored, predictions, bad)
    if not faults and "neighbours" in _own_columns(task):
        faults += _ranking(task, items, scored, predictions, bad)
    return [Finding(STAGE, False, text, task.id) for text in faults]


def _ids_difference(here: Sequence[str], there: Sequence[str]) -> str:
    added = sorted(set(there) - set(here))
    lost = sorted(set(here) - set(there))
    parts = [
        f"{counted(len(names), 'id')} {what} ({names[0][:80]})"
        for names, what in ((added, "that the data do not have"), (lost, "missing"))
        if names
    ]
    return ", ".join(parts) or "the same ones in another order"


def _which(wrong: npt.NDArray[np.bool_], predictions: Predictions) -> str:
    rows = wrong.reshape(len(wrong), -1).any(axis=1)
    return f"of {int(rows.sum())} of {rows.size} items ({predictions.ids[int(rows.argmax())][:80]})"


def _labels(items: Manifest, scored: _Ints, predictions: Predictions) -> Iterator[str]:
    true = truth(items, scored)
    if predictions.y_true.shape != true.shape:
        shape = "a list of traits" if true.ndim == 2 else "one label"
        yield f"y_true is not {shape} an item, as the data have it"
    elif not np.array_equal(predictions.y_true, true):
        wrong = np.not_equal(predictions.y_true, true)
        yield f"y_true is not the label in the data {_which(wrong, predictions)}"


def _columns(task: Task, items: Manifest, scored: _Ints, predictions: Predictions) -> Iterator[str]:
    given = given_columns(items, scored, predictions.y_pred)
    wanted = {*given, *_own_columns(task)}
    for name in sorted(wanted ^ set(predictions.extras)):
        yield f"the column {name} is {'missing' if name in wanted else 'one that the task lacks'}"
    for name, column in given.items():
        if name not in predictions.extras:
            continue
        # As lists: a column of an untrusted file may be of any kind.
        pairs = zip(predictions.extras[name].tolist(), column.tolist(), strict=True)
        wrong = np.array([found != value for found, value in pairs], np.bool_)
        if not wrong.any():
            continue
        source = "y_pred and the data say" if name == "predicted_poisonous" else "the data say"
        yield f"the column {name} is not what {source} {_which(wrong, predictions)}"


def _own_columns(task: Task) -> Collection[str]:
    """Names of the columns that the task's protocol adds, and no other."""
    return PROTOCOLS[task.protocol.kind].unread(task, 0).keys()


def _predicted(
    task: Task,
    items: Manifest,
    scored: _Ints,
    predictions: Predictions,
    bad: Collection[int] | None,
) -> Iterator[str]:
    """Find predictions that the protocol cannot make of this manifest."""
    lost = (predictions.y_pred == NO_PREDICTION).reshape(scored.size, -1).all(axis=1)
    if bad is not None:
        unreadable = np.isin(scored, sorted(bad))
        if not np.array_equal(lost, unreadable):
            wrong = lost != unreadable
            yield f"y_pred is {NO_PREDICTION} for other items than the unreadable ones here: " + (
                _which(wrong, predictions)
            )
    predicts = PROTOCOLS[task.protocol.kind].predicts
    if predicts == "traits":
        possible = np.isin(predictions.y_pred, (0, 1)).all(axis=1)
    elif predicts == "classes":
        possible = (predictions.y_pred >= 0) & (predictions.y_pred < len(items.classes))
    else:
        possible = _learnt(items, scored, predictions.y_pred)
        possible |= (predictions.y_pred == -1) & (predicts == "learnt-or-unknown")
    if not (possible | lost).all():
        wrong = ~possible & ~lost
        yield f"y_pred is not a label that can be learnt here {_which(wrong, predictions)}"


def _learnt(
    items: Manifest, scored: _Ints, predicted: npt.NDArray[np.int32]
) -> npt.NDArray[np.bool_]:
    """Mask of labels that have an example to learn from, in the group of the item."""
    learnt = {(row.group, row.label) for row in items.rows if row.split != "test"}
    pairs = zip(scored.tolist(), predicted.tolist(), strict=True)
    return np.array([(items.rows[i].group, label) in learnt for i, label in pairs], np.bool_)


def _ranking(
    task: Task,
    items: Manifest,
    scored: _Ints,
    predictions: Predictions,
    bad: Collection[int] | None,
) -> Iterator[str]:
    """Check that the columns of nearest neighbours follow from each other and from the labels.

    The neighbours themselves follow from features alone. The ranking after the listed ones is
    bounded: an average precision must lie between that of the best and of the worst order of the
    rest.
    """
    constants: Mapping[str, Any] = task.protocol.constants
    k, listed = int(constants["k"]), int(constants["listed_neighbours"])
    lost = predictions.y_pred == NO_PREDICTION
    good = np.ones(len(items.rows), np.bool_)
    good[scored[lost] if bad is None else sorted(bad)] = False
    neighbours, first_hit, precision = (predictions.extras[name] for name in _RANKED)
    if neighbours.shape != (scored.size, listed) or neighbours.dtype.kind != "i":
        yield f"the column neighbours has not {listed} rows of the manifest an item"
        return
    for name, column, kinds in (
        ("first_hit", first_hit, "i"),
        ("average_precision", precision, "if"),
    ):
        if column.ndim != 1 or column.dtype.kind not in kinds:
            yield f"the column {name} is not one number an item"
            return
    labels = items.labels()
    faults: dict[str, list[int]] = {}
    alike = np.bincount(labels[good], minlength=int(labels.max(initial=0)) + 1)
    for at, row in enumerate(scored.tolist()):
        fault: str | None
        values = int(first_hit[at]), float(precision[at])
        if lost[at]:
            empty = bool((neighbours[at] == NO_NEIGHBOUR).all()) and values == (0, 0.0)
            fault = None if empty else "an unreadable item has neighbours or hits"
        else:
            near = neighbours[at].astype(np.int64)
            others = int(good.sum()) - 1
            fault = _places_fault(near, row, good, min(listed, others))
            if fault is None:
                near = near[: min(listed, others)]
                hits = np.flatnonzero(labels[near] == labels[row]) + 1
                relevant = int(alike[labels[row]]) - 1
                fault = _hits_fault(hits, near.size, others, relevant, *values)
            if fault is None and k <= near.size:
                vote = int(votes(labels[near[:k]][None])[0])
                if vote != predictions.y_pred[at]:
                    fault = "y_pred is not what the neighbours vote for"
        if fault is not None:
            faults.setdefault(fault, []).append(at)
    for fault, places in faults.items():
        wrong = np.isin(np.arange(scored.size), places)
        yield f"{fault} {_which(wrong, predictions)}"


def _places_fault(near: _Ints, row: int, good: npt.NDArray[np.bool_], count: int) -> str | None:
    listed, rest = near[:count], near[count:]
    if (listed < 0).any() or (listed >= good.size).any() or (rest != NO_NEIGHBOUR).any():
        return "neighbours are not rows of the manifest"
    if (listed == row).any():
        return "an item is its own neighbour"
    if np.unique(listed).size < listed.size:
        return "a neighbour is listed twice"
    if not good[listed].all():
        return "an unreadable image is a neighbour"
    return None


def _hits_fault(
    hits: _Ints, listed: int, others: int, relevant: int, first_hit: int, precision: float
) -> str | None:
    """The fault of ranks and precisions, None where there is none.

    Args:
        hits: Ranks of the listed neighbours of the right class.
        listed: Number of listed neighbours.
        others: Number of other rows.
        relevant: Number of rows of that class.
        first_hit: The stated rank.
        precision: The stated average precision.
    """
    if hits.size or not relevant:
        if first_hit != (int(hits[0]) if hits.size else 0):
            return "first_hit is not that of the neighbours"
        known = hits
    else:
        if not listed < first_hit <= others - relevant + 1:
            return "first_hit is a rank that it cannot have"
        known = np.array([first_hit])
    rest, after = relevant - known.size, max(listed, first_hit)
    best = np.concatenate([known, np.arange(after + 1, after + 1 + rest)])
    worst = np.concatenate([known, np.arange(others - rest + 1, others + 1)])
    # Each term and each sum is rounded, and rounding keeps the order, so the bounds are exact.
    if not _precision(worst) <= precision <= _precision(best):
        return "average_precision is one that the neighbours and first_hit do not allow"
    return None


def _precision(ranks: _Ints) -> float:
    if not ranks.size:
        return 0.0
    return float(sequential_sum(np.arange(1, ranks.size + 1) / ranks)) / ranks.size
