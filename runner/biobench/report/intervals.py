"""Words beside an interval: what it is of, and where it is weak (SPEC.md, section
"Intervals").

In: units of clusters, intervals. Out: words for a table or a page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from rich.console import Console

from biobench.report.blocks import say

FEW, LONE = "*", "+"
NOTES = {
    FEW: "few clusters: the interval is less certain",
    LONE: "many classes lie in one cluster each: differences may be less certain",
}
REASONS = {
    "division": "division compat publishes no interval",
    "metric": "its metric has no interval",
    "declared": "declared, not run here",
    "few-clusters": "too few effective clusters",
    "no-spread": "no cluster moves the score",
}
"""The reasons why a score has no interval, by the id that the result states."""


class Marked(Protocol):
    """An interval with its marks."""

    @property
    def few_clusters(self) -> bool:
        """True where it rests on few clusters."""

    @property
    def lone_classes(self) -> bool:
        """True where many classes lie in one cluster."""


def marks(interval: Marked | Mapping[str, Any]) -> str:
    """A blank and the marks of an interval, nothing where it has none."""
    found = _marks(interval)
    return f" {found}" if found else ""


def print_marks(intervals: Iterable[Marked | Mapping[str, Any]], console: Console) -> None:
    """Print one line for each mark that an interval has."""
    for note in mark_notes(intervals):
        say(console, note)


def estimand(units: Iterable[str | None], what: str = "score") -> str:
    """The sentence that belongs beside intervals.

    Args:
        units: What a cluster is, of each task; None is left out.
        what: What the intervals are of.
    """
    named = dict.fromkeys(unit for unit in units if unit is not None)
    plural = [unit if unit.endswith("s") else f"{unit}s" for unit in named]
    kinds = " or ".join(filter(None, [", ".join(plural[:-1]), *plural[-1:]])) or "items"
    return f"interval: expected {what} on new {kinds} of the same kind; not over training"


def interval_words(entries: Iterable[Mapping[str, Any]]) -> list[str]:
    """The sentences that belong beside the intervals of entries of results; none without one."""
    found = [entry for entry in entries if entry["interval"] is not None]
    if not found:
        return []
    said = estimand(entry["cluster_unit"] for entry in found)
    return [said, *mark_notes(entry["interval"] for entry in found)]


def mark_notes(intervals: Iterable[Marked | Mapping[str, Any]]) -> list[str]:
    """One sentence for each mark that an interval has."""
    used = "".join(_marks(interval) for interval in intervals)
    return [f"{mark} {note}" for mark, note in NOTES.items() if mark in used]


def _marks(interval: Marked | Mapping[str, Any]) -> str:
    if isinstance(interval, Mapping):
        few, lone = bool(interval["few_clusters"]), bool(interval["lone_classes"])
    else:
        few, lone = interval.few_clusters, interval.lone_classes
    return FEW * few + LONE * lone
