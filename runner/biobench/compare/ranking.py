"""The models of a run in the order of their scores: which one to take, and what it costs.

In: outcomes of models on the same tasks. Out: a table of the suite's mean, or one of each task.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console

from biobench._common.text import millions
from biobench.compare.results import MEAN, model_name
from biobench.compare.standings import Standings, shown_names, standings
from biobench.errors import BiobenchError
from biobench.report.blocks import say
from biobench.report.fitting_table import print_fitting
from biobench.report.intervals import interval_words, marks
from biobench.report.results import Results
from biobench.run.many import ModelRun, Speed
from biobench.spec.load import Spec

COLUMNS = ("model", "score", "best", "95% interval", "images/s", "parameters", "features")
"""Columns in the order of a wide table."""
BY_WEIGHT = ("model", "score", "best", "images/s", "95% interval", "parameters", "features")
"""The same in the order in which a narrow table takes them."""
STORED = "stored"
PARTLY = "~"
"""Marks a speed of a part of the images; * and + are marks of intervals."""


@dataclass(frozen=True)
class Row:
    """A model in a ranking.

    Attributes:
        marks: The marks of its interval, with a blank before them.
        best: True where its set of ranks begins at 1; None where that is not known.
        speed: Its passes in this run.
    """

    results: Results
    score: float
    interval: tuple[float, float] | None
    marks: str
    best: bool | None
    speed: Speed | None


@dataclass(frozen=True)
class Ranking:
    """Models by one score, best first.

    Attributes:
        title: A task, or ``mean``.
        without: Names of models that have no such score.
        words: What belongs beside its intervals.
    """

    title: str
    names: tuple[str, ...]
    rows: tuple[Row, ...]
    without: tuple[str, ...]
    words: tuple[str, ...]


def rankings(runs: Sequence[ModelRun], spec: Spec) -> tuple[list[Ranking], str | None]:
    """The models by the mean of the suite where one has it, else by each task; and the reason why
    it is not known which may be the best, if so."""
    results = [run.results for run in runs if run.results is not None]
    speeds = {id(run.results): run.speed for run in runs}
    unranked = None
    try:
        (table,) = standings(results, spec, ranks=len(results) > 1)
    except BiobenchError as error:
        unranked = str(error)
        (table,) = standings(results, spec, ranks=False)
    whole = any(row.mean is not None for row in table.rows)
    return [_ranking(t, table, speeds) for t in ((MEAN,) if whole else table.tasks)], unranked


def _ranking(title: str, table: Standings, speeds: dict[int, Speed | None]) -> Ranking:
    names, ranks = shown_names(table), (table.ranks or {}).get(title)
    found: list[tuple[float, str, Row]] = []
    without = []
    for place, results in enumerate(table.rows):
        entry = results.mean if title == MEAN else results.tasks.get(title)
        if entry is None:
            without.append(names[place])
            continue
        bounds = entry if title == MEAN else entry["interval"] or {}
        low, high = bounds.get("low"), bounds.get("high")
        interval = None if low is None or high is None else (float(low), float(high))
        best = None if ranks is None else str(place) in ranks.may_be_best
        weak = marks(entry["interval"]) if title != MEAN and entry["interval"] else ""
        row = Row(results, float(entry["score"]), interval, weak, best, speeds[id(results)])
        falls = title == MEAN or entry["higher_is_better"]
        found.append((-row.score if falls else row.score, names[place], row))
    found.sort(key=lambda entry: entry[:2])
    return Ranking(
        title,
        tuple(name for _, name, _ in found),
        tuple(row for _, _, row in found),
        tuple(without),
        tuple(_words(title, [row for _, _, row in found])),
    )


def _words(title: str, rows: Sequence[Row]) -> list[str]:
    tasks = [row.results.tasks for row in rows if row.interval is not None]
    if title == MEAN:
        # The mean bears no marks of its own.
        every = [entry for entries in tasks for entry in entries.values()]
        return interval_words(every)[:1]
    return interval_words(entries[title] for entries in tasks)


def print_ranking(ranking: Ranking, console: Console) -> None:
    """Print one row a model, best first; says which columns a narrow terminal has no room for."""
    names = list(ranking.names)
    if len(set(names)) < len(names) or 2 * max(map(len, names), default=0) > console.width:
        for number, row in enumerate(ranking.rows, 1):
            say(console, f"{number}: {model_name(row.results)}")
        names = [str(number) for number in range(1, len(names) + 1)]
    rows = [_cells(name, row) for name, row in zip(names, ranking.rows, strict=True)]
    known = any(row.best for row in ranking.rows)
    columns, by_weight = (
        [column for column in order if known or column != "best"] for order in (COLUMNS, BY_WEIGHT)
    )
    say(console, f"{ranking.title}, best first")
    words = ("model", "best", "95% interval")
    print_fitting(rows, columns, console, by_weight=by_weight, left=words)
    for line in _notes(ranking):
        say(console, line)


def _cells(name: str, row: Row) -> dict[str, str]:
    model = row.results.document["model"]
    return {
        "model": name,
        "score": f"{row.score:.4f}",
        "best": {True: "yes", False: "", None: "?"}[row.best],
        "95% interval": _bounds(row),
        "images/s": _rate(row.speed),
        "parameters": millions(int(model["parameters"])),
        "features": str(model["dim"]),
    }


def _bounds(row: Row) -> str:
    if row.interval is None:
        return "-"
    return f"{row.interval[0]:.3f} to {row.interval[1]:.3f}{row.marks}"


def _rate(speed: Speed | None) -> str:
    rate = None if speed is None else speed.images_per_s
    if speed is None or rate is None:
        return STORED
    return f"{rate:.1f}" + ("" if speed.computed == speed.images else f" {PARTLY}")


def _notes(ranking: Ranking) -> list[str]:
    lines = list(ranking.words)
    if any(row.best for row in ranking.rows):
        lines.append("best: may be the best, as its set of ranks begins at 1, all sets at 95%")
    rates = [_rate(row.speed) for row in ranking.rows]
    if STORED in rates:
        lines.append(f"{STORED}: the store had the features, so no speed was measured")
    if any(rate.endswith(PARTLY) for rate in rates):
        lines.append(f"{PARTLY} of the images whose features the store did not have")
    if ranking.without:
        lines.append(f"without this score: {', '.join(ranking.without)}")
    return lines
