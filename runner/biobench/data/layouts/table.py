"""Tables of text: bytes to columns (SPEC.md, section "Layouts", layout ``csv``).

In: a file. Out: column names, and the cells of the columns that are wanted with the line that each
row begins on. Faults are added to a list, so that one message shows them all. A file is read twice,
in pieces: a table may be many times larger than what is kept of it.
"""

from __future__ import annotations

import codecs
import csv
import io
import os
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from biobench._common.files import open_regular
from biobench._common.reading import OFTEN, note_read
from biobench.data.annotations import Hashing
from biobench.data.faults import Faults
from biobench.data.file_hashes import FileRead
from biobench.data.layouts.not_annotations import other_kind
from biobench.errors import shown

Row = tuple[Any, ...]
"""The line that a row begins on, from 1, and its cells."""

LISTED_COLUMNS = 12
MOST_BYTES = 256 << 20
MOST_LINES = 1_250_000
MOST_RECORD = 8 << 20
"""Limits of a table: its size, its lines, and the characters of a record. The largest table of the
specification's data sets has about a million lines."""
TOO_LARGE = f"the table has more than {MOST_BYTES >> 20} MiB"
REPEATED = 20_000
"""A column of more different cells than this is one whose cells hardly repeat."""
_BLOCK = 1 << 20


@dataclass(frozen=True)
class CsvTable:
    """One table. ``name`` is its path. ``lines`` and the cells of each column are as long. ``file``
    is what the cells were read from."""

    name: str
    columns: tuple[str, ...]
    lines: Sequence[int] = ()
    cells: Mapping[str, Sequence[str]] = field(default_factory=dict)
    file: FileRead | None = None

    def rows(self, columns: Iterable[str]) -> Iterator[Row]:
        """The line and the cells of these columns, which :func:`parse_table` was to keep."""
        return zip(self.lines, *(self.cells[column] for column in columns), strict=True)

    def has(self, columns: Iterable[str], faults: Faults) -> bool:
        """Return whether each of these is one column; adds faults where there is none, or two."""
        wanted = tuple(dict.fromkeys(columns))
        counts = {column: self.columns.count(column) for column in wanted}
        absent = [column for column in wanted if not counts[column]]
        if absent:
            noun = "column" if len(absent) == 1 else "columns"
            faults.add(self.name, f"no {noun} {', '.join(map(repr, absent))}; {self._described()}")
        for column in wanted:
            if counts[column] > 1:
                faults.add(self.name, f"{counts[column]} columns are named {column!r}")
        return all(count == 1 for count in counts.values())

    def _described(self) -> str:
        other = other_kind(" ".join(self.columns).encode())
        if other is not None:
            return f"the table is {'; '.join(other)}"
        names = ", ".join(repr(name) for name in self.columns[:LISTED_COLUMNS])
        rest = len(self.columns) - LISTED_COLUMNS
        text = f"its columns are {names}" + (f" and {rest} more" if rest > 0 else "")
        for mark, called in ((";", "';'"), ("\t", "a tab")):
            if len(self.columns) == 1 and mark in self.columns[0]:
                text += f" (is the delimiter {called}?)"
        return text


def read_table(base: str, name: str, faults: Faults) -> BinaryIO | None:
    """The file ``base/name``, open; a fault and None where it cannot be read or is too large."""
    try:
        file = open_regular(os.path.join(base, name))
    except FileNotFoundError:
        faults.add(name, "the table is missing")
        return None
    except OSError as error:
        faults.add(name, f"the table cannot be read ({error.strerror})")
        return None
    if os.fstat(file.fileno()).st_size > MOST_BYTES:
        faults.add(name, TOO_LARGE)
        file.close()
        return None
    return file


def parse_table(
    name: str,
    file: BinaryIO,
    delimiter: str,
    columns: Sequence[str] | None,
    faults: Faults,
    keep: Collection[str] | None = None,
) -> CsvTable | None:
    """The table in ``file``; None, with its faults added, where it is none.

    Args:
        name: Its path, for faults.
        file: The open file, which is read from its start.
        delimiter: One character.
        columns: Names of the columns of a table without a header; None where the first record is
            it.
        faults: Takes what is wrong.
        keep: Columns whose cells are wanted; None for all.
    """
    try:
        _require_text(file)
        file.seek(0)
        return _parsed(name, file, delimiter, columns, faults, keep)
    except _NotText as error:
        faults.add(name if error.line is None else place(name, error.line), error.what)
    except csv.Error as error:
        what = f"no cells can be told apart here ({shown(str(error))}); check the quotes"
        faults.add(place(name, error.args[1]), what)
    except UnicodeDecodeError:
        faults.add(name, "the table changes while it is read")
    except OSError as error:
        faults.add(name, f"the table cannot be read ({error.strerror})")
    return None


def place(table: str, line: int) -> str:
    """Name of a row in a message."""
    return f"{table} line {line}"


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"


class _NotText(Exception):
    """The reason for which a file is no table; ``line`` is None where it is about all of it."""

    def __init__(self, what: str, line: int | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.line = line


def _require_text(file: BinaryIO) -> None:
    """Raise _NotText unless the file is UTF-8 without zero bytes, of a size that is read."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    start, lines, size = b"", 0, 0
    while True:
        block = file.read(_BLOCK)
        if not size:
            start = block[:64]
            if start.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise _NotText("the table is UTF-16; save it as UTF-8")
        size += len(block)
        if size > MOST_BYTES:
            raise _NotText(TOO_LARGE)
        try:
            decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            if other := other_kind(start):
                raise _NotText(f"the table is {'; '.join(other)}") from error
            # What the decoder has kept of the block before has no line end.
            line = lines + error.object.count(b"\n", 0, error.start) + 1
            byte = f"0x{error.object[error.start]:02x}"
            raise _NotText(f"not UTF-8 (byte {byte}); save the table as UTF-8", line) from error
        zero = block.find(0)
        if zero >= 0:
            what = "; ".join(other_kind(start) or ("not plain text", "save it as text in UTF-8"))
            line = lines + block.count(b"\n", 0, zero) + 1
            raise _NotText(f"a zero byte; the table is {what}", line)
        lines += block.count(b"\n")
        if lines > MOST_LINES:
            raise _NotText(f"the table has more than {MOST_LINES} lines")
        if not block:
            return


class _Lines:
    """Lines of a text, as long as the record that they are part of is not too long."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self.left = MOST_RECORD

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._text.readline(self.left + 1)
        if not line:
            raise StopIteration
        self.left -= len(line)
        if self.left < 0:
            raise csv.Error(f"more than {MOST_RECORD} characters in one record")
        return line


def _records(file: Hashing, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Every record and the line that it begins on; raises csv.Error with the line."""
    text = io.TextIOWrapper(file, "utf-8-sig", newline="")
    lines = _Lines(text)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            if cells:  # an empty line is no record
                yield line, cells
            line = reader.line_num + 1
            lines.left = MOST_RECORD
    except csv.Error as error:
        raise csv.Error(str(error), reader.line_num) from error
    finally:
        text.detach()


def _parsed(
    name: str,
    file: BinaryIO,
    delimiter: str,
    columns: Sequence[str] | None,
    faults: Faults,
    keep: Collection[str] | None,
) -> CsvTable | None:
    hashing = Hashing(file)
    records = _records(hashing, delimiter)
    if columns is None:
        head = next(records, None)
        if head is None:
            faults.add(name, "the table is empty; its first line must name the columns")
            return None
        columns = head[1]
    wanted = {c: i for i, c in reversed(list(enumerate(columns))) if keep is None or c in keep}
    columns_kept = [(i, _Column()) for i in wanted.values()]
    lines = array("q")
    others, counts = array("q"), array("q")
    width = len(columns)
    block: list[list[str]] = []
    for line, cells in records:
        if len(cells) != width:
            others.append(line)
            counts.append(len(cells))
            continue
        if len(lines) >= MOST_LINES:
            raise _NotText(f"the table has more than {MOST_LINES} rows")
        lines.append(line)
        block.append(cells)
        if len(block) == OFTEN:  # their cells are passed on to the columns together
            for i, column in columns_kept:
                column.add([cells[i] for cells in block])
            block.clear()
            note_read(OFTEN, "rows")
    for i, column in columns_kept:
        column.add([cells[i] for cells in block])
    for line, count in zip(others, counts, strict=True):
        faults.add(place(name, line), f"{_cells(count)} where there are {width} columns")
    if not lines and not others:
        faults.add(name, "the table has no row")
    cells_kept = {c: column.cells for c, (_, column) in zip(wanted, columns_kept, strict=True)}
    return CsvTable(name, tuple(columns), lines, cells_kept, hashing.outcome)


class _Column:
    """The cells of a column; equal ones are one object as long as they repeat."""

    def __init__(self) -> None:
        self.cells: list[str] = []
        self._known: dict[str, str] | None = {}

    def add(self, cells: Sequence[str]) -> None:
        known = self._known
        if known is None:
            self.cells += cells
            return
        self.cells += map(known.setdefault, cells, cells)
        if len(known) > REPEATED:
            self._known = None
