"""The options of the layout ``csv`` as a value (SPEC.md, section "Layouts").

In: the options as a document writes them, of the shape of layout-csv.schema.json. Out: checked
templates and names; SpecError for what the schema cannot see.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from biobench.data.layouts.options import SPLITS, SplitRule, check_keys, folder
from biobench.data.layouts.template import Template, parse_template
from biobench.data.manifest import Split
from biobench.errors import SpecError
from biobench.spec.documents import Layout

OPTIONAL = frozenset(
    {
        *("tables", "table", "split", "delimiter", "columns", "path_case", "id", "label"),
        *("label_ids", "traits", "drop_incomplete", "subject", "position", "group", "frames"),
        *("unknown_label", "expected_exclusions", "poisonous"),
    }
)


@dataclass(frozen=True)
class Trait:
    """One trait: its column, and what each cell that it may have stands for."""

    column: str
    values: Mapping[str, int]


@dataclass(frozen=True)
class Frames:
    """A row stands for ``count`` images; ``column`` is their number from 1, of ``digits`` digits
    or more."""

    column: str
    count: int
    digits: int


@dataclass(frozen=True)
class Poisonous:
    """Where the poisonous classes are listed.

    values: what each cell of ``column`` says. whole: whether the table must say of each class what
    it is, once; otherwise any other cell, and no row, says that a class is not poisonous.
    """

    table: str
    label: str
    column: str
    values: Mapping[str, bool]
    whole: bool


@dataclass(frozen=True)
class CsvOptions:
    """The options, with what is left out filled in.

    tables: (split, table) in the order to read; the split is None where ``split_column`` names it,
    whose cells ``split_cells`` maps to splits. ``names`` are those of the columns where tables have
    no header. ``label_ids`` is the number of ids that label names write, None where a name may be
    any text.
    """

    tables: tuple[tuple[Split | None, str], ...]
    splits: tuple[Split, ...]
    split_column: str | None
    split_cells: Mapping[str, Split]
    delimiter: str
    names: tuple[str, ...] | None
    paths: Mapping[Split, Template]
    lower: bool
    id: Template | None
    label: str | None
    label_ids: int | None
    unknown_label: str | None
    traits: tuple[Trait, ...]
    drop_incomplete: bool
    subject: Template | None
    position: str | None
    group: Template | None
    frames: Frames | None
    poisonous: Poisonous | None


def read_options(layout: Layout, split_rule: SplitRule) -> CsvOptions:
    """Raises SpecError for options that do not fit together or the split rule."""
    check_keys(layout, {"path"}, OPTIONAL)
    options = layout.options
    splits = cast(tuple[Split, ...], SPLITS[split_rule])
    if ("label" in options) is ("traits" in options):
        raise _wrong(layout, "give one of the options label and traits")
    frames = Frames(**options["frames"]) if "frames" in options else None
    cells = _split_cells(layout, splits) if "split" in options else {}
    return CsvOptions(
        tables=_tables(layout, splits),
        splits=splits,
        split_column=options["split"]["column"] if "split" in options else None,
        split_cells=cells,
        delimiter=options.get("delimiter", ","),
        names=_names(layout, frames),
        paths=_paths(layout, splits),
        lower=options.get("path_case", "exact") == "exact-then-lower",
        id=_template(layout, "id"),
        label=options.get("label"),
        label_ids=options.get("label_ids"),
        unknown_label=options.get("unknown_label"),
        traits=_traits(layout),
        drop_incomplete=options.get("drop_incomplete", False),
        subject=_template(layout, "subject"),
        position=options.get("position"),
        group=_template(layout, "group"),
        frames=frames,
        poisonous=_poisonous(layout),
    )


def _poisonous(layout: Layout) -> Poisonous | None:
    given = layout.options.get("poisonous")
    if given is None:
        return None
    pairs = [(key == "cells", cell) for key in ("cells", "edible") for cell in given.get(key, ())]
    values = {cell: value for value, cell in _unique(layout, "poisonous", pairs)}
    return Poisonous(given["table"], given["label"], given["column"], values, "edible" in given)


def _wrong(layout: Layout, what: str) -> SpecError:
    return SpecError(f"layout {layout.id}: {what}")


def _template(layout: Layout, key: str) -> Template | None:
    value = layout.options.get(key)
    return None if value is None else parse_template(layout, key, value)


def _tables(layout: Layout, splits: tuple[Split, ...]) -> tuple[tuple[Split | None, str], ...]:
    options = layout.options
    if ("tables" in options) is ("table" in options):
        raise _wrong(layout, "give one of the options tables and table")
    if ("table" in options) is not ("split" in options):
        raise _wrong(layout, "give split with table, and no split with tables")
    if "table" in options:
        return tuple((None, name) for name in _files(layout, "table", options["table"]))
    _check_splits(layout, "tables", options["tables"], splits)
    return tuple(
        (split, name)
        for split in splits
        for name in _files(layout, f"tables/{split}", options["tables"][split])
    )


def _files(layout: Layout, key: str, value: Any) -> list[str]:
    names = [value] if isinstance(value, str) else value
    return [folder(layout, key, name) for name in names]


def _check_splits(
    layout: Layout, key: str, given: Mapping[str, Any], splits: tuple[Split, ...]
) -> None:
    if set(given) != set(splits):
        raise SpecError(
            f"layout {layout.id}: {key} must name {' and '.join(splits)}, "
            f"not {' and '.join(sorted(given)) or 'nothing'}",
            remedy="split train-test has train and test, leave-one-out has gallery",
        )


def _split_cells(layout: Layout, splits: tuple[Split, ...]) -> dict[str, Split]:
    given = {key: cells for key, cells in layout.options["split"].items() if key != "column"}
    _check_splits(layout, "split", given, splits)
    return {
        cell: split
        for split, cell in _unique(
            layout, "split", ((split, cell) for split in splits for cell in given[split])
        )
    }


def _unique(layout: Layout, key: str, pairs: Iterable[tuple[Any, str]]) -> list[tuple[Any, str]]:
    """Pairs of which no two have the same cell."""
    found: list[tuple[Any, str]] = []
    seen: set[str] = set()
    for value, cell in pairs:
        if cell in seen:
            raise _wrong(layout, f"the cell {cell!r} is twice in {key}")
        seen.add(cell)
        found.append((value, cell))
    return found


def _names(layout: Layout, frames: Frames | None) -> tuple[str, ...] | None:
    names = layout.options.get("columns")
    if names is not None and frames is not None and frames.column in names:
        raise _wrong(layout, f"frames/column {frames.column!r} is a column of the tables too")
    return None if names is None else tuple(names)


def _paths(layout: Layout, splits: tuple[Split, ...]) -> dict[Split, Template]:
    path = layout.options["path"]
    if not isinstance(path, Mapping):
        template = parse_template(layout, "path", path)
        return dict.fromkeys(splits, template)
    _check_splits(layout, "path", path, splits)
    return {split: parse_template(layout, f"path/{split}", path[split]) for split in splits}


def _traits(layout: Layout) -> tuple[Trait, ...]:
    traits = []
    for i, given in enumerate(layout.options.get("traits", ())):
        pairs = [(value, cell) for value, key in ((1, "one"), (0, "zero")) for cell in given[key]]
        values = {cell: value for value, cell in _unique(layout, f"traits/{i}", pairs)}
        traits.append(Trait(given["column"], values))
    columns = [trait.column for trait in traits]
    if len(set(columns)) < len(columns):
        raise _wrong(layout, "two traits have the same column")
    return tuple(traits)
