"""The table of a result for the terminal; columns fold where the terminal is narrow."""

from __future__ import annotations

from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from biobench.report.results import Results


def _interval(entry: dict[str, Any]) -> str:
    interval = entry.get("interval")
    if not interval:
        return "-"
    text = f"{interval['low']:.3f} to {interval['high']:.3f}"
    return text if interval["reliable"] else f"{text} *"


def results_table(results: Results) -> Table:
    """One row a task with score, interval and counts, and the mean below."""
    document = results.document
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("task", overflow="fold", min_width=16)
    table.add_column("metric", overflow="fold")
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("95% interval", no_wrap=True)
    table.add_column("train", justify="right", no_wrap=True)
    table.add_column("test", justify="right", no_wrap=True)
    table.add_column("classes", justify="right", no_wrap=True)
    for task, entry in results.tasks.items():
        counts = entry["counts"]
        table.add_row(
            task,
            entry["metric"],
            f"{entry['score']:.4f}",
            _interval(entry),
            str(counts["train"]),
            str(counts["test"]),
            str(counts["classes"]),
        )
    mean = document["mean"]
    if mean is not None:
        low, high = mean["low"], mean["high"]
        bounds = "-" if low is None else f"{low:.3f} to {high:.3f}"
        table.add_section()
        table.add_row("mean", "", f"{mean['score']:.4f}", bounds, "", "", "")
    return table


def print_results(results: Results, console: Console) -> None:
    """Print the table and the lines that say what the numbers are worth."""
    document = results.document
    model = document["model"]
    console.print(
        f"model {model['name']} ({model['resolved']}), division {document['division']}, "
        f"spec {document['spec']['version']}",
        highlight=False,
    )
    console.print(results_table(results))
    entries = list(results.tasks.values())
    if any(entry["interval"] and not entry["interval"]["reliable"] for entry in entries):
        console.print("* few items a class: the interval is too narrow", highlight=False)
    if document["mean"] is None:
        console.print("mean: none, because tasks of the suite are missing", highlight=False)
    if document["official"]:
        console.print("official result", highlight=False)
    else:
        reasons = "; ".join(document["unofficial_reasons"])
        console.print(f"not an official result: {reasons}", highlight=False, soft_wrap=True)
