"""A table that leaves out columns where a terminal is narrow, and says which.

In: rows of cells by column. Out: the columns that fit, whole, on the terminal; in a file all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from biobench.report.blocks import GAP, as_text, say


def print_fitting(
    rows: Sequence[Mapping[str, str]],
    columns: Sequence[str],
    console: Console,
    *,
    by_weight: Sequence[str] = (),
    left: Collection[str] = (),
    whole_in_files: bool = False,
) -> None:
    """Print ``rows`` with as many of ``columns`` as fit, and a line that names the others.

    The first one is always printed, and folded where it would take more than half of the room and
    others need it.

    Args:
        rows: Cells by column.
        columns: Columns in the order in which they stand.
        console: The terminal.
        by_weight: The same columns in the order in which they are taken; by default as they stand.
        left: Columns of words, aligned to the left.
        whole_in_files: Print all columns where the output is no terminal, however wide they are.
    """
    chosen: list[str] = []
    widths = {column: max(len(column), *(len(row[column]) for row in rows)) for column in columns}
    if whole_in_files and not console.is_terminal:
        console.width = max(console.width, sum(widths.values()) + GAP * len(columns))
    room = console.width
    for column in by_weight or columns:
        width = widths[column]
        room -= (width if chosen else min(width, console.width // 2)) + GAP
        if chosen and room < 0:
            break
        chosen.append(column)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    shown = [column for column in columns if column in chosen]
    for column in shown:
        # The first one takes the room that is left, so it alone may be folded.
        table.add_column(
            column,
            justify="left" if column in left else "right",
            no_wrap=column != shown[0],
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(as_text(row[column]) for column in shown))
    console.print(table)
    if len(shown) < len(columns):
        left_out = ", ".join(column for column in columns if column not in chosen)
        say(console, f"no room for: {left_out}")
