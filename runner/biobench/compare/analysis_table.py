"""An analysis of two benchmarks for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console

from biobench.compare.analysis import FEWEST, Analysis
from biobench.errors import counted
from biobench.metric.association import Association, Measure
from biobench.report.blocks import print_blocks, say

HEADS = {"r2": "R2", "spearman": "Spearman", "kendall": "Kendall tau-b", "misranked": "mis-ranked"}
_PRINTED = 20
"""Tables have the points of the curve at multiples of 1 / 20."""


def print_analysis(analysis: Analysis, console: Console) -> None:
    """Print the measures over all models, above thresholds, and for each task."""
    say(
        console,
        f"{analysis.x} against {analysis.y}, division {analysis.division}: "
        f"{counted(analysis.overall.models, 'model')}",
    )
    rows = {"all models": analysis.overall}
    rows |= {f"{analysis.x} >= {t:g}": a for t, a in analysis.above.items()}
    _print_rows(analysis.y, rows, console)
    curve = {f">= {t:.2f}": a for t, a in printed_thresholds(analysis).items()}
    if curve:
        _print_rows(f"{analysis.x}", curve, console)
        say(console, f"the curve ends where fewer than {FEWEST} models are left")
    if analysis.tasks:
        _print_rows(f"{analysis.x} against", analysis.tasks, console)
    say(
        console,
        f"[{analysis.overall.level:.0%} interval]: bootstrap over models; mis-ranked: "
        "(1 - tau-b) / 2, without ties the share of pairs that the two order differently",
    )
    if analysis.overall.models < FEWEST:
        say(console, f"fewer than {FEWEST} models: the intervals are too narrow to rely on")
    if analysis.sources:
        say(console, f"scores that were not run here: {some(analysis.sources, 3)}")
    if analysis.left_out:
        count = counted(len(analysis.left_out), "model lacks", "models lack")
        say(console, f"{count} {analysis.x} or {analysis.y}: {some(analysis.left_out)}")


def printed_thresholds(analysis: Analysis) -> dict[float, Association]:
    """The points of the curve at multiples of 1 / 20, as tables have them."""
    return {t: a for t, a in analysis.curve.items() if round(t * 100) % (100 // _PRINTED) == 0}


def some(names: Sequence[str], most: int = 5) -> str:
    """The first of some names, and the number of the others."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def _print_rows(head: str, rows: Mapping[str, Association], console: Console) -> None:
    columns = [["models", *(str(row.models) for row in rows.values())]]
    for name, title in HEADS.items():
        columns.append([title, *(_cell(getattr(row, name), name) for row in rows.values())])
    print_blocks([head, *rows], columns, console)


def _cell(measure: Measure, name: str) -> str:
    if measure.value is None:
        return "-"
    share = name == "misranked"
    value = f"{measure.value:.1%}" if share else f"{measure.value:.3f}"
    if measure.low is None or measure.high is None:
        return value
    low, high = (f"{v:.0%}" if share else f"{v:.2f}" for v in (measure.low, measure.high))
    return f"{value} [{low}, {high}]"
