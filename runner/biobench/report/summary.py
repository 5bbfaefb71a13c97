"""A result in words: a row of cells a task, and the lines on the limits of the numbers.

In: the document of a result. Out: text for a terminal or a notebook.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from biobench.errors import counted
from biobench.report.intervals import REASONS, interval_words, marks
from biobench.spec.documents import BENCHMARK
from biobench.spec.load import load_spec

MAX_NAMED = 3
"""Images that fit in one line for people."""
COLUMNS = ("task", "metric", "score", "95% interval", "train", "test", "classes")
WORDS = ("task", "metric", "95% interval")
"""Columns of words, aligned to the left."""


def head_line(document: Mapping[str, Any]) -> str:
    """The model, division and specification of a result."""
    model = document["model"]
    return (
        f"model {model['name']} ({model['resolved']}), division {document['division']}, "
        f"spec {document['spec']['version']}"
    )


def rows(document: Mapping[str, Any]) -> list[dict[str, str]]:
    """The cells of each task, and of the mean last where there is one; a mean lacks some."""
    found = [_cells(task, entry) for task, entry in document["tasks"].items()]
    mean = document["mean"]
    if mean is not None:
        bounds = "-" if mean["low"] is None else f"{mean['low']:.3f} to {mean['high']:.3f}"
        if mean.get("declared"):
            bounds = "declared in part"
        found.append({"task": "mean", "score": f"{mean['score']:.4f}", "95% interval": bounds})
    return found


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


def limits(document: Mapping[str, Any]) -> list[str]:
    """The lines that belong beside the numbers of a result."""
    found = interval_words(document["tasks"].values())
    for task, entry in document["tasks"].items():
        reason = no_interval_line(task, entry, document["spec"])
        found += ([] if reason is None else [reason]) + left_out_lines(task, entry)
    found += external_lines(document["tasks"])
    if document["division"] == "open":
        if document["bad_images"]:
            bad = counted(document["bad_images"], "unreadable image")
            found.append(f"{bad}: wrong where scored, not learnt from otherwise")
        return found
    if document["mean"] is None:
        found.append("mean: none, because tasks of the suite are missing")
    if document["official"]:
        return [*found, "official result"]
    return [*found, f"not an official result: {'; '.join(document['unofficial_reasons'])}"]


def left_out_lines(task: str, entry: dict[str, Any]) -> list[str]:
    """One line on the images of a task that were left out, none where all were read."""
    images = entry.get("left_out", ())
    if not images:
        return []
    named = ", ".join(f"{image['path']} ({image['reason']})" for image in images[:MAX_NAMED])
    more = f", and {len(images) - MAX_NAMED} more" if len(images) > MAX_NAMED else ""
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
