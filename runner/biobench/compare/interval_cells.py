"""Intervals beside the scores of several results, as text.

In: results of one table. Out: the part of a cell after the score, and the lines below the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from biobench.report.imported import is_imported
from biobench.report.intervals import REASONS, interval_words, marks
from biobench.report.results import Results
from biobench.report.summary import no_interval_line


def after_mean(mean: Mapping[str, Any]) -> str:
    """A blank and the bounds of a mean, nothing where it has none."""
    return "" if mean.get("low") is None else f" ({mean['low']:.3f} to {mean['high']:.3f})"


def after_score(entry: Mapping[str, Any]) -> str:
    """A blank, the bounds and the marks of a score, nothing where it has no interval."""
    interval = entry["interval"]
    return "" if interval is None else f"{after_mean(interval)}{marks(interval)}"


def interval_lines(results: Sequence[Results]) -> list[str]:
    """The sentences on the intervals of a table, then the reasons of scores that have none."""
    entries = [entry for result in results for entry in result.tasks.values()]
    lines = [f"95% {line}" if i == 0 else line for i, line in enumerate(interval_words(entries))]
    return [*lines, *without_interval(results)]


def without_interval(results: Sequence[Results], only: str | None = None) -> list[str]:
    """The reasons of scores without an interval, each once; those of declared and imported scores
    are said elsewhere.

    Args:
        results: Results of one table.
        only: The task that is meant; None for all.
    """
    lines: list[str] = []
    without: dict[str, list[str]] = {}
    for result in results:
        for task, entry in result.tasks.items():
            reason = entry["no_interval"]
            if reason is None or entry["declared"] or is_imported(result):
                continue
            if only not in (None, task):
                continue
            line = no_interval_line(task, entry, result.document["spec"])
            if line is None:
                named = without.setdefault(REASONS[reason], [])
                named += [] if task in named else [task]
            elif line not in lines:
                lines.append(line)
    reasons = (f"without an interval: {', '.join(named)} ({why})" for why, named in without.items())
    return [*lines, *reasons]
