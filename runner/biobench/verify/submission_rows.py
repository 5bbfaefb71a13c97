"""The limits of a submission's predictions (docs/official-results.md), and reading them.

In: the counts that a result claims, and the members with its predictions. Out: predictions by task.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from biobench.data.predictions import Predictions
from biobench.data.unpack.archive_error import ArchiveError
from biobench.report.rows import RowLimits, Unsound, predictions_of

MOST_ROWS = 200_000
"""Most predictions of a task. The largest test split of the specification has 151,236 items."""
MOST_ALL_ROWS = 350_000
"""Most predictions of all tasks. Those of the suite biobench are about 300,000 together."""
MOST_CELLS = 2_000_000
"""Most values in lists of all tasks. Nine traits of 18,015 items have 324,270."""
MOST_COLUMNS = 64 << 20
"""Most bytes of the columns of a task. Those of 200,000 items with a group and five neighbours are
50 MB where the longest group has 40 characters."""


def member_predictions(members: Mapping[str, memoryview]) -> dict[str, Predictions]:
    """The predictions of members by task.

    Raises:
        ArchiveError: Predictions are invalid, or more than all tasks together can have.
    """
    held: dict[str, Predictions] = {}
    rows = cells = 0
    for task, data in members.items():
        found = held[task] = _predictions(task, data)
        rows += len(found.ids)
        columns = (found.y_true, found.y_pred, *found.extras.values())
        cells += sum(column.size for column in columns if column.ndim > 1)
        if rows > MOST_ALL_ROWS or cells > MOST_CELLS:
            raise ArchiveError(
                f"it has more than {MOST_ALL_ROWS:,} predictions, or {MOST_CELLS:,} values in lists"
            )
    return held


def _predictions(task: str, data: memoryview) -> Predictions:
    try:
        return predictions_of(task, data, RowLimits(MOST_ROWS, MOST_COLUMNS))
    except Unsound as error:
        raise ArchiveError(str(error)) from error


def claimed_rows(tasks: Mapping[str, Any]) -> None:
    """Compare the counts that a result claims with a submission's limits.

    Raises:
        ArchiveError: A count is missing or beyond them.
    """
    total = 0
    for task, entry in tasks.items():
        if entry["declared"]:
            continue
        counts = entry.get("counts")
        count = counts.get("test") if isinstance(counts, dict) else None
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            raise ArchiveError(f"the entry of task {task} does not say how many items it scored")
        if count > MOST_ROWS:
            raise ArchiveError(f"task {task} claims {count:,} predictions, more than {MOST_ROWS:,}")
        total += count
    if total > MOST_ALL_ROWS:
        raise ArchiveError(f"its tasks claim {total:,} predictions, more than {MOST_ALL_ROWS:,}")
