"""Clusters: what test items share that were taken together (SPEC.md, section "Layouts").

In: the option ``cluster`` of a layout, a unit and how the cluster of an item is found. Out: the
unit, and items with the cluster that a pattern finds in their path. Columns of tables and keys of
annotations are read by their layouts.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from biobench.data.faults import Faults
from biobench.data.layouts.layout_items import LayoutItems
from biobench.data.manifest import Item
from biobench.errors import shown
from biobench.spec.documents import Layout

FIELD = "{cluster}"


def cluster_unit(layout: Layout) -> str:
    """The unit of which a cluster is one; ``item`` where the layout declares no clusters."""
    return str((layout.options.get("cluster") or {}).get("unit", "item"))


def with_path_clusters(layout_items: LayoutItems, layout: Layout, root: Path) -> LayoutItems:
    """The items with the clusters that the pattern of ``cluster`` finds in their paths.

    Items of a train split have none. Without a pattern the items stay as they are.

    Raises:
        DataError: The paths of test or gallery items are not of the pattern's form.
    """
    pattern = (layout.options.get("cluster") or {}).get("pattern")
    if pattern is None:
        return layout_items
    faults = Faults("fix the pattern of cluster, or the names of the files")
    items: list[Item] = []
    for item in layout_items.items:
        cluster = "" if item.split == "train" else cluster_of_path(pattern, item.path)
        if cluster is None:
            faults.add(item.path, f"the path does not match the pattern {shown(pattern)!r}")
        items.append(item._replace(cluster=cluster or ""))
    faults.raise_if_any(shown(os.fspath(root)))
    return replace(layout_items, items=items)


def cluster_of_path(pattern: str, path: str) -> str | None:
    """The text that ``{cluster}`` stands for in a path; None where the path does not match.

    The parts of the pattern, between ``/``, are those that the path ends with. ``*`` stands for any
    characters of a part, ``{cluster}`` for one or more; of several ways to match, it is that in
    which the first of them is the shortest, then the second, and so on.
    """
    wanted = pattern.split("/")
    parts = path.split("/")[-len(wanted) :]
    if len(parts) < len(wanted):
        return None
    cluster = None
    for form, part in zip(wanted, parts, strict=True):
        matched, found = _match(form, part)
        if not matched:
            return None
        cluster = cluster if found is None else found
    return cluster


def _match(form: str, part: str) -> tuple[bool, str | None]:
    """Match a part of a path with a form, and find what ``{cluster}`` is in it.

    The next literal is taken where it first occurs: that is the shortest way, and leaves the most
    room for what follows, so that no way is missed.
    """
    literals, fields = _pieces(form)
    if not fields:
        return form == part, None
    if not part.startswith(literals[0]):
        return False, None
    at, cluster = len(literals[0]), None
    for number, (field, literal) in enumerate(zip(fields, literals[1:], strict=True), 1):
        least = at + (field == FIELD)
        if number == len(fields):
            end = len(part) - len(literal)
            if end < least or not part.endswith(literal):
                return False, None
        else:
            end = part.find(literal, least)
            if end < 0:
                return False, None
        if field == FIELD:
            cluster = part[at:end]
        at = end + len(literal)
    return True, cluster


def _pieces(form: str) -> tuple[Sequence[str], Sequence[str]]:
    """Literal text and the fields ``*`` and ``{cluster}`` between, in turn."""
    literals, fields = [], []
    for number, outer in enumerate(form.split(FIELD)):
        if number:
            fields.append(FIELD)
        stars = outer.split("*")
        literals += stars
        fields += ["*"] * (len(stars) - 1)
    return literals, fields
