"""A table of several models: one row a result, one column a task.

In: results of one division. Out: rows by suite, best mean first, and where it is asked for, the
ranks that each may have.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from biobench._common.text import cells_shown
from biobench.compare.groups import groups_of
from biobench.compare.results import (
    MEAN,
    UNPUBLISHED,
    clustered_scores,
    comparable_tasks,
    is_open,
    model_name,
    require_one_table,
    task_order,
    with_mean,
)
from biobench.errors import UsageError
from biobench.metric.comparison import ranked
from biobench.metric.ranks import Ranks
from biobench.report.results import Results
from biobench.spec.load import Spec

SCHEMA = "biobench.standings/1"
COLUMNS = (
    "suite", "model", "resolved", "n_train", "official", "task", "metric", "score", "low", "high",
    "declared",
)  # fmt: skip


@dataclass(frozen=True)
class Standings:
    """The results of one suite, best mean first; those without a mean follow, of one task best
    score first, of several as they were given.

    Attributes:
        ranks: For a task that publishes an interval and that all rows have run which have a score
            of it, or ``mean``, the ranks that each of these may have, by its position; None where
            the clusters are too few. None altogether where they were not asked for.
    """

    suite: str
    tasks: tuple[str, ...]
    rows: tuple[Results, ...]
    ranks: dict[str, Ranks | None] | None = None

    def document(self) -> dict[str, Any]:
        """The table as a JSON value."""
        return {
            "suite": self.suite,
            "tasks": list(self.tasks),
            "rows": [
                {
                    "model": row.document["model"]["name"],
                    "resolved": row.document["model"]["resolved"],
                    "n_train": row.document["n_train"],
                    "official": row.document["official"],
                    "result": row.digests["result"],
                    "scores": {task: _cell(row, task) for task in self.tasks if task in row.tasks},
                    "mean": row.mean,
                }
                for row in self.rows
            ],
            "ranks": self.ranks
            and {name: _ranks(found, len(self.rows)) for name, found in self.ranks.items()},
        }


def _ranks(found: Ranks | None, rows: int) -> dict[str, Any] | None:
    """Sets of ranks in the order of the rows, None for a row without the score."""
    if found is None:
        return None
    return {
        "sets": [list(found.sets[str(i)]) if str(i) in found.sets else None for i in range(rows)],
        "told_apart": found.told_apart,
        "pairs": found.pairs,
        "resolution": found.resolution,
    }


def _cell(row: Results, task: str) -> dict[str, Any]:
    entry = row.tasks[task]
    interval = entry["interval"] or {"low": None, "high": None}
    return {
        "metric": entry["metric"],
        "score": entry["score"],
        "low": interval["low"],
        "high": interval["high"],
        "declared": entry["declared"],
    }


def standings(results: Sequence[Results], spec: Spec, *, ranks: bool) -> list[Standings]:
    """Make one table a suite, in the order in which the suites first occur.

    Args:
        results: Results of one division.
        spec: The specification that they were made with.
        ranks: Find the ranks that each model may have, which needs the predictions.

    Raises:
        UsageError: The results must not share a table.
        BiobenchError: With ``ranks``, as :func:`clustered_scores`.
    """
    require_one_table(results)
    for group in groups_of(results, by=("division",))[1:]:
        raise UsageError(
            f"results cannot share a table: {group.reason}",
            remedy="name results of one list of images",
        )
    found = []
    for suite in dict.fromkeys(str(result.document["suite"]) for result in results):
        rows = [result for result in results if result.document["suite"] == suite]
        tasks = task_order(rows, spec)
        alone = tasks[0] if len(tasks) == 1 else None
        ordered = sorted(rows, key=lambda row: _place(row, alone))
        table = Standings(suite, tuple(tasks), tuple(ordered))
        found.append(_with_ranks(table, spec) if ranks else table)
    return found


def _place(row: Results, task: str | None) -> tuple[bool, float]:
    """The key by which rows are sorted; ``task``: the one that all of them have, if so."""
    if row.mean is not None:
        return False, -row.mean["score"]
    if task is None:
        return True, 0.0
    entry = row.tasks[task]
    return True, -entry["score"] if entry["higher_is_better"] else entry["score"]


def _with_ranks(table: Standings, spec: Spec) -> Standings:
    suite = spec.suites[table.suite]
    named = {str(i): row for i, row in enumerate(table.rows)}
    tasks = comparable_tasks(table.rows, table.tasks)
    columns = with_mean(clustered_scores(named, tasks, suite, spec), suite) if tasks else {}
    for task in table.tasks:
        some = {} if task in tasks else _having(named, task)
        if len(some) > 1:
            columns |= with_mean(clustered_scores(some, [task], suite, spec), suite)
    ranks = {name: ranked(models, suite) for name, models in columns.items()}
    return replace(table, ranks=ranks)


def _having(rows: Mapping[str, Results], task: str) -> dict[str, Results]:
    """The rows that have a score of a task; none where some are declared or have no interval by
    rule, since ranks among the others would not be those of the column."""
    having = {place: row for place, row in rows.items() if task in row.tasks}
    published = comparable_tasks(list(having.values()), [task]) if having else []
    if not published or any(
        row.tasks[task]["no_interval"] in UNPUBLISHED for row in having.values()
    ):
        return {}
    return having


def standings_document(tables: Sequence[Standings]) -> dict[str, Any]:
    """All tables as a JSON value."""
    division = tables[0].rows[0].document["division"]
    return {
        "schema": SCHEMA,
        "division": division,
        "suites": [table.document() for table in tables],
    }


def standings_csv(tables: Sequence[Standings]) -> str:
    """One line a score and one a mean, with the columns of :data:`COLUMNS`; None is empty, and
    so are suite and official of a result of own tasks.

    For people and their spreadsheets: a text that could be a formula gets an apostrophe.
    :func:`standings_document` is exact.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for table in tables:
        for row in table.rows:
            model, size = row.document["model"], row.document["n_train"]
            head = {
                "suite": None if is_open(row) else table.suite,
                "model": model["name"],
                "resolved": model["resolved"],
                "n_train": "all" if size is None else size,
                "official": None if is_open(row) else row.document["official"],
            }
            for task in table.tasks:
                if task in row.tasks:
                    writer.writerow(cells_shown({**head, "task": task, **_cell(row, task)}))
            if row.mean is not None:
                bounds = {key: row.mean[key] for key in ("score", "low", "high")}
                declared = bool(row.mean.get("declared"))
                writer.writerow(cells_shown({**head, "task": MEAN, **bounds, "declared": declared}))
    return text.getvalue()


def shown_names(table: Standings) -> list[str]:
    """The name of each row; rows that share a name get their full names, where these differ."""
    names = [model_name(row) for row in table.rows]
    full = [str(row.document["model"]["resolved"]) for row in table.rows]
    meant: dict[str, set[str]] = {}
    for name, one in zip(names, full, strict=True):
        meant.setdefault(name, set()).add(one)
    return [
        f"{name} [{one}]" if len(meant[name]) > 1 and name != one else name
        for name, one in zip(names, full, strict=True)
    ]
