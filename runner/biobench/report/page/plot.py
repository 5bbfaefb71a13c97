"""Places of marks in the plots that a page holds as SVG.

In: a result. Out: coordinates for the template.
"""

from __future__ import annotations

from typing import Any

from biobench.report.results import Results

ROW_HEIGHT = 34
PLOT_WIDTH = 640
LABEL_WIDTH = 190
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


def _x(value: float) -> float:
    """Horizontal position of a score; the axis of every page runs over [0, 1]."""
    return LABEL_WIDTH + min(max(value, 0.0), 1.0) * (PLOT_WIDTH - LABEL_WIDTH - 60)


def score_plot(results: Results) -> dict[str, Any]:
    """Rows of the plot of scores and intervals, with their places in it."""
    rows = [
        {
            "name": task,
            "score": entry["score"],
            "interval": entry["interval"],
            "mean": False,
            "declared": entry["declared"],
        }
        for task, entry in results.tasks.items()
    ]
    if results.mean is not None:
        rows.append(
            {
                "name": "mean",
                "score": results.mean["score"],
                "interval": results.mean if results.mean["low"] is not None else None,
                "mean": True,
                "declared": False,
            }
        )
    for i, row in enumerate(rows):
        row["y"] = 18 + i * ROW_HEIGHT
        row["x"] = _x(row["score"])
        if row["interval"] is not None:
            row["x_low"], row["x_high"] = _x(row["interval"]["low"]), _x(row["interval"]["high"])
    height = 18 + len(rows) * ROW_HEIGHT
    ticks = [{"x": _x(value), "text": f"{value:g}"} for value in TICKS]
    return {"rows": rows, "height": height, "width": PLOT_WIDTH, "ticks": ticks}
