"""The table of a result for the terminal."""

from __future__ import annotations

from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from biobench.errors import counted
from biobench.report.blocks import GAP, as_text, say
from biobench.report.intervals import REASONS, estimand, marks, print_marks
from biobench.report.results import Results
from biobench.spec.documents import IntervalRules

NAMED = 3
"""Images that fit in one line for people."""
COLUMNS = ("task", "metric", "score", "95% interval", "train", "test", "classes")


def _interval(entry: dict[str, Any]) -> str:
    interval = entry.get("interval")
    if not interval:
        return "-"
    return f"{interval['low']:.3f} to {interval['high']:.3f}{marks(interval)}"


def _cells(task: str, entry: dict[str, Any]) -> dict[str, str]:
    counts = entry["counts"] or {}
    return {
        "task": task,
        "metric": entry["metric"],
        "score": f"{entry['score']:.4f}",
        "95% interval": "declared" if entry["declared"] else _interval(entry),
        **{name: str(counts.get(name, "-")) for name in ("train", "test", "classes")},
    }


def _print_table(results: Results, console: Console) -> None:
    """Print one row a task and the mean below; a terminal of few columns gets fewer of them, whole,
    and a line that names the others."""
    rows = [_cells(task, entry) for task, entry in results.tasks.items()]
    mean = results.mean
    if mean is not None:
        bounds = "-" if mean["low"] is None else f"{mean['low']:.3f} to {mean['high']:.3f}"
        if mean.get("declared"):
            bounds = "declared in part"
        rows.append({"task": "mean", "score": f"{mean['score']:.4f}", "95% interval": bounds})
    shown = ["task", "score"]
    for more in (["95% interval"], ["train", "test", "classes"], ["metric"]):
        wanted = [name for name in COLUMNS if name in {*shown, *more}]
        widest = (max(len(name), *(len(row.get(name, "")) for row in rows)) for name in wanted)
        if sum(size + GAP for size in widest) <= console.width:
            shown = wanted
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in shown:
        left = name in {"task", "metric", "95% interval"}
        table.add_column(name, justify="left" if left else "right", no_wrap=name != "task")
    for row in rows:
        if row["task"] == "mean":
            table.add_section()
        table.add_row(*(as_text(row.get(name, "")) for name in shown))
    console.print(table)
    left_out = [name for name in COLUMNS if name not in shown]
    if left_out:
        say(console, f"no room for: {', '.join(left_out)}")


def left_out_lines(task: str, entry: dict[str, Any]) -> list[str]:
    """One line on the images of a task that were left out, none where all were read."""
    images = entry.get("left_out", ())
    if not images:
        return []
    named = ", ".join(f"{image['path']} ({image['reason']})" for image in images[:NAMED])
    more = f", and {len(images) - NAMED} more" if len(images) > NAMED else ""
    return [f"{task}: {counted(len(images), 'unreadable image')} left out: {named}{more}"]


def print_results(results: Results, console: Console, rules: IntervalRules | None = None) -> None:
    """Print the table and the lines on the limits of the numbers.

    Args:
        results: The result.
        console: The terminal.
        rules: The suite's, for the fewest clusters of an interval; None leaves them unsaid.
    """
    document = results.document
    model = document["model"]
    say(
        console,
        f"model {model['name']} ({model['resolved']}), division {document['division']}, "
        f"spec {document['spec']['version']}",
    )
    _print_table(results, console)
    entries = list(results.tasks.values())
    intervals = [entry["interval"] for entry in entries if entry["interval"]]
    if intervals:
        say(console, estimand(entry["cluster_unit"] for entry in entries if entry["interval"]))
    print_marks(intervals, console)
    for task, entry in results.tasks.items():
        if entry["no_interval"] in {"few-clusters", "no-spread"}:
            reason = REASONS[entry["no_interval"]]
            clusters, unit = entry["clusters"], entry["cluster_unit"]
            count = counted(clusters["count"], "cluster")
            held = f"{clusters['effective']:.1f} effective of {count}, unit {unit}"
            if rules is not None and entry["no_interval"] == "few-clusters":
                held += f"; {rules.minimum_clusters} effective are needed"
            say(console, f"{task} has no interval: {reason} ({held})")
        if entry["declared"]:
            line = f"{task} was not run: its score is declared, from {entry['source']}"
            say(console, line)
        for line in left_out_lines(task, entry):
            say(console, line)
    if document["mean"] is None and document["division"] != "open":
        say(console, "mean: none, because tasks of the suite are missing")
    if document["division"] == "open":
        if document["bad_images"]:
            bad = counted(document["bad_images"], "unreadable image")
            say(console, f"{bad}: wrong where scored, not learnt from otherwise")
        return
    if document["official"]:
        say(console, "official result")
    else:
        reasons = "; ".join(document["unofficial_reasons"])
        say(console, f"not an official result: {reasons}")
