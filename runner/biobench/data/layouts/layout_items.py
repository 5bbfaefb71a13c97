"""Findings of a layout in a data folder (SPEC.md, section "Layouts")."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from biobench.data.file_hashes import FileRead
from biobench.data.manifest import Item

KeepMissing = bool | Collection[str]
"""True where items without a file are listed, not refused; or the subjects whose items are."""


@dataclass(frozen=True)
class LayoutItems:
    """Items in any stable order, those of one subject in the order of their positions.

    missing: id of an item whose file is not there -> where the item is named; filled only where
    the caller keeps such items. poisonous: label names that the data set calls poisonous,
    None where it says nothing of that. traits: names of the traits, in the order of an item's.
    tables: annotation files as they were read, by path; some are not among
    :func:`annotation_files`.
    of_no_split: cell of a table's column of splits that names none -> rows that have it.
    """

    items: Sequence[Item]
    missing: Mapping[str, str] = field(default_factory=dict)
    poisonous: frozenset[str] | None = None
    traits: tuple[str, ...] = ()
    of_no_split: Mapping[str, int] = field(default_factory=dict)
    tables: Mapping[str, FileRead] = field(default_factory=dict)
