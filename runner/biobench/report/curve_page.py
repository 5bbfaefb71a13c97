"""The page of a learning curve: one self-contained HTML file that needs no network.

In: the document of a curve. Out: HTML with one small plot a task, and tasks by sizes as a table.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from biobench.data.sample import size_name
from biobench.report.figure import Figure, figure_page
from biobench.report.intervals import estimand
from biobench.report.page.render import inline_assets, render

WIDTH, HEIGHT = 300, 190
LEFT, RIGHT, TOP, BOTTOM = 30, 12, 8, 24
HEAD, BESIDE = 26, 2
"""Room for the name of a panel; panels beside each other in a figure."""
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


def places(sizes: Sequence[int | None]) -> list[float]:
    """Horizontal positions in [0, 1]: the logarithm of a size; the whole train split comes last, at
    the average distance between neighbours."""
    logs = [math.log10(size) for size in sizes if size is not None]
    step = (logs[-1] - logs[0]) / (len(logs) - 1) if len(logs) > 1 else 1.0
    if None in sizes:
        logs.append(logs[-1] + step if logs else 0.0)
    span = logs[-1] - logs[0]
    return [(value - logs[0]) / span if span else 0.5 for value in logs]


def _x(place: float) -> float:
    return round(LEFT + 8 + place * (WIDTH - LEFT - RIGHT - 16), 1)


def _y(value: float) -> float:
    """Vertical position of a score; the axis of every plot runs over [0, 1]."""
    return round(HEIGHT - BOTTOM - min(max(value, 0.0), 1.0) * (HEIGHT - TOP - BOTTOM), 1)


def _panel(name: str, cells: Sequence[dict[str, Any]], xs: Sequence[float]) -> dict[str, Any]:
    points: list[dict[str, Any]] = []
    missing = []
    for cell, x in zip(cells, xs, strict=True):
        if cell["score"] is None:
            missing.append({"x": x, "reason": cell.get("reason")})
            continue
        bar = None if cell["low"] is None else (_y(cell["low"]), _y(cell["high"]))
        points.append({"x": x, "y": _y(cell["score"]), "bar": bar, "score": cell["score"]})
    return {"name": name, "points": points, "missing": missing}


def notes(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Reasons why cells are empty: one note a task and reason, with its sizes and its number from
    1."""
    found: dict[tuple[str, str], list[int | None]] = {}
    for task, entry in document["tasks"].items():
        for cell in entry["cells"]:
            if cell["reason"] is not None:
                found.setdefault((task, cell["reason"]), []).append(cell["n_train"])
    return [
        {"number": i, "task": task, "reason": reason, "sizes": sizes}
        for i, ((task, reason), sizes) in enumerate(found.items(), 1)
    ]


def curve_plot(document: Mapping[str, Any]) -> dict[str, Any]:
    """The panels of a curve, one a task and the mean last, with their places."""
    sizes = [size["n_train"] for size in document["sizes"]]
    xs = [_x(place) for place in places(sizes)]
    panels = [_panel(task, entry["cells"], xs) for task, entry in document["tasks"].items()]
    means = [size["mean"] for size in document["sizes"]]
    if any(means):
        nothing = {"score": None, "low": None, "high": None}
        panels.append(_panel("mean", [mean or nothing for mean in means], xs))
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
        "right": WIDTH - RIGHT,
        "bottom": HEIGHT - BOTTOM,
        "ticks": [{"y": _y(value), "text": f"{value:g}"} for value in TICKS],
        "sizes": [{"x": x, "text": size_name(size)} for x, size in zip(xs, sizes, strict=True)],
        "panels": panels,
    }


def curve_figure(document: Mapping[str, Any]) -> Figure:
    """The panels of a curve, two beside each other."""
    plot = curve_plot(document)
    for i, panel in enumerate(plot["panels"]):
        panel["left"], panel["top"] = i % BESIDE * WIDTH, i // BESIDE * (HEIGHT + HEAD) + HEAD
    across = min(BESIDE, len(plot["panels"]))
    down = -(-len(plot["panels"]) // BESIDE)
    title = f"Learning curve of {document['model']['name']}"
    svg = render(
        "curve_figure.svg", title=title, plot=plot, width=across * WIDTH,
        height=down * (HEIGHT + HEAD),
    )  # fmt: skip
    return Figure(svg, figure_page(title, svg))


def metric_by(metric: str, protocol: str | None) -> str:
    """A metric with the protocol that gave its scores, where one did."""
    return metric if protocol is None else f"{metric} by {protocol}"


def render_curve(document: dict[str, Any], protocols: Mapping[str, str]) -> str:
    """The page as HTML text; all values of the document are escaped.

    Args:
        document: The document of the curve.
        protocols: By task, the protocol that gave its scores.
    """
    # Of the tasks that have an interval; None where a task has no score at any size.
    units = [
        entry["cluster_unit"] for entry in document["tasks"].values()
        if any(cell["low"] is not None for cell in entry["cells"])
    ]  # fmt: skip
    listed = notes(document)
    named = {
        task: {**entry, "metric": metric_by(entry["metric"], protocols.get(task))}
        for task, entry in document["tasks"].items()
    }
    return render(
        "curve.html",
        assets=inline_assets(()),
        curve={**document, "tasks": named},
        estimand=estimand(units) if units else None,
        plot=curve_plot(document),
        notes=listed,
        number={(note["task"], note["reason"]): note["number"] for note in listed},
    )
