"""Layouts: how a data set lies on disk, by layout id and never by task.

In: a folder and a data set's layout value. Out: items (SPEC.md, section "Layouts"). A new layout is
one module, one line in :data:`LAYOUTS`, and the places outside of this package that CONTRIBUTING.md
lists ("Places of an addition").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from biobench.data.layouts import coco, csv, image_folder
from biobench.data.layouts.clusters import with_path_clusters
from biobench.data.layouts.layout_items import KeepMissing, LayoutItems
from biobench.data.layouts.options import SplitRule, split_rule_of
from biobench.data.manifest import Item
from biobench.errors import SpecError
from biobench.spec.documents import Layout

__all__ = [
    "LAYOUTS",
    "Finder",
    "LayoutItems",
    "SplitRule",
    "annotation_files",
    "find",
    "find_items",
    "image_folders",
    "places",
]


class Finder(Protocol):
    """Function that finds the items of a layout."""

    def __call__(
        self,
        root: Path,
        layout: Layout,
        split_rule: SplitRule,
        *,
        keep_missing: KeepMissing = False,
    ) -> LayoutItems:
        """Items below ``root``, each once, in any stable order.

        keep_missing: list items without a file in ``missing`` instead of refusing them, all or
        those of some subjects.

        Raises:
            DataError: The data have structural faults.
        """


@dataclass(frozen=True)
class LayoutKind:
    """A layout's functions: its items, and the paths of its annotation files and image folders."""

    find: Finder
    annotation_files: Callable[[Layout, SplitRule], list[str]]
    image_folders: Callable[[Layout, SplitRule], list[str]]


LAYOUTS: Mapping[str, LayoutKind] = {
    "coco": LayoutKind(coco.find, coco.annotation_files, coco.image_folders),
    "csv": LayoutKind(csv.find, csv.annotation_files, csv.image_folders),
    "image-folder": LayoutKind(
        image_folder.find, image_folder.annotation_files, image_folder.image_folders
    ),
}


def find(
    root: Path, layout: Layout, split_rule: SplitRule, *, keep_missing: KeepMissing = False
) -> LayoutItems:
    """Items of the data set in ``root``.

    Raises:
        DataError: As :class:`Finder`.
        SpecError: The layout's id is not known.
    """
    found = _kind(layout).find(root, layout, split_rule, keep_missing=keep_missing)
    return with_path_clusters(found, layout, root)


def find_items(root: Path, layout: Layout, split_rule: SplitRule) -> list[Item]:
    """The items alone.

    Raises:
        DataError: As :func:`find`.
        SpecError: As :func:`find`.
    """
    return list(find(root, layout, split_rule).items)


def annotation_files(layout: Layout, split_rule: SplitRule) -> list[str]:
    """Paths of the files that say what the images are.

    Raises:
        SpecError: As :func:`find`.
    """
    return _kind(layout).annotation_files(layout, split_rule)


def places(layout: Layout) -> tuple[str, ...]:
    """Files and folders that a data folder of this layout has.

    Raises:
        SpecError: As :func:`find`.
    """
    kind, rule = _kind(layout), split_rule_of(layout)
    return (*kind.annotation_files(layout, rule), *kind.image_folders(layout, rule))


def image_folders(layout: Layout, split_rule: SplitRule) -> list[str]:
    """Paths of the folders that hold the images.

    Raises:
        SpecError: As :func:`find`.
    """
    return _kind(layout).image_folders(layout, split_rule)


def _kind(layout: Layout) -> LayoutKind:
    kind = LAYOUTS.get(layout.id)
    if kind is None:
        raise SpecError(
            f"unknown layout {layout.id!r}", remedy=f"known layouts: {', '.join(sorted(LAYOUTS))}"
        )
    return kind
