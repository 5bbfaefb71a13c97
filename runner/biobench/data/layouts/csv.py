"""The layout ``csv``: tables of text that name images (SPEC.md, section "Layouts").

In: tables, and options that say which columns hold what. Out: one item an image. Files that no row
names are ignored, since the tables decide.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

from biobench.data.faults import Faults
from biobench.data.file_hashes import FileRead
from biobench.data.layouts.csv_options import CsvOptions, read_options
from biobench.data.layouts.csv_poisonous_species import poisonous_names
from biobench.data.layouts.csv_rows import RowItems
from biobench.data.layouts.folder_listing import FolderListing
from biobench.data.layouts.layout_items import KeepMissing, LayoutItems
from biobench.data.layouts.options import SplitRule, join
from biobench.data.layouts.table import CsvTable, parse_table, read_table
from biobench.data.locate import require_data_folder
from biobench.spec.documents import Layout

Reader = Callable[[str, Faults], BinaryIO | None]
"""Path of a table -> the file, open; None, with a fault added, where it cannot be read."""


def find(
    root: Path, layout: Layout, split_rule: SplitRule, *, keep_missing: KeepMissing = False
) -> LayoutItems:
    """Items of every row that belongs to a split.

    keep_missing: list items without a file in ``missing`` instead of refusing them, all or those of
    some subjects.

    Raises:
        DataError: The tables, or what they name, have faults.
    """
    options = read_options(layout, split_rule)
    base = os.fspath(root)
    require_data_folder(Path(base), "the tables and the images that they name")
    faults = Faults("fix the tables, or give --data the folder that their paths start from")
    read = _reader(layout, base)
    found = collect(options, read, FolderListing(base), faults, keep_missing=keep_missing)
    faults.raise_if_any(base)
    return replace(found, tables=_places(layout, found.tables))


def _reader(layout: Layout, base: str) -> Reader:
    """The reader of the layout's tables, which lie in the data folder unless it says otherwise."""
    tables = layout.tables
    if tables is None or isinstance(tables, Path):
        return partial(read_table, base if tables is None else os.fspath(tables))
    return lambda name, faults: io.BytesIO(tables[name])


def _places(layout: Layout, read: Mapping[str, FileRead]) -> Mapping[str, FileRead]:
    """The tables that were read, by the path from the data folder; those in memory are no files."""
    if layout.tables is None:
        return read
    folder = layout.tables
    return {str(folder / name): f for name, f in read.items()} if isinstance(folder, Path) else {}


def annotation_files(layout: Layout, split_rule: SplitRule) -> list[str]:
    """Paths of the tables, each once."""
    options = read_options(layout, split_rule)
    names = [name for _, name in options.tables]
    if options.poisonous is not None:
        names.append(options.poisonous.table)
    return list(dict.fromkeys(names))


def image_folders(layout: Layout, split_rule: SplitRule) -> list[str]:
    """The folders that the templates of the path begin with, ``""`` for the data folder itself."""
    starts = [template.literals[0] for template in read_options(layout, split_rule).paths.values()]
    return list(dict.fromkeys(join("", start.rpartition("/")[0]) for start in starts))


def collect(
    options: CsvOptions,
    read: Reader,
    is_file: Callable[[str], bool],
    faults: Faults,
    *,
    keep_missing: KeepMissing,
) -> LayoutItems:
    """Do what :func:`find` does, as a function of the tables and of which files are there."""
    rows = RowItems(options, is_file, faults, keep_missing)
    parsed: dict[str, CsvTable | None] = {}
    files: dict[str, FileRead] = {}
    for split, name in options.tables:
        if name not in parsed:
            parsed[name] = _read(name, options.delimiter, options.names, read, faults, rows.columns)
        table = parsed[name]
        if table is not None:
            rows.add_table(table, split)
            _note(table, files)
    rows.check_splits()
    rows.check_missing()
    items = rows.items()
    poisonous: frozenset[str] | None = None
    if options.poisonous is not None:
        labels = dict.fromkeys(item.label for item in items)
        listing = options.poisonous
        table = _read(listing.table, ",", None, read, faults, (listing.label, listing.column))
        poisonous = frozenset()
        if table is not None:
            _note(table, files)
            poisonous = poisonous_names(options, listing, table, labels, faults)
    traits = tuple(trait.column for trait in options.traits)
    return LayoutItems(items, rows.missing, poisonous, traits, rows.of_no_split, files)


def _note(table: CsvTable, files: dict[str, FileRead]) -> None:
    """Add what a table was read from to ``files``."""
    if table.file is not None:
        files[table.name] = table.file


def _read(
    name: str,
    delimiter: str,
    names: Sequence[str] | None,
    read: Reader,
    faults: Faults,
    keep: Collection[str],
) -> CsvTable | None:
    file = read(name, faults)
    if file is None:
        return None
    with file:
        return parse_table(name, file, delimiter, names, faults, keep)
