"""Tables of text: bytes to records (SPEC.md, section "Layouts", layout ``csv``).

In: the bytes of a file. Out: column names, and rows of cells with the line each begins on. Faults
are added to a list, so that one message shows them all.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from biobench._common.text import shown
from biobench.data.faults import Faults
from biobench.data.layouts.mistaken import mistaken

Row = tuple[int, list[str]]
"""The line that a row begins on, from 1, and its cells."""

LISTED_COLUMNS = 12


@dataclass(frozen=True)
class Table:
    """One table. ``name`` is its path; every row has as many cells as there are columns."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def indices(self, columns: Iterable[str], faults: Faults) -> dict[str, int] | None:
        """Number of the one column of each name; faults and null where there is none, or two."""
        wanted = tuple(dict.fromkeys(columns))
        counts = {column: self.columns.count(column) for column in wanted}
        absent = [column for column in wanted if not counts[column]]
        if absent:
            noun = "column" if len(absent) == 1 else "columns"
            faults.add(self.name, f"no {noun} {', '.join(map(repr, absent))}; {self._described()}")
        for column in wanted:
            if counts[column] > 1:
                faults.add(self.name, f"{counts[column]} columns are named {column!r}")
        if any(count != 1 for count in counts.values()):
            return None
        return {column: self.columns.index(column) for column in wanted}

    def _described(self) -> str:
        other = mistaken(" ".join(self.columns).encode())
        if other is not None:
            return f"the table is {other}"
        names = ", ".join(repr(name) for name in self.columns[:LISTED_COLUMNS])
        rest = len(self.columns) - LISTED_COLUMNS
        text = f"its columns are {names}" + (f" and {rest} more" if rest > 0 else "")
        for mark, called in ((";", "';'"), ("\t", "a tab")):
            if len(self.columns) == 1 and mark in self.columns[0]:
                text += f" (is the delimiter {called}?)"
        return text


def read_table(base: str, name: str, faults: Faults) -> bytes | None:
    """The bytes of the file ``base/name``; a fault and null where it cannot be read."""
    try:
        with open(os.path.join(base, name), "rb") as file:
            return file.read()
    except FileNotFoundError:
        faults.add(name, "the table is missing")
    except OSError as error:
        faults.add(name, f"the table cannot be read ({error.strerror})")
    return None


def parse_table(
    name: str, data: bytes, delimiter: str, columns: Sequence[str] | None, faults: Faults
) -> Table | None:
    """The table in ``data``; null, with its faults added, where it is none.

    columns: names of the columns of a table without a header; null where the first record is it.
    """
    text = _decoded(name, data, faults)
    if text is None:
        return None
    records = _records(name, text, delimiter, faults)
    if records is None:
        return None
    if columns is None:
        if not records:
            faults.add(name, "the table is empty; its first line must name the columns")
            return None
        columns = records.pop(0)[1]
    rows = []
    for line, cells in records:
        if len(cells) == len(columns):
            rows.append((line, cells))
        else:
            faults.add(
                place(name, line), f"{_cells(len(cells))} where there are {len(columns)} columns"
            )
    if not records:
        faults.add(name, "the table has no row")
    return Table(name, tuple(columns), tuple(rows))


def place(table: str, line: int) -> str:
    """How a message names a row."""
    return f"{table} line {line}"


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"


def _decoded(name: str, data: bytes, faults: Faults) -> str | None:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        faults.add(name, "the table is UTF-16; save it as UTF-8")
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if other := mistaken(data):
            faults.add(name, f"no table but {other}")
            return None
        line = data.count(b"\n", 0, error.start) + 1
        byte = f"0x{data[error.start]:02x}"
        faults.add(place(name, line), f"not UTF-8 (byte {byte}); save the table as UTF-8")
        return None
    zero = text.find("\0")
    if zero >= 0:
        what = mistaken(data) or "not plain text"
        faults.add(place(name, text.count("\n", 0, zero) + 1), f"a zero byte; the table is {what}")
        return None
    return text


def _records(name: str, text: str, delimiter: str, faults: Faults) -> list[Row] | None:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    records: list[Row] = []
    try:
        for line, cells in _numbered(reader):
            if cells:  # an empty line is no record
                records.append((line, cells))
    except csv.Error as error:
        faults.add(
            place(name, reader.line_num),
            f"no cells can be told apart here ({shown(str(error))}); check the quotes",
        )
        return None
    return records


def _numbered(reader: Iterator[list[str]]) -> Iterator[Row]:
    line = 1
    for cells in reader:
        yield line, cells
        line = reader.line_num + 1  # type: ignore[attr-defined]
