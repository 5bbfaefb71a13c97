"""Nearest neighbours on a task (SPEC.md, section "Nearest neighbours")."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy.typing as npt

from biobench.data.predictions import Predictions
from biobench.errors import SpecError
from biobench.probe.constants import read_constants
from biobench.probe.job import Job
from biobench.probe.knn import FIXED, FREE
from biobench.probe.leave_one_out import leave_one_out


def apply(job: Job) -> Predictions:
    """Each scored row against all others; the extras are those of the specification."""
    task = job.task
    if task.split_rule != "leave-one-out":
        raise SpecError(
            f"protocol {task.protocol.id} needs the split leave-one-out, not {task.split_rule}",
            where=task.id,
            remedy="change the task's split or protocol",
        )
    constants = read_constants(
        task.protocol.constants, protocol=task.protocol.id, fixed=FIXED, free=FREE
    )
    ranking = leave_one_out(
        job.features,
        job.manifest.labels(),
        job.scored,
        k=constants["k"],
        normalise=constants["normalise"],
        listed=constants["listed_neighbours"],
        threads=job.threads,
        progress=job.progress,
    )
    predictions = job.predictions(ranking.predicted)
    extras: dict[str, npt.NDArray[Any]] = {
        **predictions.extras,
        "neighbours": ranking.neighbours,
        "first_hit": ranking.first_hit,
        "average_precision": ranking.average_precision,
    }
    return replace(predictions, extras=extras)
