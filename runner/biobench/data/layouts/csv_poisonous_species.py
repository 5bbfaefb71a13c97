"""The list of poisonous classes of the layout ``csv`` (SPEC.md, section "Layouts").

In: a table that says of classes whether they are poisonous. Out: label names. A cell that is read
wrongly here moves a loss by up to a hundred an item, so whatever leaves a doubt is a fault.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from biobench.data.faults import Faults
from biobench.data.layouts.csv_options import CsvOptions, Poisonous
from biobench.data.layouts.table import CsvTable, place
from biobench.errors import shown

MISSING = frozenset(
    (
        *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND"),
        *("1.#QNAN", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
    )
)
TRUTHS = {"True": True, "TRUE": True, "true": True, "False": False, "FALSE": False, "false": False}
"""Cells that ``pandas.read_csv`` (3.1) takes for missing, and for true and false, by default."""

_BLANKS = " \t\n\v\f\r"
_NUMBER = re.compile(
    rf"[{_BLANKS}]*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[{_BLANKS}]*"
)
_MOST_CELL = 2.0**63
"""An integer from here on would not fit the int64 column that pandas makes of integers."""


def poisonous_names(
    options: CsvOptions,
    listing: Poisonous,
    table: CsvTable,
    labels: Collection[str],
    faults: Faults,
) -> frozenset[str]:
    """Label names that the list calls poisonous.

    Args:
        options: Options of the layout, of which ``listing`` is the option ``poisonous``.
        listing: Names of the columns, and the cells of each meaning or None.
        table: The list.
        labels: Label names of the items, each once.
        faults: Takes the rows that say nothing clear, and classes without a row where each must
            have one.
    """
    if not table.has((listing.label, listing.column), faults):
        return frozenset()
    classes = [name for name in labels if name != options.unknown_label]
    if listing.values is not None:
        return _by_cells(listing, listing.values, table, classes, options.unknown_label, faults)
    return _by_numbers(listing, table, classes, options, faults)


def number(cell: str) -> float | None:
    """The number that a cell writes; None where it writes none, or none that fits an int64."""
    if not _NUMBER.fullmatch(cell):
        return None
    value = float(cell)
    return value if abs(value) < _MOST_CELL else None


def _by_cells(
    listing: Poisonous,
    values: Mapping[str, bool],
    table: CsvTable,
    classes: Collection[str],
    unknown: str | None,
    faults: Faults,
) -> frozenset[str]:
    """Names of a list that must have each class once, with one of the cells that are given."""
    listed: dict[str, tuple[int, bool]] = {}
    for line, name, cell in table.rows((listing.label, listing.column)):
        where = place(table.name, line)
        says = values.get(cell, False)
        first, _ = listed.setdefault(name, (line, says))
        if first != line:
            faults.add(where, f"the class {shown(name)} is on line {first} already")
        elif cell not in values:
            known = " or ".join(map(repr, sorted(values)))
            faults.add(where, f"{shown(cell)!r} of column {listing.column!r} is not {known}")
        elif says and name == unknown:
            faults.add(where, f"the unknown class {shown(name)} cannot be poisonous")
    for name in classes:
        if name not in listed:
            faults.add(f"class {name}", f"no row of {table.name} says whether it is poisonous")
    return _poisonous(listed)


def _by_numbers(
    listing: Poisonous,
    table: CsvTable,
    classes: Collection[str],
    options: CsvOptions,
    faults: Faults,
) -> frozenset[str]:
    """Names of a list that is read as the evaluation of FungiCLEF reads it.

    Source: evaluate.py of FungiCLEF2023 (BohemianVRA/FGVC-Competitions, commit 7fabdeb), which
    reads the list by ``pandas.read_csv`` with its defaults and takes ``class_id`` of the rows where
    ``poisonous == 1``. A column with a cell that pandas takes for text has no such row.
    """
    ids = _Ids(options) if options.label_ids is not None else None
    column = _NameColumn(listing.column)
    listed: dict[str, tuple[int, bool]] = {}
    sound = True
    for line, written, cell in table.rows((listing.label, listing.column)):
        where = place(table.name, line)
        unclear = [column.fault(cell, line)]
        if ids is not None:
            unclear.append(ids.fault(listing.label, written))
        for fault in filter(None, unclear):
            sound = False
            faults.add(where, fault)
        name = written if ids is None else ids.name(written)
        if name is None:
            continue
        says = column.says(cell)
        first, said = listed.setdefault(name, (line, says))
        if said != says:
            faults.add(where, f"the class {shown(name)} is the opposite on line {first}")
        elif says and name == options.unknown_label:
            faults.add(where, f"the unknown class {shown(name)} cannot be poisonous")
    if sound and table.lines and classes and listed.keys().isdisjoint(classes):
        what = f"no cell of column {listing.label!r} is a class of the data, such as "
        faults.add(table.name, what + repr(shown(min(classes))))
    return _poisonous(listed)


class _NameColumn:
    """A column of numbers, or of truths: what it holds is what its first cell with a value is."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._first: tuple[int, bool] | None = None

    def fault(self, cell: str, line: int) -> str | None:
        """A text where pandas would take the whole column for text because of this cell."""
        if cell in MISSING:
            return None
        truth = cell in TRUTHS
        if truth or number(cell) is not None:
            self._first = self._first or (line, truth)
            if self._first[1] == truth:
                return None
        column = f"{shown(cell)!r} of column {self._name!r}"
        if self._first is not None and self._first[1]:
            return f"{column} must be true, false or empty, as on line {self._first[0]}"
        return f"{column} must be a number or empty; write 1 where the class is poisonous, else 0"

    def says(self, cell: str) -> bool:
        """Return whether the cell of a column without a fault is 1 or true."""
        return TRUTHS.get(cell, False) or number(cell) == 1


class _Ids:
    """Label names that are ids, written as numbers in the list."""

    def __init__(self, options: CsvOptions) -> None:
        self._count = options.label_ids or 0
        self._unknown = options.unknown_label
        self._below = None if self._unknown is None else number(self._unknown)

    def name(self, cell: str) -> str | None:
        """The label name of the class or of the unknown one, None where the number is no id."""
        value = number(cell)
        if value is None:
            return None
        if value == self._below:
            return self._unknown
        return str(int(value)) if value.is_integer() and 0 <= value < self._count else None

    def fault(self, column: str, cell: str) -> str | None:
        """A text where pandas would take the column of ids for text because of this cell."""
        if cell in MISSING or number(cell) is not None:
            return None
        return f"{shown(cell)!r} of column {column!r} must be a number, the id of a class"


def _poisonous(listed: Mapping[str, tuple[int, bool]]) -> frozenset[str]:
    return frozenset(name for name, (_, says) in listed.items() if says)
