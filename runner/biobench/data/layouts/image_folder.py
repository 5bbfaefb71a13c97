"""The layout ``image-folder``: one folder a split, one folder a class (SPEC.md, section "Layouts").

In: options ``{splits: {train: "train", test: "validation"}}``, folders relative to the data folder
(one split ``gallery`` for leave-one-out), maybe ``expected_exclusions``, class names that only the
test split has, and maybe ``flat``, how the classes of a split are listed whose images lie in its
folder itself. Out: one item an image; its class is the folder right below the split's.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from biobench._common.text import short
from biobench.data.annotations import read_whole
from biobench.data.faults import Faults
from biobench.data.file_hashes import FileRead
from biobench.data.layouts.layout_items import KeepMissing, LayoutItems
from biobench.data.layouts.options import SPLITS, SplitRule, join
from biobench.data.layouts.scan import DECODED, UNDECODED, entries, image_files, is_folder
from biobench.data.layouts.table import MOST_BYTES
from biobench.data.locate import require_data_folder
from biobench.data.manifest import Item, Split
from biobench.spec.documents import Layout

_NUMBER = re.compile(rb"[1-9][0-9]{0,8}")


def find(
    root: Path, layout: Layout, split_rule: SplitRule, *, keep_missing: KeepMissing = False
) -> LayoutItems:
    """Items of every split. An item's id is its path, which is unique and survives a new machine.

    Files end as :data:`~biobench.data.layouts.scan.DECODED` says, in any case, at any depth below
    the class folder. Hidden files and folders, and files that are no images, are ignored.

    Raises:
        DataError: A folder is missing; a class folder has no image; an image lies outside a class
            folder, or has another format; a name is not UTF-8; a link leads to nothing or in a
            loop; a list of classes does not fit its images.
    """
    base = os.fspath(root)
    require_data_folder(Path(base), "the folders of the splits")
    faults = Faults()
    items: list[Item] = []
    tables: dict[str, FileRead] = {}
    flat = layout.options.get("flat", {})
    for split, split_folder in _split_folders(layout, split_rule).items():
        found = entries(base, split_folder, faults)
        kinds = [is_folder(entry, join(split_folder, entry.name), faults) for entry in found]
        if split in flat and True not in kinds:
            names = [entry.name for entry, kind in zip(found, kinds, strict=True) if kind is False]
            items += _listed(base, split, split_folder, names, flat[split], faults, tables)
            continue
        for entry, kind in zip(found, kinds, strict=True):
            path = join(split_folder, entry.name)
            if kind:
                below = [Item(p, p, entry.name, split) for p in image_files(base, path, faults)]
                if not below:
                    faults.add(path, "the class folder has no image")
                items += below
            elif kind is False and entry.name.lower().endswith(DECODED):
                faults.add(path, "the image lies outside a class folder")
    faults.raise_if_any(base)
    return LayoutItems(items, tables=tables)


def find_items(root: Path, layout: Layout, split_rule: SplitRule) -> list[Item]:
    """The items alone.

    Raises:
        DataError: As :func:`find`.
    """
    return list(find(root, layout, split_rule).items)


def _listed(
    base: str,
    split: Split,
    split_folder: str,
    names: Sequence[str],
    listed: Mapping[str, Any],
    faults: Faults,
    tables: dict[str, FileRead],
) -> list[Item]:
    """The images of a split's folder, in order of their names, with the classes of the list, which
    is added to ``tables``."""
    for name in names:
        if name.lower().endswith(UNDECODED):
            faults.add(join(split_folder, name), "an image format that is not read")
    images = [join(split_folder, name) for name in names if name.lower().endswith(DECODED)]
    table, classes = join("", listed["labels"]), listed["classes"]
    try:
        data, tables[table] = read_whole(os.path.join(base, table), MOST_BYTES)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        what = "is missing" if missing else f"cannot be read ({error.strerror})"
        faults.add(
            split_folder, f"it has no class folders, and the list of its classes {table} {what}"
        )
        return []
    lines = data.split()
    if len(lines) != len(images):
        faults.add(table, f"{len(lines)} classes for the {len(images)} images in {split_folder}")
        return []
    items = []
    for i, (path, line) in enumerate(zip(images, lines, strict=True), 1):
        if not _NUMBER.fullmatch(line) or int(line) > len(classes):
            written = short(line.decode("utf-8", "replace"))
            what = f"{written} must be a number from 1 to {len(classes)}"
            faults.add(f"{table} line {i}", what)
        else:
            items.append(Item(path, path, classes[int(line) - 1], split))
    return items


def annotation_files(layout: Layout, split_rule: SplitRule) -> list[str]:
    """None: the folders are the annotation. A list of classes is read only where there are none."""
    return []


def image_folders(layout: Layout, split_rule: SplitRule) -> list[str]:
    """The folder of each split."""
    return list(_split_folders(layout, split_rule).values())


def _split_folders(layout: Layout, split_rule: SplitRule) -> dict[Split, str]:
    splits = layout.options["splits"]
    return {cast(Split, split): join("", splits[split]) for split in SPLITS[split_rule]}
