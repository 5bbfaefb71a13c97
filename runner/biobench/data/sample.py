"""Few-shot sampling of train rows (SPEC.md, section "Few-shot samples").

In: a manifest and N. Out: the manifest with fewer train rows, chosen by a hash of each item's id,
so that the choice survives a reordering of the files and needs no random generator.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import replace

from biobench.data.manifest import Manifest
from biobench.errors import UsageError
from biobench.spec.documents import Task


def sample_key(task: Task, item_id: str) -> bytes:
    """SHA-256 of ``<task> <version> NUL <item id>`` in UTF-8; smaller keys are taken first."""
    return hashlib.sha256(f"{task.id} {task.version}\0{item_id}".encode()).digest()


def sample_train(task: Task, manifest: Manifest, n_train: int) -> Manifest:
    """``manifest`` with a sample of its train items; order, labels and test rows stay as they are.

    Official and open: the ``n_train`` items of each class with the smallest keys (all, where a
    class has fewer); a class is one of its group, where items have groups. Compat: ``n_train``
    items in total (with groups: in each), balanced: the classes give one item each in turn, and in
    a last turn that cannot serve every class the smallest keys go first. A traits task has no
    classes: ``n_train`` items in total. All rows of a chosen item stay. Raises UsageError for a
    leave-one-out task or ``n_train`` < 1.
    """
    if n_train < 1:
        raise UsageError(f"--n-train must be at least 1, not {n_train}")
    if task.split_rule == "leave-one-out":
        raise UsageError(
            f"task {task.id} has no train split to sample", remedy="leave out --n-train for it"
        )
    by_class: dict[tuple[str, int], list[tuple[bytes, int]]] = defaultdict(list)
    for position, row in enumerate(manifest.items.rows):
        if row.split == "train":
            by_class[row.group, row.label].append((sample_key(task, row.id), position))
    turns: dict[str, list[tuple[int, bytes, int]]] = defaultdict(list)
    for (group, _), members in by_class.items():
        turns[group] += [
            (turn, key, position) for turn, (key, position) in enumerate(sorted(members))
        ]
    chosen: set[int] = set()
    for in_group in turns.values():
        if task.division == "compat":
            chosen.update(position for _, _, position in sorted(in_group)[:n_train])
        else:
            chosen.update(position for turn, _, position in in_group if turn < n_train)
    of_row = manifest.item_of_row.tolist()
    rows = tuple(
        row
        for row, item in zip(manifest.rows, of_row, strict=True)
        if row.split != "train" or item in chosen
    )
    return replace(manifest, rows=rows)
