"""Several models as a notebook shows them: which one to take.

In: results in any mixture, and errors of models that have none. Out: HTML with a table of the
suite's mean, or one of each task; results that cannot share a table are apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from biobench._common.templates import can_render
from biobench.compare.groups import groups_of
from biobench.compare.ranking import (
    WORDS,
    Ranking,
    cells,
    columns_of,
    notes,
    ranked_table,
    rankings,
)
from biobench.report.intervals import mark_notes
from biobench.report.notebook import failures_html, table_html
from biobench.report.results import Results
from biobench.spec.load import load_spec

SPEED = "images/s"
"""The column of a run; a set of results has no speeds."""


def set_html(results: Sequence[Results], failures: Mapping[str, Exception]) -> str | None:
    """The tables of results, best model first, every value escaped; None without jinja2."""
    if not can_render():
        return None
    spec, parts = load_spec(), []
    for group in groups_of(results):
        apart = [] if group.reason is None else [f"apart from the results above: {group.reason}"]
        table, unranked = ranked_table(group.results, spec)
        if unranked is not None:
            apart.append(f"not known which may be the best: {unranked}")
        parts += [_table(ranking, apart) for ranking in rankings(table, {})]
    if failures:
        parts.append(failures_html("Models without a whole result", failures))
    return "\n".join(parts)


def _table(ranking: Ranking, apart: Sequence[str]) -> str:
    columns = [column for column in columns_of(ranking) if column != SPEED]
    rows = [cells(name, row) for name, row in zip(ranking.names, ranking.rows, strict=True)]
    lines = notes(ranking, speeds=False)
    lines += mark_notes(row.interval for row in ranking.rows if row.interval)
    return table_html(f"{ranking.title}, best first", columns, rows, [*lines, *apart], WORDS)
