"""The layout ``image-folder``: one folder a split, one folder a class (SPEC.md, section "Layouts").

In: options ``{splits: {train: "train", test: "validation"}}``, folders relative to the data folder
(one split ``gallery`` for leave-one-out), and maybe ``expected_exclusions``, class names that only
the test split has. Out: one item an image; its class is the folder right below the split's.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from biobench._common.text import shown
from biobench.data.faults import Faults
from biobench.data.layouts.options import SPLITS, SplitRule, check_keys, folder, join
from biobench.data.layouts.scan import DECODED, entries, image_files, is_folder
from biobench.data.manifest import Item, Split
from biobench.errors import DataError, SpecError
from biobench.spec.documents import Layout


def find_items(root: Path, layout: Layout, split_rule: SplitRule) -> list[Item]:
    """Items of every split. An item's id is its path, which is unique and survives a new machine.

    Files end as :data:`~biobench.data.layouts.scan.DECODED` says, in any case, at any depth below
    the class folder. Hidden files and folders, and files that are no images, are ignored. Raises
    DataError (missing folder, class folder without an image, image outside a class folder, image of
    another format, name that is not UTF-8, link to nothing, link loop) and SpecError for options
    that do not fit.
    """
    base = os.fspath(root)
    if not os.path.isdir(base):
        raise DataError("the data folder is missing", where=shown(base))
    faults = Faults()
    items: list[Item] = []
    for split, split_folder in _split_folders(layout, split_rule).items():
        for entry in entries(base, split_folder, faults):
            path = join(split_folder, entry.name)
            kind = is_folder(entry, path, faults)
            if kind:
                found = [Item(p, p, entry.name, split) for p in image_files(base, path, faults)]
                if not found:
                    faults.add(path, "the class folder has no image")
                items += found
            elif kind is False and entry.name.lower().endswith(DECODED):
                faults.add(path, "the image lies outside a class folder")
    faults.raise_if_any(base)
    return items


def annotation_files(layout: Layout, split_rule: SplitRule) -> list[str]:
    """None: the folders are the annotation."""
    return []


def image_folders(layout: Layout, split_rule: SplitRule) -> list[str]:
    """The folder of each split."""
    return list(_split_folders(layout, split_rule).values())


def _split_folders(layout: Layout, split_rule: SplitRule) -> dict[Split, str]:
    check_keys(layout, {"splits"}, frozenset({"expected_exclusions"}))
    splits = layout.options["splits"]
    wanted = SPLITS[split_rule]
    if not isinstance(splits, Mapping) or set(splits) != set(wanted):
        raise SpecError(
            f"layout {layout.id}: splits must name {' and '.join(wanted)} for {split_rule}",
            remedy="write {splits: {train: folder, test: folder}} or {splits: {gallery: folder}}",
        )
    folders = {cast(Split, s): folder(layout, f"splits/{s}", splits[s]) for s in wanted}
    if len(set(folders.values())) < len(folders):
        raise SpecError(f"layout {layout.id}: two splits name the same folder")
    return folders
