"""Comparing a manifest with what the task's document says (SPEC.md, section "Manifests").

In: a task and its manifest. Out: one line a difference, for people.
"""

from __future__ import annotations

from biobench.data.manifest import Manifest
from biobench.spec.documents import Task


def found_counts(manifest: Manifest) -> dict[str, int]:
    """``train``, ``test`` and ``classes`` of a manifest as a task's document counts them.

    ``test`` counts every test item, excluded ones too (leave-one-out: every image); ``classes``
    counts the classes with a train example, or the traits. Where the view pools, an item is counted
    once. ``groups`` counts those of a grouped task.
    """
    items = manifest.items
    learnt = {row.label for row in items.rows if row.split != "test"}
    groups = {"groups": len(set(items.groups()))} if items.grouped else {}
    return {
        "train": sum(row.split != "test" for row in items.rows),
        "test": int(items.scored().sum()) + manifest.excluded,
        "classes": len(manifest.classes) if manifest.has_traits else len(learnt),
        **groups,
    }


def scored_counts(manifest: Manifest) -> dict[str, int]:
    """``train``, ``test``, ``classes`` and ``excluded`` as a result states them: ``test`` counts
    the scored items, and ``classes`` the labels that exist, or the traits."""
    return {
        "train": sum(row.split != "test" for row in manifest.items.rows),
        "test": int(manifest.items.scored().sum()),
        "classes": len(manifest.classes),
        "excluded": manifest.excluded,
    }


def count_differences(task: Task, manifest: Manifest) -> list[str]:
    """Differences between the expected and the found counts; empty where all agree.

    Expected counts that are None are not compared.
    """
    counts = found_counts(manifest)
    expected = {
        "train": task.counts.train,
        "test": task.counts.test,
        "classes": task.counts.classes,
    }
    noun = "items" if manifest.pooled else "images"
    nouns = {
        "train": f"train {noun}",
        "test": f"test {noun}",
        "classes": "traits" if manifest.has_traits else "classes",
    }
    return [
        f"{task.id}: {counts[key]} {nouns[key]} found, {wanted} expected"
        for key, wanted in expected.items()
        if wanted is not None and wanted != counts[key]
    ]
