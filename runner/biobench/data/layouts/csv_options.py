"""The options of the layout ``csv`` as a value (SPEC.md, section "Layouts").

In: the options of a document, which its schema and :mod:`biobench.spec.layout_options` take. Out:
templates and names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from biobench.data.layouts.options import SPLITS, SplitRule, join
from biobench.data.layouts.template import Template, parse_template
from biobench.data.manifest import Split
from biobench.spec.documents import Layout
from biobench.spec.layout_options import cluster_templates, listed

T = TypeVar("T")


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
    """Place where the poisonous classes are listed.

    values: what each cell of ``column`` says, where the table must say of each class what it is,
    once. None where the column holds numbers, of which 1 says that a class is poisonous, and
    classes may be left out.
    """

    table: str
    label: str
    column: str
    values: Mapping[str, bool] | None


@dataclass(frozen=True)
class CsvOptions:
    """The options, with what is left out filled in.

    tables: (split, table) in the order to read; the split is None where ``split_column`` names it,
    whose cells ``split_cells`` maps to splits. ``names`` are those of the columns where tables have
    no header. ``label_ids`` is the number of ids that label names write, None where a name may be
    any text. A cluster is named by the first template of ``cluster`` without an empty cell.
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
    cluster: tuple[Template, ...]
    frames: Frames | None
    poisonous: Poisonous | None


def read_options(layout: Layout, split_rule: SplitRule) -> CsvOptions:
    """The options of a document that has been checked, for a split rule that its splits are of."""
    options = layout.options
    splits = cast(tuple[Split, ...], SPLITS[split_rule])
    path, names = options["path"], options.get("columns")
    each = path if isinstance(path, Mapping) else dict.fromkeys(splits, path)
    return CsvOptions(
        tables=_tables(options, splits),
        splits=splits,
        split_column=options["split"]["column"] if "split" in options else None,
        split_cells=_meanings({split: options["split"][split] for split in splits})
        if "split" in options
        else {},
        delimiter=options.get("delimiter", ","),
        names=None if names is None else tuple(names),
        paths={split: parse_template(each[split]) for split in splits},
        lower=options.get("path_case", "exact") == "exact-then-lower",
        id=_template(options, "id"),
        label=options.get("label"),
        label_ids=options.get("label_ids"),
        unknown_label=options.get("unknown_label"),
        traits=tuple(
            Trait(trait["column"], _meanings({1: trait["one"], 0: trait["zero"]}))
            for trait in options.get("traits", ())
        ),
        drop_incomplete=options.get("drop_incomplete", False),
        subject=_template(options, "subject"),
        position=options.get("position"),
        group=_template(options, "group"),
        cluster=tuple(map(parse_template, cluster_templates(options))),
        frames=Frames(**options["frames"]) if "frames" in options else None,
        poisonous=_poisonous(options.get("poisonous")),
    )


def _meanings(cells: Mapping[T, Sequence[str]]) -> dict[str, T]:
    """Meaning of each cell, from the cells of each meaning; a cell has one."""
    return {cell: meaning for meaning, listed in cells.items() for cell in listed}


def _template(options: Mapping[str, Any], key: str) -> Template | None:
    return parse_template(options[key]) if key in options else None


def _tables(
    options: Mapping[str, Any], splits: tuple[Split, ...]
) -> tuple[tuple[Split | None, str], ...]:
    if "table" in options:
        return tuple((None, join("", name)) for name in listed(options["table"]))
    tables = options["tables"]
    return tuple((split, join("", name)) for split in splits for name in listed(tables[split]))


def _poisonous(given: Mapping[str, Any] | None) -> Poisonous | None:
    if given is None:
        return None
    values = None
    if "cells" in given:
        values = _meanings({True: given["cells"], False: given["edible"]})
    return Poisonous(given["table"], given["label"], given["column"], values)
