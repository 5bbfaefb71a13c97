"""The models of a run in the order of their scores: which one to take, and what it costs.

In: results of models on the same tasks. Out: a table of the suite's mean, or one of each task.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from biobench._common.text import millions
from biobench.compare.results import MEAN, model_name
from biobench.compare.standings import Standings, shown_names, standings
from biobench.errors import BiobenchError
from biobench.report.blocks import say
from biobench.report.fitting_table import print_fitting
from biobench.report.intervals import REASONS, estimand, marks, print_marks
from biobench.report.results import Results
from biobench.report.summary import left_out_lines, no_interval_line
from biobench.run.many import Speed
from biobench.spec.load import Spec

COLUMNS = ("model", "score", "best", "95% interval", "images/s", "parameters", "features")
"""Columns in order; a narrow table takes the first of them."""
WORDS = ("model", "best", "95% interval")
"""Columns of words, aligned to the left."""
STORED = "stored"
PARTLY = "~"
"""The mark of a speed of some of the images; intervals have other marks."""
UNMARKED = {"few_clusters": False, "lone_classes": False}


@dataclass(frozen=True)
class RankingRow:
    """A model in a ranking.

    Attributes:
        interval: Bounds and marks; a mean has no marks.
        best: True where its set of ranks begins at 1; None where that is not known.
        speed: Its passes in this run.
    """

    results: Results
    score: float
    interval: Mapping[str, Any] | None
    best: bool | None
    speed: Speed | None


@dataclass(frozen=True)
class Ranking:
    """Models by one score, best first.

    Attributes:
        title: A task, or ``mean``.
        without: Names of models that have no such score.
        units: What a cluster of the tasks with an interval is.
    """

    title: str
    names: tuple[str, ...]
    rows: tuple[RankingRow, ...]
    without: tuple[str, ...]
    units: tuple[str, ...]


def ranked_table(results: Sequence[Results], spec: Spec) -> tuple[Standings, str | None]:
    """The table of results of one suite with the ranks that each may have; and the reason why these
    are not known, if so."""
    try:
        (table,) = standings(results, spec, ranks=len(results) > 1)
    except BiobenchError as error:
        (table,) = standings(results, spec, ranks=False)
        return table, str(error)
    return table, None


def rankings(table: Standings, speeds: Mapping[int, Speed | None]) -> list[Ranking]:
    """The models of a table by the mean of the suite where one has it, else by each task.

    Args:
        table: The table.
        speeds: By the ``id`` of a result.
    """
    whole = any(row.mean is not None for row in table.rows)
    return [_ranking(title, table, speeds) for title in ((MEAN,) if whole else table.tasks)]


def _ranking(title: str, table: Standings, speeds: Mapping[int, Speed | None]) -> Ranking:
    names, ranks = shown_names(table), (table.ranks or {}).get(title)
    found: list[tuple[float, str, RankingRow]] = []
    without: list[str] = []
    units: list[str] = []
    for place, results in enumerate(table.rows):
        entry = results.mean if title == MEAN else results.tasks.get(title)
        if entry is None:
            without.append(names[place])
            continue
        bounds = entry if title == MEAN else entry["interval"] or {}
        interval = {**UNMARKED, **bounds} if bounds.get("low") is not None else None
        if interval is not None:
            tasks = results.tasks.values() if title == MEAN else (entry,)
            units += [task["cluster_unit"] for task in tasks if task["interval"]]
        best = None if ranks is None else str(place) in ranks.may_be_best
        row = RankingRow(results, float(entry["score"]), interval, best, speeds.get(id(results)))
        falls = title == MEAN or entry["higher_is_better"]
        found.append((-row.score if falls else row.score, names[place], row))
    found.sort(key=lambda entry: entry[:2])
    return Ranking(
        title,
        tuple(name for _, name, _ in found),
        tuple(row for _, _, row in found),
        tuple(without),
        tuple(units),
    )


def print_ranking(ranking: Ranking, console: Console) -> None:
    """Print one row a model, best first; says which columns a narrow terminal has no room for."""
    names = list(ranking.names)
    if len(set(names)) < len(names) or 2 * max(map(len, names), default=0) > console.width:
        for number, row in enumerate(ranking.rows, 1):
            say(console, f"{number}: {model_name(row.results)}")
        names = [str(number) for number in range(1, len(names) + 1)]
    rows = [cells(name, row) for name, row in zip(names, ranking.rows, strict=True)]
    say(console, f"{ranking.title}, best first")
    print_fitting(rows, columns_of(ranking), console, left=WORDS)
    for line in notes(ranking, speeds=True):
        say(console, line)
    print_marks((row.interval for row in ranking.rows if row.interval), console)


def columns_of(ranking: Ranking) -> list[str]:
    """The columns that tell something."""
    known = any(row.best for row in ranking.rows)
    return [column for column in COLUMNS if known or column != "best"]


def cells(name: str, row: RankingRow) -> dict[str, str]:
    """The cells of a model by column."""
    model = row.results.document["model"]
    return {
        "model": name,
        "score": f"{row.score:.4f}",
        "best": {True: "yes", False: "", None: "?"}[row.best],
        "95% interval": _bounds(row.interval),
        "images/s": _rate(row.speed),
        "parameters": millions(int(model["parameters"])),
        "features": str(model["dim"]),
    }


def _bounds(interval: Mapping[str, Any] | None) -> str:
    if interval is None:
        return "-"
    return f"{interval['low']:.3f} to {interval['high']:.3f}{marks(interval)}"


def _rate(speed: Speed | None) -> str:
    rate = None if speed is None else speed.images_per_s
    if speed is None or rate is None:
        return STORED
    return f"{rate:.1f}" + ("" if speed.computed >= speed.images else f" {PARTLY}")


def notes(ranking: Ranking, *, speeds: bool) -> list[str]:
    """The lines that belong below a ranking, beside those on marks; ``speeds``: its table has
    them."""
    lines = []
    if ranking.units:
        lines.append(estimand(ranking.units))
    if any(row.best for row in ranking.rows):
        lines.append("best: may be the best, as its set of ranks begins at 1, all sets at 95%")
    rates = [_rate(row.speed) for row in ranking.rows] if speeds else []
    if STORED in rates:
        lines.append(f"{STORED}: the store had the features, so no speed was measured")
    if any(rate.endswith(PARTLY) for rate in rates):
        lines.append(f"{PARTLY} of the images whose features the store did not have")
    lines += _without_interval(ranking)
    lines += dict.fromkeys(
        line
        for row in ranking.rows
        for task, entry in row.results.tasks.items() if ranking.title in (MEAN, task)
        for line in left_out_lines(task, entry)
    )  # fmt: skip
    if ranking.without:
        lines.append(f"without this score: {', '.join(ranking.without)}")
    return lines


def _without_interval(ranking: Ranking) -> list[str]:
    """The reasons why scores have no interval, each once, with the models where not all have it."""
    found: dict[str, list[str]] = {}
    for name, row in zip(ranking.names, ranking.rows, strict=True):
        if row.interval is not None:
            continue
        for task, entry in row.results.tasks.items():
            if ranking.title in (MEAN, task) and entry["no_interval"] is not None:
                line = no_interval_line(task, entry, row.results.document["spec"])
                line = line or f"{ranking.title} has no interval: {REASONS[entry['no_interval']]}"
                names = found.setdefault(line, [])
                names += [] if name in names else [name]
    return [
        line if len(names) == len(ranking.rows) else f"{', '.join(names)}: {line}"
        for line, names in found.items()
    ]
