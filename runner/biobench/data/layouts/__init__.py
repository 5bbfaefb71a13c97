"""Layouts: how a data set lies on disk, by layout id and never by task.

In: a folder and a data set's layout value. Out: items (SPEC.md, section "Layouts"). A new layout is
one module with ``find_items`` and one line in :data:`LAYOUTS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from biobench.data.layouts import coco, image_folder
from biobench.data.layouts.options import SplitRule
from biobench.data.manifest import Item
from biobench.errors import SpecError
from biobench.spec.documents import Layout

__all__ = ["LAYOUTS", "Finder", "SplitRule", "find_items"]


class Finder(Protocol):
    """What a layout module offers."""

    def __call__(self, root: Path, layout: Layout, split_rule: SplitRule) -> list[Item]:
        """Items below ``root``, each once, in any stable order.

        Raises DataError for structural faults and SpecError for options that do not fit.
        """


LAYOUTS: Mapping[str, Finder] = {
    "coco": coco.find_items,
    "image-folder": image_folder.find_items,
}


def find_items(root: Path, layout: Layout, split_rule: SplitRule) -> list[Item]:
    """Items of the data set in ``root``; raises as :class:`Finder`, or SpecError for an id."""
    finder = LAYOUTS.get(layout.id)
    if finder is None:
        raise SpecError(
            f"unknown layout {layout.id!r}", remedy=f"known layouts: {', '.join(sorted(LAYOUTS))}"
        )
    return finder(root, layout, split_rule)
