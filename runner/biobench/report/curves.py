"""Learning curves of several models of one run: which model, with how many labels.

In: curves of the same tasks and sizes, with the names of their models. Out: a table for the
terminal, and a page with one plot a task.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from biobench._common.files import write_atomically
from biobench._common.templates import can_render
from biobench.data.sample import size_name
from biobench.errors import shown
from biobench.report.blocks import print_blocks, say
from biobench.report.curve import Curve
from biobench.report.curve_page import BESIDE, BOTTOM, HEAD, HEIGHT, WIDTH, curve_plot, metric_by
from biobench.report.earlier import CURVE_PAGE
from biobench.report.figure import CHARACTER, Figure, figure_page
from biobench.report.intervals import estimand
from biobench.report.notebook import failures_html, table_html
from biobench.report.page.render import inline_assets, render
from biobench.spec.canonical import sha256_bytes

MEAN = "mean"
KINDS = 9
"""Kinds of lines in a plot: three colours by three dashes, after which they begin again; the number
at the end of a line tells which model it is."""
LABEL_GAP = 12
"""Least distance between the numbers at the ends of lines."""
KEY, LINE = 20, 34
"""Height of a model in the key of a figure, and width of its line there."""
Cell = Mapping[str, Any]
NOTHING: Cell = {"score": None, "low": None, "high": None, "train": None, "reason": None}


@dataclass(frozen=True)
class NamedCurve:
    """A curve with the name of its model, which no other of the run has."""

    name: str
    curve: Curve


@dataclass(frozen=True)
class CurveRow:
    """A model in a table: its number among the models of the run from 1, and a cell a size."""

    number: int
    model: NamedCurve
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class CurveTable:
    """The models by one score, best first at the largest size; the rest as they were given."""

    title: str
    metric: str | None
    rows: tuple[CurveRow, ...]

    @property
    def has_intervals(self) -> bool:
        """True where any score has an interval."""
        return any(cell["low"] is not None for row in self.rows for cell in row.cells)


@dataclass(frozen=True)
class Gap:
    """The reason why a task has no score at some sizes; ``models``: None where all share it."""

    number: int
    task: str
    reason: str
    sizes: tuple[int | None, ...]
    models: tuple[str, ...] | None


def tables_of(curves: Sequence[NamedCurve]) -> list[CurveTable]:
    """A table of each task, and one of the mean where any model has it."""
    tables = []
    protocols = [one.curve.protocols for one in curves]
    for task, entry in curves[0].curve.tasks.items():
        cells = [tuple(one.curve.tasks[task]["cells"]) for one in curves]
        stated = next((held[task] for held in protocols if task in held), None)
        metric = metric_by(entry["metric"], stated)
        tables.append(_table(task, metric, curves, cells, entry["higher_is_better"]))
    means = [
        tuple({**NOTHING, **(size["mean"] or {})} for size in one.curve.document["sizes"])
        for one in curves
    ]
    if any(cell["score"] is not None for cells in means for cell in cells):
        tables.append(_table(MEAN, None, curves, means, True))
    return tables


def _table(
    title: str,
    metric: str | None,
    curves: Sequence[NamedCurve],
    cells: Sequence[tuple[Cell, ...]],
    falls: bool,
) -> CurveTable:
    rows = [
        CurveRow(i, one, own) for i, (one, own) in enumerate(zip(curves, cells, strict=True), 1)
    ]

    def place(row: CurveRow) -> tuple[bool, float]:
        score = row.cells[-1]["score"]
        return score is None, 0.0 if score is None else -score if falls else score

    return CurveTable(title, metric, tuple(sorted(rows, key=place)))


def gaps_of(curves: Sequence[NamedCurve]) -> list[Gap]:
    """The reasons why cells are empty, each once for the models that share it."""
    found: dict[tuple[str, str, tuple[int | None, ...]], list[str]] = {}
    for one in curves:
        for task, entry in one.curve.tasks.items():
            missing: dict[str, list[int | None]] = {}
            for cell in entry["cells"]:
                if cell["reason"] is not None:
                    missing.setdefault(cell["reason"], []).append(cell["n_train"])
            for reason, sizes in missing.items():
                found.setdefault((task, reason, tuple(sizes)), []).append(one.name)
    return [
        Gap(i, task, reason, sizes, None if len(names) == len(curves) else tuple(names))
        for i, ((task, reason, sizes), names) in enumerate(found.items(), 1)
    ]


def _number_of(gaps: Sequence[Gap], title: str, row: CurveRow, cell: Cell) -> int | None:
    """The number of the reason why a cell is empty."""
    return next(
        (
            gap.number
            for gap in gaps
            if (gap.task, gap.reason) == (title, cell["reason"])
            and cell["n_train"] in gap.sizes
            and (gap.models is None or row.model.name in gap.models)
        ),
        None,
    )


def print_curves(curves: Sequence[NamedCurve], console: Console) -> None:
    """Print models by sizes: of the suite's mean where a model has it, else of each task.

    A terminal of few columns gets several tables, each with some of the sizes.
    """
    document = curves[0].curve.document
    tables, gaps = tables_of(curves), gaps_of(curves)
    suite = "" if document["division"] == "open" else f"suite {document['suite']}, "
    say(console, f"{suite}division {document['division']}, spec {document['spec']['version']}")
    names = {one.name: one.name for one in curves}
    if 2 * max(len(shown(name)) for name in names) > console.width:
        names = {name: str(number) for number, name in enumerate(names, 1)}
        for name, number in names.items():
            say(console, f"{number}: {name}")
    means = [table for table in tables if table.title == MEAN]
    last = size_name(curves[0].curve.sizes[-1])
    for table in means or tables:
        # Of the suite's tasks the version says it; an own task may name any protocol.
        by = f", {table.metric}" if table.metric and document["division"] == "open" else ""
        say(console, f"{table.title}{by}, best first at {last}")
        columns = [
            [
                size_name(size),
                *(_printed(gaps, table.title, row, i) for row in table.rows),
            ]
            for i, size in enumerate(curves[0].curve.sizes)
        ]
        print_blocks(["model", *(names[row.model.name] for row in table.rows)], columns, console)
    for gap in gaps:
        say(console, _reason(gap, names))
    if document["division"] != "open":
        if not means:
            say(console, "mean: none, because tasks of the suite are missing")
        say(console, "scores of a part of the train split are never official")


def _reason(gap: Gap, names: Mapping[str, str] | None = None) -> str:
    """One line on an empty cell; ``names``: what stands for the names of models, where not they."""
    at = ", ".join(map(size_name, gap.sizes))
    models = [names[name] if names else name for name in gap.models or ()]
    by = f" by {', '.join(models)}" if models else ""
    return f"({gap.number}) {gap.task} at {at}{by}: {gap.reason}"


def _printed(gaps: Sequence[Gap], title: str, row: CurveRow, place: int) -> str:
    cell = row.cells[place]
    if cell["score"] is not None:
        return f"{cell['score']:.4f}"
    number = None if title == MEAN else _number_of(gaps, title, row, cell)
    return "-" if number is None else f"({number})"


def render_curves(curves: Sequence[NamedCurve], failures: Mapping[str, str]) -> str:
    """The page as HTML text; all names are escaped.

    Args:
        curves: The curves, whose folders lie beside the page.
        failures: The reason why a model has no curve, by its name.
    """
    tables, gaps = tables_of(curves), gaps_of(curves)
    units = [
        entry["cluster_unit"]
        for one in curves for entry in one.curve.tasks.values()
        if any(cell["low"] is not None for cell in entry["cells"])
    ]  # fmt: skip
    return render(
        "curves.html",
        assets=inline_assets(()),
        head=curves[0].curve.document,
        shows={
            one.curve.folder.name: sha256_bytes(one.curve.to_json().encode())
            for one in curves if one.curve.folder is not None
        },
        estimand=estimand(units) if units else None,
        plot=_plot(curves),
        tables=tables,
        models=[(i, one.name, _link(one), (i - 1) % KINDS) for i, one in enumerate(curves, 1)],
        links={one.name: _link(one) for one in curves},
        gaps=gaps,
        gap_of=lambda title, row, cell: _number_of(gaps, title, row, cell),
        failures=failures,
    )  # fmt: skip


def write_curves(page: Path, curves: Sequence[NamedCurve], failures: Mapping[str, str]) -> None:
    """Write the page of :func:`render_curves`, whole or not at all.

    Raises:
        UsageError: It cannot be written.
    """
    write_atomically(page, render_curves(curves, failures).encode())


def _link(one: NamedCurve) -> str | None:
    return None if one.curve.folder is None else f"{one.curve.folder.name}/{CURVE_PAGE}"


def curves_figure(curves: Sequence[NamedCurve]) -> Figure:
    """The plots of the page, two beside each other below the names of the models."""
    plot = _plot(curves)
    top = KEY * len(curves) + HEAD // 2
    # The number at the end of a line stands beside its plot.
    across, down = WIDTH + LABEL_GAP, HEIGHT + HEAD
    for i, panel in enumerate(plot["panels"]):
        panel["left"], panel["top"] = i % BESIDE * across, top + i // BESIDE * down + HEAD
    title = f"Learning curves of {len(curves)} models" if len(curves) != 1 else "Learning curve"
    models = [
        {"number": i, "name": one.name, "kind": (i - 1) % KINDS, "y": KEY * i}
        for i, one in enumerate(curves, 1)
    ]
    key = (
        plot["left"]
        + LINE
        + round(CHARACTER * max(len(f"{m['number']}: {m['name']}") for m in models))
    )
    svg = render(
        "curves_figure.svg", title=title, plot=plot, models=models, line=LINE,
        width=max(min(BESIDE, len(plot["panels"])) * across, key),
        height=top + -(-len(plot["panels"]) // BESIDE) * down,
    )  # fmt: skip
    return Figure(svg, figure_page(title, svg))


def curves_html(curves: Sequence[NamedCurve], failures: Mapping[str, Exception]) -> str | None:
    """The tables of models by sizes for a notebook, every value escaped; None without jinja2."""
    if not can_render():
        return None
    gaps, sizes = gaps_of(curves), list(map(size_name, curves[0].curve.sizes)) if curves else []
    parts = []
    for table in tables_of(curves) if curves else ():
        rows = [
            {"model": row.model.name}
            | {
                size: _printed(gaps, table.title, row, i) for i, size in enumerate(sizes)
            }
            for row in table.rows
        ]  # fmt: skip
        lines = [_reason(gap) for gap in gaps if gap.task == table.title]
        caption = f"{table.title}, best first at {sizes[-1]} training items"
        parts.append(table_html(caption, ("model", *sizes), rows, lines, ("model",)))
    if failures:
        parts.append(failures_html("Models without a whole curve", failures))
    return "\n".join(parts)


def _plot(curves: Sequence[NamedCurve]) -> dict[str, Any]:
    """The plot of a curve whose panels have a line of each model, with its number at the end."""
    drawn = [curve_plot(one.curve.document) for one in curves]
    names = dict.fromkeys(panel["name"] for plot in drawn for panel in plot["panels"])
    panels = []
    for name in names:
        lines = [
            {"number": i, "kind": (i - 1) % KINDS, **panel}
            for i, plot in enumerate(drawn, 1)
            for panel in plot["panels"] if panel["name"] == name and panel["points"]
        ]  # fmt: skip
        panels.append({"name": name, "lines": lines, "numbers": _numbers(lines)})
    return {**drawn[0], "panels": panels}


def _numbers(lines: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Places of the numbers at the ends of lines, none over another."""
    ends = sorted(
        ((line["points"][-1]["y"], line["points"][-1]["x"], line["number"]) for line in lines),
    )
    placed: list[dict[str, Any]] = []
    for y, x, number in ends:
        least = placed[-1]["y"] + LABEL_GAP if placed else y
        placed.append({"x": x + 7, "y": max(y, least), "number": number})
    # Those that ran below the plot move up, and push others before them.
    most = float(HEIGHT - BOTTOM)
    for end in reversed(placed):
        end["y"] = min(end["y"], most)
        most = end["y"] - LABEL_GAP
    return placed
