"""Which model to take, in words.

In: a table of results. Out: a sentence on its mean, or on each task where no result has one.
"""

from __future__ import annotations

from biobench.compare.ranking import Ranking, RankingRow, rankings
from biobench.compare.results import MEAN
from biobench.compare.standings import Standings
from biobench.errors import counted
from biobench.metric.ranks import Ranks
from biobench.report.imported import is_imported

MOST_NAMES = 3
"""Most models that a sentence names beside the best one."""


def verdicts(table: Standings) -> list[str]:
    """A sentence a score on which model is ahead and whether the test items can tell; none on a
    score that fewer than two models have, or on imported ones, of which no item is known."""
    found = (_verdict(table, ranking) for ranking in rankings(table, {}))
    return [sentence for sentence in found if sentence is not None]


def _verdict(table: Standings, ranking: Ranking) -> str | None:
    title, pairs = ranking.title, zip(ranking.names, ranking.rows, strict=True)
    scored = [(name, row) for name, row in pairs if not is_imported(row.results)]
    if len(scored) < 2:
        return None
    (best, first), *others = scored
    falls = title == MEAN or first.results.tasks[title]["higher_is_better"]
    extreme = "highest" if falls else "lowest"
    where, items = ("the mean" if title == MEAN else title), _items(first, title)
    behind = [abs(row.score - first.score) for _, row in others]
    ranks = (table.ranks or {}).get(title)
    if ranks is None:
        if title in (table.ranks or {}):
            reason = f"{items} are in too few clusters to tell whether that is chance"
        else:
            reason = "whether by more than chance is not known here"
            if ranking.without:
                lacking = counted(len(ranking.without), "other result has", "other results have")
                reason += f", as {lacking} no such score"
        return f"{where}: {best} scores {extreme}, by {behind[0]:.3f}; {reason}."
    tied = [place for place, (_, row) in enumerate(others) if row.best]
    if not tied:
        apart = others[0][0] if len(others) == 1 else f"all {len(others)} others"
        return f"{where}: take {best}; it is ahead of {apart} ({items})."
    rivals = _named([others[place][0] for place in tied])
    measured = _measure([behind[place] for place in tied], ranks, len(scored))
    return (
        f"{where}: {best} scores {extreme}, but {items} cannot tell it from {rivals} ({measured})."
    )


def _named(names: list[str]) -> str:
    if len(names) <= MOST_NAMES:
        return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    return f"{len(names)} others, such as {names[0]}"


def _measure(differences: list[float], ranks: Ranks, models: int) -> str:
    """Differences of the tied ones, and the one that tells models apart; the resolution is
    of pairs one by one, so with more models a larger difference may be none."""
    low, high = f"{min(differences):.3f}", f"{max(differences):.3f}"
    text = f"difference {low}" if low == high else f"differences {low} to {high}"
    if ranks.resolution is None:
        return text
    if models == 2:
        return f"{text}, resolution {ranks.resolution:.3f}"
    return (
        f"{text}; to tell {models} models apart at once takes more than the "
        f"{ranks.resolution:.3f} that tells two apart"
    )


def _items(row: RankingRow, title: str) -> str:
    """The number of items that a score is computed from."""
    tasks = row.results.tasks
    held = [tasks[title]] if title != MEAN else tasks.values()
    counts = [entry["counts"] for entry in held if not entry["declared"]]
    return counted(sum(one["test"] for one in counts), "test item")
