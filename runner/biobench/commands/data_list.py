"""Printing the output of ``biobench data list``: for a terminal, a pipe, or as JSON."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from biobench._common.byte_sizes import show_size
from biobench._common.output import print_cells, print_json, print_line

if TYPE_CHECKING:
    from biobench.data.state import DatasetState

HEADER = ("data set", "state", "size", "licence", "source")
NARROW = 60
GAP = "  "


def print_lines(states: Sequence[DatasetState]) -> None:
    """Print a line a data set, with what it lacks below it; in a pipe, cells separated by tabs."""
    if sys.stdout is None or not sys.stdout.isatty():
        print_cells((*HEADER, "missing"))
        for state in states:
            print_cells((*_cells(state), ", ".join(state.missing)))
        return
    width = shutil.get_terminal_size().columns
    for line in lines(states, width):
        print_line(line)


def lines(states: Sequence[DatasetState], width: int) -> list[str]:
    """The lines for a terminal of ``width`` columns; none is longer where words allow it."""
    table = [HEADER, *(_cells(state) for state in states)]
    widths = [max(len(row[i]) for row in table) for i in range(len(HEADER))]
    found = []
    for row, state in zip(table, (None, *states), strict=True):
        padded = [cell.ljust(size) for cell, size in zip(row, widths, strict=True)]
        if width < NARROW or sum(widths) + len(GAP) * (len(widths) - 1) > width:
            found.append(GAP.join(padded[:2]).rstrip())
            found += _wrapped(", ".join(row[2:]), width)
        else:
            found.append(GAP.join(padded).rstrip())
        if state is not None and state.missing:
            found += _wrapped("missing: " + ", ".join(state.missing), width)
    return found


def print_states(states: Sequence[DatasetState]) -> None:
    """Print one JSON array."""
    print_json(
        [
            {
                "id": state.dataset.id,
                "title": state.dataset.title,
                "state": state.state,
                "place": None if state.place is None else str(state.place),
                "bytes": state.bytes,
                "licence": state.dataset.licence,
                "status": state.dataset.status,
                "page": state.dataset.page,
                "missing": list(state.missing),
                **({"frames": state.frames} if state.frames is not None else {}),
            }
            for state in states
        ]
    )


def _cells(state: DatasetState) -> tuple[str, ...]:
    dataset = state.dataset
    return (
        dataset.id,
        state.state,
        "unknown" if state.bytes is None else show_size(state.bytes),
        dataset.licence or "unknown",
        dataset.status,
    )


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(
        text,
        max(20, width - 1),
        initial_indent="    ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
