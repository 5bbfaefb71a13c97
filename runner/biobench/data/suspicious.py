"""Suspicious facts of a data set that are no faults by themselves, for ``data verify`` and ``run``.

In: a manifest and the digests of its files, or a layout and its folder. Out: lines for people, one
a kind, with the first items.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from biobench._common.text import shown
from biobench.data.layouts import places
from biobench.data.manifest import Manifest, Row
from biobench.errors import counted
from biobench.spec.documents import Layout

NAMED = 3
"""Pairs that fit in one line for people."""

Pair = tuple[str, str]


def shared_bytes(manifest: Manifest, digests: Mapping[str, str]) -> list[str]:
    """Report images of test that are images of train, and images of two classes, byte for byte.

    Where items have groups, only those of one group are compared: the tasks of a grouped task may
    share images.

    Args:
        manifest: The items.
        digests: Digests of every image by path.
    """
    counts = Counter((row.group, digests[row.path]) for row in manifest.rows)
    alike: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in manifest.rows:
        key = row.group, digests[row.path]
        if counts[key] > 1:
            alike[key].append(row)
    leaked: list[Pair] = []
    mixed: list[Pair] = []
    for rows in alike.values():
        train = next((row for row in rows if row.split == "train"), None)
        if train is not None:
            leaked += [(row.path, train.path) for row in rows if row.split == "test"]
        first = rows[0]
        for row in rows[1:]:
            if _class(manifest, row) != _class(manifest, first):
                mixed.append((_named(manifest, row), _named(manifest, first)))
    lines = []
    if leaked:
        have = f"{counted(len(leaked), 'image')} of test {_has(leaked)}"
        lines.append(f"{have} the bytes of one of train: {_first(leaked)}")
    if mixed:
        have = f"{counted(len(mixed), 'image')} {_has(mixed)}"
        what = "other traits" if manifest.has_traits else "another class"
        lines.append(f"{have} the bytes of one of {what}: {_first(mixed)}")
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


def _class(manifest: Manifest, row: Row) -> object:
    if manifest.has_traits:
        return row.traits
    names = manifest.test_classes if row.split == "test" else manifest.classes
    return names[row.label] if row.label >= 0 else None


def _named(manifest: Manifest, row: Row) -> str:
    name = _class(manifest, row)
    if isinstance(name, tuple):
        return row.path
    return f"{row.path} ({'unknown' if name is None else name})"


def _has(pairs: Sequence[Pair]) -> str:
    return "has" if len(pairs) == 1 else "have"


def _first(pairs: Sequence[Pair]) -> str:
    text = ", ".join(f"{shown(one)} = {shown(other)}" for one, other in pairs[:NAMED])
    return text + (f", and {len(pairs) - NAMED} more" if len(pairs) > NAMED else "")
