"""The page of many results: who does how well, with filters and plots.

In: results in tables, and where their own pages lie. Out: HTML text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from biobench.compare.groups import Group
from biobench.compare.site.rows import row_of
from biobench.compare.site.verdict import verdicts
from biobench.compare.standings import Standings
from biobench.errors import shown
from biobench.report.imported import is_imported
from biobench.report.intervals import interval_words
from biobench.report.page.render import Assets, render
from biobench.report.results import Results

INDEX_SCRIPTS = ("page.js", "site.js")


@dataclass(frozen=True)
class SiteTable:
    """The results of one suite in one group.

    Attributes:
        number: Number of the table on the site, from 0.
        keys: Name of each row's files.
        unranked: Why the scores that may be the best are not known; None where they are, or where
            no score has an interval.
    """

    number: int
    group: Group
    standings: Standings
    keys: tuple[str, ...]
    unranked: str | None = None

    @property
    def rows(self) -> tuple[Results, ...]:
        """The results, best mean first."""
        return self.standings.rows


def render_index(
    tables: Sequence[SiteTable],
    assets: Assets,
    model_page: Callable[[Mapping[str, Any]], str | None],
    task_page: Callable[[SiteTable, str], str] | None = None,
    failures: Mapping[str, str] = MappingProxyType({}),
    shows: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """The page of all results as HTML text; all names are escaped.

    Args:
        tables: The results.
        assets: Scripts and style.
        model_page: The address of the page of a row's result; None where it has none.
        task_page: That of a task's page; None where tasks have none.
        failures: The reason why a model has no whole result, by its name.
        shows: The digests of the results by their folders beside the page, where it is written with
            them.
    """
    rows = [_rows(table) for table in tables]
    values = [
        {
            "tasks": table.standings.tasks,
            "higher": _directions(table),
            "rows": shown_rows,
        }
        for table, shown_rows in zip(tables, rows, strict=True)
    ]
    every = [row for shown_rows in rows for row in shown_rows]
    return render(
        "index.html",
        tables=[
            {
                "table": table,
                "rows": shown_rows,
                "label": label_of(table),
                "words": interval_words(
                    entry for result in table.rows for entry in result.tasks.values()
                ),
                "sources": sources_of(table.rows),
                "verdicts": verdicts(table.standings),
                "declared": any(
                    cell[3]
                    for row in shown_rows
                    if not row["imported"]
                    for cell in row["scores"].values()
                ),
            }
            for table, shown_rows in zip(tables, rows, strict=True)
        ],
        checked=any(not cell[3] for row in every for cell in row["scores"].values()),
        count=len(every),
        values=values,
        choices={
            name: sorted({str(row[name]) for row in every}) for name in ("family", "size", "level")
        },
        divisions=list(dict.fromkeys(table.group.division for table in tables)),
        task_page=task_page,
        model_page=model_page,
        failures=failures,
        shows=shows,
        assets=assets,
    )


def _rows(table: SiteTable) -> list[dict[str, Any]]:
    """Values that the page shows of each result, with the columns in which it may be the best."""
    columns = table.standings.ranks or {}
    return [
        row_of(result, key)
        | {
            "may_be_best": [
                name for name, found in columns.items() if found and str(i) in found.may_be_best
            ]
        }
        for i, (key, result) in enumerate(zip(table.keys, table.rows, strict=True))
    ]


def label_of(table: SiteTable) -> str:
    """Facts that the results of a table share; own tasks are of no suite."""
    division = f"division {table.group.division}"
    if table.group.division == "open":
        return f"tasks of your own, {division}"
    return shown(f"suite {table.group.suite}, {division}")


def sources_of(results: Sequence[Results]) -> list[str]:
    """Sources of imported results."""
    return list(
        dict.fromkeys(
            entry["source"]
            for result in results if is_imported(result)
            for entry in result.tasks.values()
        )
    )  # fmt: skip


def _directions(table: SiteTable) -> dict[str, bool]:
    entries = {task: entry for row in reversed(table.rows) for task, entry in row.tasks.items()}
    return {task: bool(entry["higher_is_better"]) for task, entry in entries.items()}
