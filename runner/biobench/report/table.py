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
from biobench.spec.documents import BENCHMARK
from biobench.spec.load import load_spec

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


def no_interval_line(task: str, entry: dict[str, Any], spec: dict[str, Any]) -> str | None:
    """The reason why a task that was scored has no interval; None for other reasons.

    Args:
        task: The task's id.
        entry: Its part of a result.
        spec: The version and the digest of the result's specification.
    """
    if entry["no_interval"] not in {"few-clusters", "no-spread"}:
        return None
    clusters, why = entry["clusters"], ""
    known = load_spec()
    if entry["no_interval"] == "few-clusters" and spec["digest"] == known.digest:
        least = known.suites[BENCHMARK].interval.minimum_clusters
        why = f"; {least} effective are needed"
    return (
        f"{task} has no interval: {REASONS[entry['no_interval']]} (unit {entry['cluster_unit']}, "
        f"{clusters['effective']:.1f} effective of {counted(clusters['count'], 'cluster')}{why})"
    )


def external_lines(tasks: dict[str, dict[str, Any]]) -> list[str]:
    """One line for each source of declared scores, with the tasks that it has."""
    found: dict[str, list[str]] = {}
    for task, entry in tasks.items():
        if entry["declared"]:
            found.setdefault(entry["source"], []).append(task)
    return [
        f"{names[0]} was not run: its score is declared, from {source}"
        if len(names) == 1
        else f"{', '.join(names)} were not run: their scores are declared, from {source}"
        for source, names in found.items()
    ]


def print_results(results: Results, console: Console) -> None:
    """Print the table and the lines on the limits of the numbers."""
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
        reason = no_interval_line(task, entry, document["spec"])
        for line in ([] if reason is None else [reason]) + left_out_lines(task, entry):
            say(console, line)
    for line in external_lines(results.tasks):
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
