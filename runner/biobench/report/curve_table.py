"""The table of a learning curve for the terminal: tasks by sizes."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from biobench.data.sample import size_name
from biobench.report.blocks import print_blocks, say
from biobench.report.curve import Curve
from biobench.report.curve_page import metric_by, notes


def print_curve(curve: Curve, console: Console) -> None:
    """Print the table, the reasons why cells are empty, and the limits of the numbers.

    A terminal of few columns gets several tables, each with some of the sizes.
    """
    document = curve.document
    model = document["model"]
    say(
        console,
        f"model {model['name']} ({model['resolved']}), division {document['division']}, "
        f"spec {document['spec']['version']}",
    )
    listed = notes(document)
    columns = _columns(document, {(n["task"], n["reason"]): n["number"] for n in listed})
    if document["division"] == "open":
        # Own tasks have no mean.
        print_blocks(["task", *curve.tasks], [column[:-1] for column in columns], console)
    else:
        print_blocks(["task", *curve.tasks, "mean"], columns, console, apart="mean")
    for task, protocol in curve.protocols.items() if document["division"] == "open" else ():
        say(console, f"{task}: {metric_by(curve.tasks[task]['metric'], protocol)} at all sizes")
    for note in listed:
        sizes = ", ".join(map(size_name, note["sizes"]))
        line = f"({note['number']}) {note['task']} at {sizes}: {note['reason']}"
        say(console, line)
    if document["division"] == "open":
        return
    if not any(size["mean"] for size in document["sizes"]):
        say(console, "mean: none, because tasks of the suite are missing")
    say(console, "scores of a part of the train split are never official")


def _columns(document: dict[str, Any], number: dict[tuple[str, str], int]) -> list[list[str]]:
    """One list of cells a size: its name, the tasks in order, the mean."""
    columns = []
    for i, size in enumerate(document["sizes"]):
        column = [size_name(size["n_train"])]
        for task, entry in document["tasks"].items():
            cell = entry["cells"][i]
            missing = f"({number.get((task, cell['reason']))})"
            column.append(missing if cell["score"] is None else f"{cell['score']:.4f}")
        column.append("-" if size["mean"] is None else f"{size['mean']['score']:.4f}")
        columns.append(column)
    return columns
