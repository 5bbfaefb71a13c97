"""Nearest neighbours on a task (SPEC.md, section "Nearest neighbours")."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench.data.manifest import Manifest
from biobench.data.predictions import Predictions
from biobench.probe.constants import read_constants
from biobench.probe.entry import Columns, ProtocolEntry, count_queries
from biobench.probe.inputs import NO_NEIGHBOUR, ProbeInputs
from biobench.probe.knn.estimator import FIXED, FREE
from biobench.probe.knn.leave_one_out import leave_one_out
from biobench.probe.minimum_items import enough_neighbours
from biobench.spec.documents import Task


def apply(inputs: ProbeInputs) -> Predictions:
    """Compare each scored row with all others; the extras are those of the specification."""
    task = inputs.task
    constants = read_constants(
        task.protocol.constants, protocol=task.protocol.id, fixed=FIXED, free=FREE
    )
    ranking = leave_one_out(
        inputs.features,
        inputs.manifest.labels(),
        inputs.scored,
        k=constants["k"],
        normalise=constants["normalise"],
        listed=constants["listed_neighbours"],
        threads=inputs.threads,
        progress=inputs.progress,
    )
    predictions = inputs.predictions(ranking.predicted)
    extras: dict[str, npt.NDArray[Any]] = {
        **predictions.extras,
        "neighbours": ranking.neighbours,
        "first_hit": ranking.first_hit,
        "average_precision": ranking.average_precision,
    }
    return replace(predictions, extras=extras)


def _check_labels(task: Task, items: Manifest) -> None:
    enough_neighbours(len(items.rows), task.protocol.constants["k"])


def _unread(task: Task, count: int) -> Columns:
    listed = int(task.protocol.constants["listed_neighbours"])
    return {
        "neighbours": np.full((count, listed), NO_NEIGHBOUR, dtype=np.int32),
        "first_hit": np.zeros(count, dtype=np.int32),
        "average_precision": np.zeros(count, dtype=np.float64),
    }


ENTRY = ProtocolEntry(
    "knn",
    apply,
    count_queries,
    "learnt",
    split="leave-one-out",
    check_labels=_check_labels,
    unread=_unread,
)
