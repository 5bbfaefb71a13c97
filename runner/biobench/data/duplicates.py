"""Suspicious facts of a data set that are no faults by themselves, for ``data verify`` and ``run``.

In: a manifest and the digests of its files, or a layout and its folder. Out: lines for people, one
a kind, with the first items.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from biobench.data.layouts import places
from biobench.data.manifest import Manifest, Row
from biobench.errors import counted, shown
from biobench.spec.documents import Layout

MAX_NAMED = 3
"""Pairs that fit in one line for people."""

RowPair = tuple[Row, Row]
Pair = tuple[str, str]
LEAKED = "of the test split {have} the bytes of one of the train split"


@dataclass
class Duplicates:
    """Pairs of rows with the same bytes, the first row of which is the one to look at.

    Attributes:
        leaked: A row of test, and the first such row of train.
        repeated: A row of a gallery, and the first such row of its class: each is the other's
            nearest neighbour, whatever the model. Rows of one subject are one item and no pair.
        mixed: A row, and the first such row, which has another class or other traits. The unknown
            class contradicts none.
    """

    leaked: list[RowPair] = field(default_factory=list)
    repeated: list[RowPair] = field(default_factory=list)
    mixed: list[RowPair] = field(default_factory=list)


def duplicates(manifest: Manifest, contents: Iterable[Sequence[Row]]) -> Duplicates:
    """Pairs of rows that should not have the same bytes.

    Where items have groups, only those of one group are compared: the tasks of a grouped task may
    share images, and label them differently.

    Args:
        manifest: The items.
        contents: The rows of each content that several have, in the manifest's order.
    """
    found = Duplicates()
    for same in contents:
        groups: dict[str, list[Row]] = defaultdict(list)
        for row in same:
            groups[row.group].append(row)
        for rows in groups.values():
            _add(manifest, rows, found)
    return found


def _add(manifest: Manifest, rows: Sequence[Row], duplicates: Duplicates) -> None:
    train = next((row for row in rows if row.split == "train"), None)
    if train is not None:
        duplicates.leaked += [(row, train) for row in rows if row.split == "test"]
    known = [row for row in rows if row.label >= 0]
    firsts: dict[object, Row] = {}
    for row in known:
        first = firsts.setdefault(class_of(manifest, row), row)
        if first is not row and row.split == "gallery" and not _one_item(row, first):
            duplicates.repeated.append((row, first))
        if class_of(manifest, known[0]) != class_of(manifest, row):
            duplicates.mixed.append((row, known[0]))


def _one_item(row: Row, other: Row) -> bool:
    return bool(row.subject) and row.subject == other.subject


def shared_bytes(manifest: Manifest, digests: Mapping[str, str]) -> list[str]:
    """Report images of test that are images of train, images of a gallery that are there twice, and
    images of two classes, byte for byte.

    Args:
        manifest: The items.
        digests: Digests of every image by path.
    """
    counts = Counter(digests[row.path] for row in manifest.rows)
    contents: dict[str, list[Row]] = defaultdict(list)
    for row in manifest.rows:
        if counts[digests[row.path]] > 1:
            contents[digests[row.path]].append(row)
    found = duplicates(manifest, contents.values())
    lines = []
    for what, pairs in (("test", found.leaked), ("the gallery", found.repeated)):
        if pairs:
            have = f"{counted(len(pairs), 'image')} of {what} {_has(pairs)} the bytes of"
            other = "one of train" if pairs is found.leaked else "another one of its class"
            lines.append(f"{have} {other}: {_first([(a.path, b.path) for a, b in pairs])}")
    if found.mixed:
        have = f"{counted(len(found.mixed), 'image')} {_has(found.mixed)}"
        what = "other traits" if manifest.has_traits else "another class"
        named = [(_named(manifest, a), _named(manifest, b)) for a, b in found.mixed]
        lines.append(f"{have} the bytes of one of {what}: {_first(named)}")
    return lines


def linked_places(layout: Layout, root: Path) -> list[str]:
    """Report files and folders of the layout that are one and the same, as where a split is a
    link."""
    first: dict[str, str] = {}
    lines = []
    for path in places(layout):
        other = first.setdefault(os.path.realpath(root / path), path)
        if other != path:
            lines.append(f"{shown(path)} and {shown(other)} are one and the same, by a link")
    return lines


def class_of(manifest: Manifest, row: Row) -> object:
    """The name of a known class that a row is of, or its traits."""
    if manifest.has_traits:
        return row.traits
    return (manifest.test_classes if row.split == "test" else manifest.classes)[row.label]


def _named(manifest: Manifest, row: Row) -> str:
    name = class_of(manifest, row)
    return row.path if isinstance(name, tuple) else f"{row.path} ({name})"


def pairs_line(what: str, pairs: Sequence[Pair]) -> str:
    """A line on pairs of paths with the same bytes: how many, what they are, and the first ones;
    ``what``: such as :data:`LEAKED`."""
    line = what.format(have=_has(pairs))
    return f"{counted(len(pairs), 'image')} {line}: {_first(pairs, ' and ')}"


def _has(pairs: Sequence[RowPair] | Sequence[Pair]) -> str:
    return "has" if len(pairs) == 1 else "have"


def _first(pairs: Sequence[Pair], between: str = " = ") -> str:
    text = ", ".join(f"{shown(one)}{between}{shown(other)}" for one, other in pairs[:MAX_NAMED])
    return text + (f", and {len(pairs) - MAX_NAMED} more" if len(pairs) > MAX_NAMED else "")
