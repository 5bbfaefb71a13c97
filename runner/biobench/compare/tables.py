"""Comparisons and standings for the terminal."""

from __future__ import annotations

from rich.console import Console

from biobench.compare.pair import Compared, Row
from biobench.compare.results import MEAN, model_name
from biobench.compare.standings import Standings, shown_names
from biobench.errors import counted
from biobench.report.blocks import print_blocks, say
from biobench.report.imported import is_imported
from biobench.report.results import Results

TIES, DECLARED = " =", " d"


def print_comparison(compared: Compared, console: Console) -> None:
    """Print which model is ahead on which task, by how much, and how sure that is."""
    a, b = compared.names
    say(console, f"a: {a}, {_source(compared.results[0])}")
    say(console, f"b: {b}, {_source(compared.results[1])}")
    cells = [_cells(row, compared.alpha) for row in compared.rows.values()]
    heads = ("a", "b", "a - b", "95% interval", "p", "p corrected", "ahead")
    columns = [[head, *(row[i] for row in cells)] for i, head in enumerate(heads)]
    print_blocks(["task", *compared.rows], columns, console, apart=MEAN)
    family = len(compared.rows) - (MEAN in compared.rows)
    say(
        console,
        f"p: two-sided, paired bootstrap; corrected over {counted(family, 'task')} by Holm; ahead "
        f"where the corrected p is at most {compared.alpha:g}, on the mean where p is",
    )
    if not all(row.test.reliable for row in compared.rows.values()):
        say(console, "* few items a class: p is too small")
    if compared.left_out:
        say(console, f"not run by both: {', '.join(compared.left_out)}")


def _source(results: Results) -> str:
    if is_imported(results):
        return "imported"
    source = f"{results.document['model']['resolved']}, {results.digests['result']}"
    return source if results.folder is None else f"{source}, {results.folder}"


def _cells(row: Row, alpha: float) -> tuple[str, ...]:
    test = row.test
    mark = "" if test.reliable else " *"
    p = test.p if row.corrected is None else row.corrected
    return (
        f"{row.a:.4f}",
        f"{row.b:.4f}",
        f"{test.difference:+.4f}",
        f"{test.low:+.3f} to {test.high:+.3f}",
        f"{test.p:.4f}{mark}",
        "" if row.corrected is None else f"{row.corrected:.4f}{mark}",
        (test.ahead or "-") if p <= alpha else "-",
    )


def print_standings(table: Standings, console: Console) -> None:
    """Print one row a model and one column a task; the mean comes first, as it orders the rows.

    Rows that share a name, or whose names leave too few columns for scores, are numbered, with a
    line above the table for each.
    """
    head = table.rows[0].document
    say(console, f"suite {table.suite}, division {head['division']}")
    names = shown_names(table)
    if len(set(names)) < len(names) or 2 * max(map(len, names)) > console.width:
        for number, row in enumerate(table.rows, 1):
            say(console, f"{number}: {model_name(row)}, {_source(row)}")
        names = [str(number) for number in range(1, len(names) + 1)]
    columns = []
    if any(row.mean for row in table.rows):
        columns.append([MEAN, *(_mean(table, i) for i in range(len(table.rows)))])
    for task in table.tasks:
        columns.append([task, *(_score(table, i, task) for i in range(len(table.rows)))])
    flags = ["yes" if row.document["official"] else "no" for row in table.rows]
    print_blocks(["model", *names], [*columns, ["official", *flags]], console)
    if table.ties is not None:
        note = "= ties for best in its column: paired bootstrap, corrected by Holm"
        if not all((table.reliable or {}).values()):
            doubtful = [name for name, sure in (table.reliable or {}).items() if not sure]
            note += f"; few items a class, so too few ties, in {', '.join(doubtful)}"
        say(console, note)
    imported = dict.fromkeys(
        entry["source"] for row in table.rows if is_imported(row) for entry in row.tasks.values()
    )
    for source in imported:
        say(console, f"imported from {source}: nothing of it can be verified")
    if any(DECLARED in column for rows in columns for column in rows):
        say(console, "d: declared, not run here")
    if any("-" in rows for rows in columns):
        say(console, "-: not run; a mean needs the whole suite")


def _mean(table: Standings, i: int) -> str:
    mean = table.rows[i].mean
    if mean is None:
        return "-"
    return f"{mean['score']:.4f}{DECLARED if mean.get('declared') else _tie(table, i, MEAN)}"


def _score(table: Standings, i: int, task: str) -> str:
    entry = table.rows[i].tasks.get(task)
    if entry is None:
        return "-"
    declared = entry["declared"] and not is_imported(table.rows[i])
    return f"{entry['score']:.4f}{DECLARED if declared else _tie(table, i, task)}"


def _tie(table: Standings, i: int, name: str) -> str:
    """The mark of a tie, or as many blanks, so that numbers stay aligned."""
    if table.ties is None or name not in table.ties:
        return ""
    return TIES if i in table.ties[name] else " " * len(TIES)
