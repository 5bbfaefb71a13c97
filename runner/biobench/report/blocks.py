"""A wide table for a narrow terminal: several tables, each with some of the columns, all whole."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from biobench.errors import shown

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
    first = max(len(shown(name)) for name in names)
    block: list[Sequence[str]] = []
    room = 0
    for column in columns:
        width = max(map(len, column)) + GAP
        if not block or room < width:
            _print_block(names, block, console, apart)
            block, room = [], console.width - first - GAP
        block.append(column)
        room -= width
    _print_block(names, block, console, apart)


def _print_block(
    names: Sequence[str], columns: Sequence[Sequence[str]], console: Console, apart: str | None
) -> None:
    if not columns:
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(as_text(names[0]), no_wrap=True)
    for column in columns:
        table.add_column(as_text(column[0]), justify="right", no_wrap=True)
    for i, name in enumerate(names[1:], 1):
        if name == apart:
            table.add_section()
        table.add_row(as_text(name), *(as_text(column[i]) for column in columns))
    console.print(table)


def say(console: Console, line: str) -> None:
    """Print a line that is text, whatever a model or a task is called."""
    console.print(as_text(line), highlight=False, soft_wrap=True)


def as_text(cell: str) -> Text:
    """A cell as plain text, without markup, as wide as it is printed."""
    return Text(shown(cell))
