"""The table of a result for the terminal."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from biobench.report import summary
from biobench.report.blocks import GAP, as_text, say
from biobench.report.results import Results
from biobench.report.summary import COLUMNS, WORDS


def _print_table(results: Results, console: Console) -> None:
    """Print one row a task and the mean below; a terminal of few columns gets fewer of them, whole,
    and a line that names the others."""
    rows = summary.rows(results.document)
    shown = ["task", "score"]
    for more in (["95% interval"], ["train", "test", "classes"], ["metric"]):
        wanted = [name for name in COLUMNS if name in {*shown, *more}]
        widest = (max(len(name), *(len(row.get(name, "")) for row in rows)) for name in wanted)
        if sum(size + GAP for size in widest) <= console.width:
            shown = wanted
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in shown:
        left = name in WORDS
        table.add_column(name, justify="left" if left else "right", no_wrap=name != "task")
    for row in rows:
        if row["task"] == "mean":
            table.add_section()
        table.add_row(*(as_text(row.get(name, "")) for name in shown))
    console.print(table)
    left_out = [name for name in COLUMNS if name not in shown]
    if left_out:
        say(console, f"no room for: {', '.join(left_out)}")


def print_results(results: Results, console: Console) -> None:
    """Print the table and the lines on the limits of the numbers."""
    say(console, summary.head_line(results.document))
    _print_table(results, console)
    for line in summary.limits(results.document):
        say(console, line)
