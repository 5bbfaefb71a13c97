"""A wide table for a narrow terminal: several tables, each with some of the columns, all whole."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

GAP = 2
"""Characters between two columns."""


def print_blocks(
    names: Sequence[str],
    columns: Sequence[Sequence[str]],
    console: Console,
    *,
    apart: str | None = None,
) -> None:
    """Print ``columns`` beside ``names``; each begins with its head. The row ``apart`` has a line
    above it."""
    first = max(map(len, names))
    shown: list[Sequence[str]] = []
    room = 0
    for column in columns:
        width = max(map(len, column)) + GAP
        if not shown or room < width:
            _print_block(names, shown, console, apart)
            shown, room = [], console.width - first - GAP
        shown.append(column)
        room -= width
    _print_block(names, shown, console, apart)


def _print_block(
    names: Sequence[str], columns: Sequence[Sequence[str]], console: Console, apart: str | None
) -> None:
    if not columns:
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(names[0], no_wrap=True)
    for column in columns:
        table.add_column(column[0], justify="right", no_wrap=True)
    for i, name in enumerate(names[1:], 1):
        if name == apart:
            table.add_section()
        table.add_row(name, *(column[i] for column in columns))
    console.print(table)
