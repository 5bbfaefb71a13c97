"""Tables in Markdown as GitHub reads it: models by tasks."""

from __future__ import annotations

import re
from collections.abc import Sequence

from biobench.compare.standings import Standings
from biobench.export.formats import ExportOptions
from biobench.export.grid import Apart, grid_of, tables
from biobench.report.results import Results
from biobench.spec.load import Spec

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~&$])")


def write(results: Sequence[Results], spec: Spec, options: ExportOptions) -> bytes:
    """One table a suite, with a heading and its notes."""
    return markdown(tables(results, spec)).encode()


def markdown(found: Sequence[Apart]) -> str:
    """Tables as text."""
    return "\n".join(_table(*table) for table in found)


def escaped(text: str) -> str:
    """Text in which nothing is markup."""
    return _SPECIAL.sub(r"\\\1", text)


def _table(table: Standings, apart: str | None) -> str:
    grid = grid_of(table, apart)
    lines = [f"### {escaped(grid.title)}", "", _row(grid.head)]
    lines.append("| --- |" + " ---: |" * (len(grid.head) - 1))
    lines += map(_row, grid.rows)
    return "\n".join([*lines, "", *map(escaped, grid.notes)]) + "\n"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(escaped, cells))} |"
