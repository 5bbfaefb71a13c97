"""The table of models by tasks as cells, for formats of text.

In: results. Out: one grid for each suite of results that may share a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from biobench.compare.groups import groups_of
from biobench.compare.interval_cells import after_mean, after_score, interval_lines
from biobench.compare.results import MEAN, is_open, suite_and_division
from biobench.compare.standings import Standings, shown_names, standings
from biobench.errors import shown
from biobench.report.imported import is_imported
from biobench.report.results import Results
from biobench.spec.load import Spec

NOT_RUN = "-"
DECLARED = " (declared)"


@dataclass(frozen=True)
class Grid:
    """A table of text.

    Attributes:
        title: Suite and division, the division alone of own tasks.
        head: Names of the columns.
        rows: Cells, one row a model, best mean first.
        notes: Sentences below the table.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]


Apart = tuple[Standings, str | None]
"""A table, and the reason why it is apart from the first."""


def tables(results: Sequence[Results], spec: Spec) -> list[Apart]:
    """The tables of results, of which those that may not share one are apart."""
    return [
        (table, group.reason)
        for group in groups_of(results)
        for table in standings(group.results, spec, ranks=False)
    ]


def grid_of(table: Standings, apart: str | None) -> Grid:
    """The cells of a table, with ``apart`` as its first note."""
    first = table.rows[0]
    title = suite_and_division(first)
    metrics = {
        task: next(str(row.tasks[task]["metric"]) for row in table.rows if task in row.tasks)
        for task in table.tasks
    }
    with_mean = any(row.mean for row in table.rows)
    head = ["model", *([MEAN] if with_mean else [])]
    head += [f"{task} ({metrics[task]})" for task in table.tasks]
    rows = []
    for name, row in zip(shown_names(table), table.rows, strict=True):
        mean = [_mean(row)] if with_mean else []
        rows.append((shown(name), *mean, *(_score(row, task) for task in table.tasks)))
    notes = [] if apart is None else [f"Apart from the first table: {shown(apart)}."]
    about = f"Specification {first.document['spec']['version']}"
    if not is_open(first):
        official = sum(bool(row.document["official"]) for row in table.rows)
        about += f"; official results: {official} of {len(rows)}"
    notes.append(f"{about}.")
    notes += [f"{line[0].upper()}{shown(line[1:])}." for line in interval_lines(table.rows)]
    sources = dict.fromkeys(
        str(entry["source"])
        for row in table.rows
        for entry in row.tasks.values()
        if entry["declared"]
    )
    notes += [f"Scores that were not run here are from {shown(source)}." for source in sources]
    return Grid(
        title[0].upper() + title[1:],
        tuple(shown(cell) for cell in head),
        tuple(rows),
        tuple(notes),
    )


def _mean(row: Results) -> str:
    return NOT_RUN if row.mean is None else f"{row.mean['score']:.4f}{after_mean(row.mean)}"


def _score(row: Results, task: str) -> str:
    entry = row.tasks.get(task)
    if entry is None:
        return NOT_RUN
    # Of imported results every score is declared; the note below the table says so once.
    mark = DECLARED if entry["declared"] and not is_imported(row) else ""
    return f"{entry['score']:.4f}{mark}{after_score(entry)}"
