"""Comparisons and standings for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from biobench.compare.interval_cells import after_mean, after_score, interval_lines
from biobench.compare.pair import ModelComparison, PairRow
from biobench.compare.results import MEAN, is_open, model_name, suite_and_division
from biobench.compare.standings import Standings, shown_names
from biobench.errors import counted
from biobench.metric.ranks import Ranks
from biobench.report.blocks import print_blocks, say
from biobench.report.imported import is_imported
from biobench.report.intervals import estimand, marks, print_marks
from biobench.report.results import Results
from biobench.report.summary import left_out_lines

BEST, DECLARED = " =", " d"


def print_comparison(compared: ModelComparison, console: Console) -> None:
    """Print which model is ahead on which task, by how much, and how sure that is."""
    a, b = compared.names
    say(console, f"a: {a}, {_source(compared.results[0])}")
    say(console, f"b: {b}, {_source(compared.results[1])}")
    cells = [_cells(row, compared.alpha) for row in compared.rows.values()]
    heads = ("a", "b", "a - b", "95% interval", "resolution", "p", "p corrected", "ahead")
    columns = [[head, *(row[i] for row in cells)] for i, head in enumerate(heads)]
    print_blocks(["task", *compared.rows], columns, console, apart=MEAN)
    family = len(compared.rows) - (MEAN in compared.rows)
    say(
        console,
        f"p: two-sided, signs of clusters flipped; corrected over {counted(family, 'task')} by "
        f"Holm; ahead where the corrected p is at most {compared.alpha:g}"
        + (", on the mean where its p, uncorrected, is" if MEAN in compared.rows else ""),
    )
    tests = [row.test for row in compared.rows.values()]
    bounded = [test for test in tests if test.low is not None]
    if bounded:
        say(console, estimand([row.unit for row in compared.rows.values()], "difference"))
    print_marks(bounded, console)
    if any(test.p is None for test in tests):
        say(console, "-: too few clusters for it")
    if compared.left_out:
        say(console, f"not run by both, or without intervals: {', '.join(compared.left_out)}")


def _source(results: Results) -> str:
    if is_imported(results):
        return "imported"
    source = f"{results.document['model']['resolved']}, {results.digests['result']}"
    return source if results.folder is None else f"{source}, {results.folder}"


def _cells(row: PairRow, alpha: float) -> tuple[str, ...]:
    test = row.test
    p = test.p if row.corrected is None else row.corrected
    bounds = "-" if test.low is None else f"{test.low:+.3f} to {test.high:+.3f}"
    return (
        f"{row.a:.4f}",
        f"{row.b:.4f}",
        f"{test.difference:+.4f}",
        bounds if test.low is None else bounds + marks(test),
        "-" if test.resolution is None else f"{test.resolution:.3f}",
        "-" if test.p is None else f"{test.p:.4f}",
        "" if row.corrected is None else f"{row.corrected:.4f}",
        (test.ahead or "-") if p is not None and p <= alpha else "-",
    )


def print_standings(table: Standings, console: Console) -> None:
    """Print one row a model and one column a task; the mean comes first, as it orders the rows.

    Rows that share a name, or whose names leave too few columns for scores, are numbered, with a
    line above the table for each.
    """
    own = is_open(table.rows[0])
    say(console, suite_and_division(table.rows[0]))
    names = shown_names(table)
    if len(set(names)) < len(names) or 2 * max(map(len, names)) > console.width:
        for number, row in enumerate(table.rows, 1):
            say(console, f"{number}: {model_name(row)}, {_source(row)}")
        names = [str(number) for number in range(1, len(names) + 1)]
    columns = []
    places = range(len(table.rows))
    if any(row.mean for row in table.rows):
        columns.append([MEAN, *_aligned([_mean(table, i) for i in places])])
    for task in table.tasks:
        columns.append([task, *_aligned([_score(table, i, task) for i in places])])
    if not own:
        flags = ["yes" if row.document["official"] else "no" for row in table.rows]
        columns.append(["official", *flags])
    print_blocks(["model", *names], columns, console)
    for line in interval_lines(table.rows):
        say(console, line)
    _print_ranks(table, console)
    images = (
        line
        for row in table.rows
        for task, entry in row.tasks.items()
        for line in left_out_lines(task, entry)
    )
    for line in dict.fromkeys(images):
        say(console, line)
    imported = dict.fromkeys(
        entry["source"] for row in table.rows if is_imported(row) for entry in row.tasks.values()
    )
    for source in imported:
        say(console, f"imported from {source}: nothing of it can be verified")
    cells = [cell.rstrip() for column in columns for cell in column]
    if any(cell.endswith(DECLARED) for cell in cells):
        say(console, "d: declared, not run here")
    if "-" in cells:
        say(console, "-: not run" if own else "-: not run; a mean needs the whole suite")


def _print_ranks(table: Standings, console: Console) -> None:
    """Print what each column tells, and the words that belong to ranks where a column has some."""
    ranks = table.ranks or {}
    ranked = [name for name, found in ranks.items() if found is not None]
    if ranked:
        say(
            console,
            "= may be the best in its column: its set of ranks begins at 1, all sets at 95%",
        )
    for name, found in ranks.items():
        say(console, _ranks_line(name, found, len(table.rows)))
    if ranked:
        tasks = [task for task in table.tasks if MEAN in ranked or task in ranked]
        units = [
            row.tasks[task]["cluster_unit"]
            for row in table.rows for task in tasks if task in row.tasks
        ]  # fmt: skip
        say(console, estimand(units, "rank"))


def _mean(table: Standings, i: int) -> tuple[str, str]:
    """A mean with its mark, and its interval."""
    mean = table.rows[i].mean
    if mean is None:
        return "-", ""
    mark = DECLARED if mean.get("declared") else _mark(table, i, MEAN)
    return f"{mean['score']:.4f}{mark}", after_mean(mean)


def _score(table: Standings, i: int, task: str) -> tuple[str, str]:
    """A score with its mark, and its interval."""
    entry = table.rows[i].tasks.get(task)
    if entry is None:
        return "-", ""
    declared = entry["declared"] and not is_imported(table.rows[i])
    mark = DECLARED if declared else _mark(table, i, task)
    return f"{entry['score']:.4f}{mark}", after_score(entry)


def _aligned(cells: Sequence[tuple[str, str]]) -> list[str]:
    """Scores with intervals as cells of one width, so that both stay below each other."""
    widest = max(len(interval) for _, interval in cells)
    return [score + interval.ljust(widest) for score, interval in cells]


def _mark(table: Standings, i: int, name: str) -> str:
    """The mark of a model that may be the best, or as many blanks, so that numbers stay aligned."""
    found = None if table.ranks is None else table.ranks.get(name)
    if found is None:
        return ""
    return BEST if str(i) in found.may_be_best else " " * len(BEST)


def _ranks_line(name: str, found: Ranks | None, rows: int) -> str:
    """One line on what a column tells; a row without the score has a dash."""
    if found is None:
        return f"{name}: too few clusters to rank models"
    given = (found.sets.get(str(i)) for i in range(rows))
    sets = ", ".join(
        "-" if one is None else f"{one[0]}" if one[0] == one[1] else f"{one[0]}-{one[1]}"
        for one in given
    )
    resolution = "" if found.resolution is None else f", resolution {found.resolution:.3f}"
    pairs = counted(found.pairs, "pair")
    return f"{name}: ranks {sets}, row by row; {found.told_apart} of {pairs} told apart{resolution}"
