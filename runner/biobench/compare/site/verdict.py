"""Which model to take, in words.

In: a table of results. Out: a sentence on its mean, or on each task where no result has one.
"""

from __future__ import annotations

from biobench.compare.results import MEAN
from biobench.compare.standings import Standings, shown_names
from biobench.errors import counted
from biobench.metric.ranks import Ranks
from biobench.report.imported import is_imported

MOST_NAMES = 3
"""Most models that a sentence names beside the best one."""


def verdicts(table: Standings) -> list[str]:
    """A sentence a score on which model is ahead and whether the test items can tell; none on a
    score that fewer than two models have, or on imported ones, of which no item is known."""
    whole = any(row.mean is not None for row in table.rows)
    found = (_verdict(table, title) for title in ((MEAN,) if whole else table.tasks))
    return [sentence for sentence in found if sentence is not None]


def _verdict(table: Standings, title: str) -> str | None:
    scored, falls = [], True
    for place, row in enumerate(table.rows):
        entry = row.mean if title == MEAN else row.tasks.get(title)
        if entry is None or is_imported(row):
            continue
        falls = title == MEAN or bool(entry["higher_is_better"])
        scored.append((float(entry["score"]), place))
    if len(scored) < 2:
        return None
    scored.sort(key=lambda one: (-one[0] if falls else one[0], one[1]))
    names, (top, first) = shown_names(table), scored[0]
    best, others = names[first], {place: abs(score - top) for score, place in scored[1:]}
    extreme = "highest" if falls else "lowest"
    where, items = ("the mean" if title == MEAN else title), _items(table, title, first)
    found = (table.ranks or {}).get(title)
    if found is None:
        few = title in (table.ranks or {})
        reason = (
            f"{items} are in too few clusters to tell whether that is chance"
            if few else "whether by more than chance is not known here"
        )  # fmt: skip
        return f"{where}: {best} scores {extreme}, by {others[scored[1][1]]:.3f}; {reason}."
    tied = [place for place in others if str(place) in found.may_be_best]
    if not tied:
        apart = names[scored[1][1]] if len(others) == 1 else f"all {len(others)} others"
        return f"{where}: take {best}; it is ahead of {apart} ({items})."
    return (
        f"{where}: {best} scores {extreme}, but {items} cannot tell it from "
        f"{_named([names[place] for place in tied])} "
        f"({_measure([others[place] for place in tied], found, len(scored))})."
    )


def _named(names: list[str]) -> str:
    if len(names) <= MOST_NAMES:
        return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    return f"{len(names)} others, such as {names[0]}"


def _measure(differences: list[float], found: Ranks, models: int) -> str:
    """Differences of the tied ones, and the one that tells models apart; the resolution is
    of pairs one by one, so with more models a larger difference may be none."""
    low, high = f"{min(differences):.3f}", f"{max(differences):.3f}"
    text = f"difference {low}" if low == high else f"differences {low} to {high}"
    if found.resolution is None:
        return text
    if models == 2:
        return f"{text}, resolution {found.resolution:.3f}"
    return (
        f"{text}; to tell {models} models apart at once takes more than the "
        f"{found.resolution:.3f} that tells two apart"
    )


def _items(table: Standings, title: str, place: int) -> str:
    """The number of items that a score is computed from."""
    tasks = table.rows[place].tasks
    held = [tasks[title]] if title != MEAN else tasks.values()
    counts = [entry["counts"] for entry in held if not entry["declared"]]
    return counted(sum(one["test"] for one in counts), "test item")
