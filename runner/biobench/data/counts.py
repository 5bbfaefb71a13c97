"""Comparing a manifest with what the task's document says (SPEC.md, section "Manifests").

In: a task and its manifest. Out: one line a difference, for people.
"""

from __future__ import annotations

from biobench.data.manifest import Manifest
from biobench.spec.documents import Task


def count_differences(task: Task, manifest: Manifest) -> list[str]:
    """Differences between the expected and the found counts; empty where all agree.

    Expected counts that are null are not compared. ``test`` counts every test item, excluded ones
    too (leave-one-out: every image); ``classes`` counts the classes with a train example.
    """
    test = int(manifest.scored().sum()) + manifest.excluded
    train_labels = {row.label for row in manifest.rows if row.split != "test"}
    found = {
        "train": sum(row.split != "test" for row in manifest.rows),
        "test": test,
        "classes": len(train_labels),
    }
    expected = {
        "train": task.counts.train,
        "test": task.counts.test,
        "classes": task.counts.classes,
    }
    nouns = {"train": "train images", "test": "test images", "classes": "classes"}
    return [
        f"{task.id}: {found[key]} {nouns[key]} found, {wanted} expected"
        for key, wanted in expected.items()
        if wanted is not None and wanted != found[key]
    ]
