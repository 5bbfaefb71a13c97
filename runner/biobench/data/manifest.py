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
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from biobench.data.file_hashes import FileRead
from biobench.spec.canonical import canonical_json

Split = Literal["train", "test", "gallery"]

BLOCK = 4096
"""Rows that become text at once."""


class Item(NamedTuple):
    """One image as a layout finds it. A tuple, since a table may make a million of them.

    Attributes:
        id: Unique id.
        path: Path below the data folder.
        label: Label name; empty in a task of traits.
        traits: The 0 or 1 of each trait, where a label is a list of traits.
        group: The sub-task of a grouped task; empty where the layout declares none.
        subject: The clip or observation that the image belongs to; empty where the layout declares
            none.
        cluster: What the image shares with others that were taken together, such as a camera;
            empty in a train split, and where the layout declares none.
    """

    id: str
    path: str
    label: str
    split: Split
    traits: tuple[int, ...] = ()
    group: str = ""
    subject: str = ""
    cluster: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One manifest row, which is one image.

    Attributes:
        label: Index into :attr:`Manifest.classes`; -1 for a test row of the layout's unknown label
            (label rule ``train-names-or-unknown``), 0 in a traits task.
        scored: False for a train row, and for a gallery row that is the only example of its class.
        traits: The 0 or 1 of each trait in a traits task.
        group: The sub-task of a grouped task.
        subject: The item that the view pools the row into; empty where the row is an item of its
            own.
        cluster: As in :class:`Item`; a row of a test or gallery split without one is a cluster of
            its own, which its item's id names.
    """

    id: str
    path: str
    label: int
    split: Split
    scored: bool
    traits: tuple[int, ...] = ()
    group: str = ""
    subject: str = ""
    cluster: str = ""


@dataclass(frozen=True)
class Manifest:
    """Rows in order: train then test (leave-one-out: one split, ``gallery``); each by path.

    Attributes:
        excluded_names: Class -> number of its test items without a train example. Those of a
            train-test task have no rows; those of a leave-one-out task have rows that are not
            scored.
        test_classes: The names that labels of test rows index: it differs from ``classes`` only
            where each split's names are sorted on their own (label rule ``split-names``). In a
            traits task both are the names of the traits, in the layout's order.
        poisonous: The classes that the data set lists as such, None where it has no such list.
        dropped: Number of clips that the view left out, in all splits.
        of_no_split: Cell of a table's column of splits that names no split -> rows that have it.
        tables: The tables and annotation files that it was made of, as they were read.
        cluster_unit: The unit of which a cluster is one, a word such as ``camera``; ``item`` where
            the layout declares no clusters, so that every item is one.
        left_out: Path of an image that was left out, with its whole item, since it cannot be read
            -> the reason.
        more_formats: Names of the formats of its files beyond those of the specification.
    """

    root: Path
    classes: tuple[str, ...]
    rows: tuple[Row, ...]
    excluded_names: Mapping[str, int]
    test_classes: tuple[str, ...]
    poisonous: tuple[int, ...] | None = None
    dropped: int = 0
    of_no_split: Mapping[str, int] = field(default_factory=dict)
    tables: Mapping[str, FileRead] = field(default_factory=dict)
    cluster_unit: str = "item"
    left_out: Mapping[str, str] = field(default_factory=dict)
    more_formats: tuple[str, ...] = ()

    @property
    def excluded(self) -> int:
        """Test items that have no train example of their class."""
        return sum(self.excluded_names.values())

    def value(self) -> list[list[Any]]:
        """``[[id, path, label, split], ...]`` as a JSON value, one row an image.

        The label of a traits task is its list of 0 and 1. Where the task has groups, the row's
        group follows; where the view pools, its subject; where the layout has clusters, its
        cluster.
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
        columns = (
            ("group", self.grouped),
            ("subject", self.pooled),
            ("cluster", self.clustered),
        )
        more = [name for name, used in columns if used]
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
        """True where the task has groups."""
        return any(row.group for row in self.rows)

    @cached_property
    def pooled(self) -> bool:
        """True where rows are pooled into items: then a row is not an item by itself."""
        return any(row.subject for row in self.rows)

    @cached_property
    def clustered(self) -> bool:
        """True where the layout has clusters."""
        return any(row.cluster for row in self.rows)

    @cached_property
    def items(self) -> Manifest:
        """The items that are classified, in order: each row, or each subject where the view pools
        its rows.

        A pooled item has its subject as id and the path of its first row. Labels, splits, groups,
        clusters and the rest are as in the rows; probes, predictions and counts refer to these
        items.
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
        """True where a label is a list of traits."""
        return any(row.traits for row in self.rows)

    def indices(self, split: Split) -> npt.NDArray[np.int64]:
        """Row numbers of a split, ascending, int64."""
        return np.array([i for i, r in enumerate(self.rows) if r.split == split], dtype=np.int64)

    def labels(self) -> npt.NDArray[np.int64]:
        """Label id of every row, int64, shape (rows,)."""
        return np.array([r.label for r in self.rows], dtype=np.int64)

    def scored(self) -> npt.NDArray[np.bool_]:
        """Mask of the test (query) items, bool, shape (rows,)."""
        return np.array([r.scored for r in self.rows], dtype=np.bool_)

    def traits(self) -> npt.NDArray[np.int8]:
        """The 0 or 1 of every row and trait, int8, shape (rows, traits); no column elsewhere."""
        width = len(self.classes) if self.has_traits else 0
        return np.array([r.traits for r in self.rows], dtype=np.int8).reshape(-1, width)

    def groups(self) -> tuple[str, ...]:
        """The group of every row; empty strings where the task has no groups."""
        return tuple(row.group for row in self.rows)
