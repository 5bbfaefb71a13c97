"""The mean of a suite (SPEC.md, section "Aggregate").

In: the scores of tasks by id. Out: their unweighted mean, replicate by replicate, or nothing where
a member of the suite was not run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from biobench._common.ordered_sums import row_sums
from biobench.errors import SpecError, UsageError
from biobench.metric.bootstrap import bounds
from biobench.metric.counts import sequential_mean
from biobench.metric.score import Score


@dataclass(frozen=True)
class Mean:
    """Unweighted mean of the primary metrics of ``tasks`` tasks; bounds None without intervals."""

    score: float
    low: float | None
    high: float | None
    tasks: int


def aggregate(members: Sequence[str], scores: Mapping[str, Score]) -> Mean | None:
    """Mean over the members of a suite, in their order; None unless every one has a score.

    Replicate r of the mean is the mean of the tasks' replicates r. The bounds are None where a task
    has no interval.

    Args:
        members: Ids of the suite's tasks, in its order.
        scores: Scores by task id; tasks that are not members are ignored.

    Raises:
        SpecError: There is no member.
        UsageError: Tasks have unequal numbers of replicates.
    """
    if not members:
        raise SpecError("no task to average", remedy="a suite needs at least one task")
    if any(member not in scores for member in members):
        return None
    ordered = [scores[member] for member in members]
    mean = sequential_mean(np.array([score.score for score in ordered]))
    interval = ordered[0].interval
    columns = [score.replicates for score in ordered if score.replicates is not None]
    if interval is None or len(columns) < len(ordered):
        return Mean(mean, None, None, len(ordered))
    for column in columns[1:]:
        if column.shape != columns[0].shape:
            raise UsageError(
                f"two tasks have {columns[0].size} and {column.size} replicates",
                remedy="score all tasks of a suite with the same number",
            )
    low, high = bounds(mean_of_replicates(columns), interval.level)
    return Mean(mean, low, high, len(ordered))


def mean_of_replicates(
    columns: Sequence[npt.NDArray[np.float64]],
) -> npt.NDArray[np.float64]:
    """Mean over tasks of each replicate, in the tasks' order; float64 (replicates,).

    Args:
        columns: One a task, float64 (replicates,), all of one length, at least one.
    """
    return row_sums(np.stack(columns, axis=1)) / len(columns)
