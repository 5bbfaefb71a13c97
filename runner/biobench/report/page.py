"""The page of a result: one self-contained HTML file that needs no network.

In: a result. Out: HTML with scores and intervals as a plot and a table, digests and provenance.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from biobench.report.intervals import NOTES, REASONS, estimand, marks
from biobench.report.results import Results

TEMPLATES = Path(__file__).parent / "templates"
ROW_HEIGHT = 34
PLOT_WIDTH = 640
LABEL_WIDTH = 190
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


def _x(value: float) -> float:
    """Horizontal position of a score; the axis of every page runs over [0, 1]."""
    return LABEL_WIDTH + min(max(value, 0.0), 1.0) * (PLOT_WIDTH - LABEL_WIDTH - 60)


def _plot(results: Results) -> dict[str, Any]:
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


def render_page(results: Results) -> str:
    """The page as HTML text; all values of the document are escaped."""
    return render(
        "result.html",
        result=results.document,
        plot=_plot(results),
        estimand=estimand(entry["cluster_unit"] for entry in results.tasks.values()),
        marks=marks,
        notes=NOTES,
        reasons=REASONS,
    )


def render(template: str, **values: Any) -> str:
    """Render a template of the folder templates/ with its values, which are escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**values)
