"""Few-shot sampling of train rows (SPEC.md, section "Few-shot samples").

In: a manifest and N. Out: the manifest with fewer train rows, chosen by a hash of each item's id,
so that the choice survives a reordering of the files and needs no random generator.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from biobench.data.manifest import Manifest
from biobench.errors import UsageError
from biobench.spec.documents import Task


def sample_key(task: Task, item_id: str) -> bytes:
    """SHA-256 of ``<task> <version> NUL <item id>`` in UTF-8; smaller keys are taken first."""
    return hashlib.sha256(f"{task.id} {task.version}\0{item_id}".encode()).digest()


def size_name(size: int | None) -> str:
    """A size of the train split as people write it: ``10``, and ``all`` for None."""
    return "all" if size is None else str(size)


def can_be_sampled(task: Task) -> bool:
    """True where the task has a few-shot form: a leave-one-out task has no train split."""
    return task.split_rule != "leave-one-out"


WITHOUT_SAMPLE = "leave out --n-train for it"
"""Remedy for a task that has no few-shot form."""


def no_train_split(task: Task) -> UsageError:
    """The error of a task that has no few-shot form."""
    return UsageError(f"task {task.id} has no train split to sample", remedy=WITHOUT_SAMPLE)


def kept_rows(task: Task, manifest: Manifest, n_train: int) -> npt.NDArray[np.bool_]:
    """Mask of the rows that stay in a sample of the train items, bool (rows,); test rows all do.

    Official and open: the ``n_train`` items of each class with the smallest keys (all, where a
    class has fewer); a class is one of its group, where items have groups. Compat: ``n_train``
    items in total (with groups: in each), balanced: the classes give one item each in turn, and in
    a last turn that cannot serve every class the smallest keys go first. A traits task has no
    classes: ``n_train`` items in total. All rows of a chosen item stay.

    Raises:
        UsageError: The task is leave-one-out, or ``n_train`` < 1.
    """
    if n_train < 1:
        raise UsageError(
            f"--n-train must be at least 1, not {n_train}",
            remedy="give a number of items, or leave it out for all",
        )
    if not can_be_sampled(task):
        raise no_train_split(task)
    by_class: dict[tuple[str, int], list[tuple[bytes, int]]] = defaultdict(list)
    for position, row in enumerate(manifest.items.rows):
        if row.split == "train":
            by_class[row.group, row.label].append((sample_key(task, row.id), position))
    turns: dict[str, list[tuple[int, bytes, int]]] = defaultdict(list)
    for (group, _), members in by_class.items():
        turns[group] += [
            (turn, key, position) for turn, (key, position) in enumerate(sorted(members))
        ]
    chosen = np.array([row.split != "train" for row in manifest.items.rows], dtype=np.bool_)
    for in_group in turns.values():
        if task.division == "compat":
            chosen[[position for _, _, position in sorted(in_group)[:n_train]]] = True
        else:
            chosen[[position for turn, _, position in in_group if turn < n_train]] = True
    kept: npt.NDArray[np.bool_] = chosen[manifest.item_of_row]
    return kept


def with_rows(manifest: Manifest, kept: npt.NDArray[np.bool_]) -> Manifest:
    """``manifest`` with the rows ``kept``, bool (rows,); order and labels stay as they are."""
    rows = tuple(row for row, stays in zip(manifest.rows, kept.tolist(), strict=True) if stays)
    return replace(manifest, rows=rows)


def sample_train(task: Task, manifest: Manifest, n_train: int) -> Manifest:
    """``manifest`` with a sample of its train items, as :func:`kept_rows` chooses them."""
    return with_rows(manifest, kept_rows(task, manifest, n_train))
