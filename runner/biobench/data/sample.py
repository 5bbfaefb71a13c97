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
    """``manifest`` with a sample of its train rows; order, labels and test rows stay as they are.

    Official and open: the ``n_train`` rows of each class with the smallest keys (all, where a class
    has fewer). Compat: ``n_train`` rows in total, balanced: the classes give one row each in turn,
    and in a last turn that cannot serve every class the smallest keys go first. Raises UsageError
    for a leave-one-out task or ``n_train`` < 1.
    """
    if n_train < 1:
        raise UsageError(f"--n-train must be at least 1, not {n_train}")
    if task.split_rule == "leave-one-out":
        raise UsageError(
            f"task {task.id} has no train split to sample", remedy="leave out --n-train for it"
        )
    by_class: dict[int, list[tuple[bytes, int]]] = defaultdict(list)
    for position, row in enumerate(manifest.rows):
        if row.split == "train":
            by_class[row.label].append((sample_key(task, row.id), position))
    turns = [
        (turn, key, position)
        for members in by_class.values()
        for turn, (key, position) in enumerate(sorted(members))
    ]
    if task.division == "compat":
        chosen = {position for _, _, position in sorted(turns)[:n_train]}
    else:
        chosen = {position for turn, _, position in turns if turn < n_train}
    rows = tuple(row for i, row in enumerate(manifest.rows) if row.split != "train" or i in chosen)
    return replace(manifest, rows=rows)
