"""Places of marks in the plots that a page holds as SVG.

In: a result, or scores. Out: coordinates for the template ``scores.svg``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

ROW_HEIGHT = 34
PLOT_WIDTH = 640
LABEL_WIDTH = 190
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


def score_rows(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The scores of a result, one a task and the mean last, for :func:`score_plot`."""
    rows = [score_row(task, entry) for task, entry in document["tasks"].items()]
    mean = document["mean"]
    return rows if mean is None else [*rows, mean_row("mean", mean)]


def score_row(name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """The score of a task's entry under a name."""
    return {
        "name": name,
        "score": entry["score"],
        "interval": entry["interval"],
        "mean": False,
        "declared": entry["declared"],
    }


def mean_row(name: str, mean: Mapping[str, Any]) -> dict[str, Any]:
    """The score of a mean under a name."""
    interval = mean if mean["low"] is not None else None
    return {
        "name": name,
        "score": mean["score"],
        "interval": interval,
        "mean": True,
        "declared": False,
    }


def score_plot(rows: Sequence[Mapping[str, Any]], label_width: int = LABEL_WIDTH) -> dict[str, Any]:
    """Rows of the plot of scores and intervals, with their places in it.

    Args:
        rows: See :func:`score_row`.
        label_width: Room for names.
    """
    width = PLOT_WIDTH - LABEL_WIDTH + label_width

    def x(value: float) -> float:
        """Horizontal position of a score; the axis of every page runs over [0, 1]."""
        return label_width + min(max(value, 0.0), 1.0) * (width - label_width - 60)

    placed = []
    for i, row in enumerate(rows):
        found = {**row, "y": 18 + i * ROW_HEIGHT, "x": x(row["score"])}
        if row["interval"] is not None:
            found["x_low"], found["x_high"] = x(row["interval"]["low"]), x(row["interval"]["high"])
        placed.append(found)
    height = 18 + len(rows) * ROW_HEIGHT
    ticks = [{"x": x(value), "text": f"{value:g}"} for value in TICKS]
    return {"rows": placed, "height": height, "width": width, "ticks": ticks}
