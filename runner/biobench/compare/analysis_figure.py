"""The figure of an analysis: models on both benchmarks, the curve over thresholds, single tasks.

In: analyses. Out: one file, SVG or a page of HTML with the same drawings, that needs no network and
follows the reader's choice of light or dark.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from biobench._common.templates import environment
from biobench.compare.analysis import Analysis
from biobench.compare.analysis_table import HEADS, printed_thresholds, some
from biobench.errors import shown
from biobench.metric.association import Measure
from biobench.report.figure import Figure

TEMPLATES = Path(__file__).with_name("templates")
WIDTH, PANEL, GAP, ROW = 720, 300, 56, 20
LEFT, RIGHT = 60, 24
_TICKS = 5


def analysis_figure(analyses: Sequence[Analysis]) -> Figure:
    """The drawings of analyses, one below the other; its page has their numbers as tables too."""
    return Figure(render_figure(analyses, page=False), render_figure(analyses, page=True))


def render_figure(analyses: Sequence[Analysis], *, page: bool) -> str:
    """The figure as text; all names in it are escaped."""
    drawings, top = [], 0.0
    for analysis in analyses:
        drawing = _drawing(analysis, top)
        drawings.append(drawing)
        top = drawing["end"]
    template = environment(TEMPLATES).get_template("analysis.html" if page else "analysis.svg")
    return template.render(
        drawings=drawings,
        width=WIDTH,
        height=top,
        heads=HEADS,
        printed=printed_thresholds,
    )


class _Axis:
    """A linear axis from values to positions."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        margin = 0.04 * (high - low) or 0.01
        self.low, self.high = low - margin, high + margin
        self.start, self.end = start, end

    def at(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + min(max(share, 0.0), 1.0) * (self.end - self.start), 1)

    def ticks(self) -> list[dict[str, Any]]:
        step = next(s for s in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
                    if (self.high - self.low) / s <= _TICKS + 1)  # fmt: skip
        first = math.ceil(self.low / step)
        values = [i * step for i in range(first, first + _TICKS + 2) if i * step <= self.high]
        return [{"at": self.at(value), "text": f"{value:.2f}"} for value in values]


def _drawing(analysis: Analysis, top: float) -> dict[str, Any]:
    """Positions of everything that is drawn of one analysis, below ``top``."""
    xs, ys = [p.x for p in analysis.points], [p.y for p in analysis.points]
    x_axis = _Axis(min(xs), max(xs), LEFT, WIDTH - RIGHT)
    y_axis = _Axis(min(ys), max(ys), top + GAP + PANEL, top + GAP)
    curve_top = top + 2 * GAP + PANEL
    lows = [getattr(a, name) for a in analysis.curve.values() for name in HEADS]
    lowest = min((m.low for m in lows if m.low is not None), default=0.0)
    share = _Axis(min(0.0, lowest), 1.0, curve_top + PANEL, curve_top)
    curves = [
        {"name": name, "lines": _lines(analysis, name, x_axis, share)}
        for name in HEADS
        if analysis.curve
    ]
    tasks_top = curve_top + (PANEL + GAP + 20 if analysis.curve else 0)
    bars = _Axis(0.0, 1.0, LEFT + 120, WIDTH - RIGHT - 110)
    rows = [
        ("all members" if analysis.tasks else analysis.y, analysis.overall),
        *analysis.tasks.items(),
    ]
    tasks = [
        {"name": name, "y": tasks_top + 24 + i * ROW, **_bar(row.misranked, bars)}
        for i, (name, row) in enumerate(rows)
    ]
    end = tasks_top + 24 + len(rows) * ROW + GAP / 2
    return {
        "found": analysis,
        "sources": shown(some(analysis.sources, 1)),
        "top": top,
        "left": LEFT,
        "right": WIDTH - RIGHT,
        "points": [
            {"x": x_axis.at(p.x), "y": y_axis.at(p.y), "point": p, "name": shown(p.model)}
            for p in analysis.points
        ],
        "line": _least_squares(analysis, x_axis, y_axis),
        "x_axis": {"ticks": x_axis.ticks(), "y": top + GAP + PANEL},
        "y_axis": {"ticks": y_axis.ticks(), "top": top + GAP},
        "share": {"ticks": share.ticks(), "top": curve_top, "y": curve_top + PANEL},
        "curves": curves,
        "tasks_top": tasks_top,
        "bars": {"ticks": bars.ticks(), "y": end - GAP / 2, "start": bars.start},
        "tasks": tasks,
        "end": end + GAP / 2,
    }


def _least_squares(analysis: Analysis, x_axis: _Axis, y_axis: _Axis) -> dict[str, float] | None:
    """The ends of the straight line that R2 is of; None where all x are equal."""
    xs, ys = ([getattr(p, name) for p in analysis.points] for name in ("x", "y"))
    if min(xs) == max(xs):
        return None
    slope, offset = statistics.linear_regression(xs, ys)
    ends = (min(xs), max(xs))
    x1, x2 = map(x_axis.at, ends)
    y1, y2 = (y_axis.at(offset + slope * x) for x in ends)
    return {"x1": x1, "y1": y1, "x2": x2, "y2": y2}


def _lines(analysis: Analysis, name: str, x_axis: _Axis, share: _Axis) -> dict[str, Any]:
    """The line of a measure over thresholds, and the area of its interval."""
    cells = [(x_axis.at(t), getattr(a, name)) for t, a in analysis.curve.items()]
    known = [(x, m) for x, m in cells if m.value is not None]
    sure = [(x, m) for x, m in known if m.low is not None]
    edge = [(x, m.low) for x, m in sure] + [(x, m.high) for x, m in reversed(sure)]
    return {
        "line": " ".join(f"{x},{share.at(m.value)}" for x, m in known),
        "area": " ".join(f"{x},{share.at(v)}" for x, v in edge),
    }


def _bar(measure: Measure, axis: _Axis) -> dict[str, Any]:
    if measure.value is None:
        return {"x": None, "text": "-", "low": None, "high": None}
    low, high = measure.low, measure.high
    text = f"{measure.value:.1%}"
    if low is not None and high is not None:
        text += f" [{low:.0%}, {high:.0%}]"
    return {
        "x": axis.at(measure.value),
        "text": text,
        "low": None if low is None else axis.at(low),
        "high": None if high is None else axis.at(high),
    }
