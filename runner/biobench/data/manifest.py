"""The manifest: the ordered table of what a task is scored on (SPEC.md, section "Manifests").

In: items found by a layout. Out: rows in code-point order of their path, split by split, with
label ids and a digest over ``[[id, path, label, split], ...]``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from biobench.spec.canonical import canonical_json

Split = Literal["train", "test", "gallery"]

BLOCK = 4096
"""Rows that become text at once."""


@dataclass(frozen=True, slots=True)
class Item:
    """One image as a layout finds it: unique id, path below the data folder, label name.

    ``traits`` are the 0 or 1 of a task whose label is a list of traits (``label`` is then empty).
    ``group`` names the sub-task of a grouped task, ``subject`` the clip or observation that the
    image belongs to; both are empty where the layout declares none.
    """

    id: str
    path: str
    label: str
    split: Split
    traits: tuple[int, ...] = ()
    group: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One manifest row, which is one image; ``label`` is an index into :attr:`Manifest.classes`.

    ``scored`` is false for a train row, and for a gallery row that has no other example of its
    class. ``label`` is -1 for a test row of the layout's unknown label (label rule
    ``train-names-or-unknown``). In a traits task ``traits`` holds the 0 or 1 of each and ``label``
    is 0. ``group`` is the sub-task of a grouped task. ``subject`` is the item that the view pools
    the row into; it is empty where the row is an item of its own.
    """

    id: str
    path: str
    label: int
    split: Split
    scored: bool
    traits: tuple[int, ...] = ()
    group: str = ""
    subject: str = ""


@dataclass(frozen=True)
class Manifest:
    """Rows in order: train then test (leave-one-out: one split, ``gallery``); each by path.

    ``excluded_names``: class -> how many of its test items have no train example. Those of a
    train-test task are no rows; those of a leave-one-out task are rows that are not scored.
    ``test_classes`` is what the labels of test rows index: it differs from ``classes`` only where
    each split's names are sorted on their own (label rule ``split-names``). In a traits task both
    are the names of the traits, in the layout's order. ``poisonous`` are the classes that the data
    set lists as such, None where it has no such list. ``dropped`` counts the clips that the view
    left out, in all splits. ``of_no_split``: cell of a table's column of splits that names none ->
    rows that have it.
    """

    root: Path
    classes: tuple[str, ...]
    rows: tuple[Row, ...]
    excluded_names: Mapping[str, int]
    test_classes: tuple[str, ...]
    poisonous: tuple[int, ...] | None = None
    dropped: int = 0
    of_no_split: Mapping[str, int] = field(default_factory=dict)

    @property
    def excluded(self) -> int:
        """Test items that have no train example of their class."""
        return sum(self.excluded_names.values())

    def value(self) -> list[list[Any]]:
        """``[[id, path, label, split], ...]`` as a JSON value, one row an image.

        The label of a traits task is its list of 0 and 1. Where the task has groups, the row's
        group follows; where the view pools, its subject.
        """
        return self._values(self.rows)

    @cached_property
    def digest(self) -> str:
        """Digest of :meth:`value`, block by block: its text can be larger than the manifest."""
        digest = hashlib.sha256(b"[")
        for start in range(0, len(self.rows), BLOCK):
            values = self._values(self.rows[start : start + BLOCK])
            digest.update(b"," if start else b"")
            digest.update(canonical_json(values)[1:-1])
        digest.update(b"]")
        return f"sha256:{digest.hexdigest()}"

    def _values(self, rows: Sequence[Row]) -> list[list[Any]]:
        more = [name for name, used in (("group", self.grouped), ("subject", self.pooled)) if used]
        return [
            [
                row.id,
                row.path,
                list(row.traits) if row.traits else row.label,
                row.split,
                *(getattr(row, name) for name in more),
            ]
            for row in rows
        ]

    @cached_property
    def grouped(self) -> bool:
        """Whether the task has groups."""
        return any(row.group for row in self.rows)

    @cached_property
    def pooled(self) -> bool:
        """Whether rows are pooled into items: then a row is no item by itself."""
        return any(row.subject for row in self.rows)

    @cached_property
    def items(self) -> Manifest:
        """What is classified, in order: each row, or each subject where the view pools its rows.

        An item that is pooled has its subject as id and the path of its first row. Labels, splits,
        groups and the rest are as in the rows; probes, predictions and counts speak of these.
        """
        if not self.pooled:
            return self
        first = {(row.split, row.subject or row.id): row for row in reversed(self.rows)}
        kept = (row for row in self.rows if first[row.split, row.subject or row.id] is row)
        return replace(
            self, rows=tuple(replace(row, id=row.subject or row.id, subject="") for row in kept)
        )

    @cached_property
    def item_of_row(self) -> npt.NDArray[np.int64]:
        """For every row the number of its item, int64, shape (rows,); ascending."""
        keys = [row.subject or row.id for row in self.rows]
        new = [i == 0 or key != keys[i - 1] for i, key in enumerate(keys)]
        return np.cumsum(new, dtype=np.int64) - 1

    @cached_property
    def has_traits(self) -> bool:
        """Whether a label is a list of traits."""
        return any(row.traits for row in self.rows)

    def indices(self, split: Split) -> npt.NDArray[np.int64]:
        """Row numbers of a split, ascending, int64."""
        return np.array([i for i, r in enumerate(self.rows) if r.split == split], dtype=np.int64)

    def labels(self) -> npt.NDArray[np.int64]:
        """Label id of every row, int64, shape (rows,)."""
        return np.array([r.label for r in self.rows], dtype=np.int64)

    def scored(self) -> npt.NDArray[np.bool_]:
        """Which rows are test (query) items, bool, shape (rows,)."""
        return np.array([r.scored for r in self.rows], dtype=np.bool_)

    def traits(self) -> npt.NDArray[np.int8]:
        """The 0 or 1 of every row and trait, int8, shape (rows, traits); no column elsewhere."""
        width = len(self.classes) if self.has_traits else 0
        return np.array([r.traits for r in self.rows], dtype=np.int8).reshape(-1, width)

    def groups(self) -> tuple[str, ...]:
        """The group of every row; empty strings where the task has no groups."""
        return tuple(row.group for row in self.rows)
