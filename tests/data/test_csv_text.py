"""Tables of text: what a cell is, and what is refused, whichever program wrote the file."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobench.data.faults import Faults
from biobench.data.layouts.table import CsvTable, parse_table
from biobench.errors import DataError

CELLS = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=8)


def parsed(data: bytes | str, delimiter: str = ",", columns: list[str] | None = None) -> CsvTable:
    faults = Faults()
    raw = data if isinstance(data, bytes) else data.encode()
    table = parse_table("t.csv", io.BytesIO(raw), delimiter, columns, faults)
    faults.raise_if_any("here")
    assert table is not None
    return table


def rows_of(table: CsvTable) -> list[tuple[int, list[str]]]:
    return [(line, cells) for line, *cells in table.rows(table.columns)]


def fault(data: bytes | str, delimiter: str = ",", columns: list[str] | None = None) -> str:
    with pytest.raises(DataError) as caught:
        parsed(data, delimiter, columns)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@given(
    st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=6),
    st.sampled_from([",", ";", "\t", " "]),
    st.sampled_from(["\r\n", "\n"]),
    st.booleans(),
)
def test_what_a_spreadsheet_writes_is_read_back(
    rows: list[list[str]], delimiter: str, end: str, mark: bool
) -> None:
    """Quotes, delimiters, line ends and letters of any script stand in cells unharmed."""
    text = io.StringIO(newline="")
    # The writer leaves a lone CR bare where lines end with LF, which no reader could tell apart.
    quoting = csv.QUOTE_MINIMAL if end == "\r\n" else csv.QUOTE_ALL
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerow(["a", "b"])
    writer.writerows(rows)
    data = text.getvalue().encode("utf-8-sig" if mark else "utf-8")
    table = parsed(data, delimiter)
    assert table.columns == ("a", "b")
    assert [cells for _, cells in rows_of(table)] == rows


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_end_and_empty_lines(end: str) -> None:
    """Files of Linux, Windows and an old Macintosh are one table; an empty line is no row."""
    for last in ("", end, end + end):
        table = parsed(end.join(["image,label", "1.jpg,a", "", '"2.jpg","b"']) + last)
        assert rows_of(table) == [(2, ["1.jpg", "a"]), (4, ["2.jpg", "b"])]


def test_nothing_is_trimmed_or_read_as_a_number() -> None:
    """'01' and '1' are two names; a blank belongs to its cell."""
    assert rows_of(parsed("a,b\n 01 ,1e3\n")) == [(2, [" 01 ", "1e3"])]
    assert rows_of(parsed('a,b\nsay "x",y\n')) == [(2, ['say "x"', "y"])]


def test_a_table_without_a_header() -> None:
    """Then every record is a row."""
    table = parsed("1.jpg a\n2.jpg b\n", " ", ["image", "label"])
    assert table.columns == ("image", "label")
    assert list(table.lines) == [1, 2]


def test_a_row_names_the_line_that_it_begins_on() -> None:
    """A cell may hold line ends, and the message must still point at the right line."""
    assert list(parsed('a,b\n"1\n\n1",x\n2,y\n').lines) == [2, 5]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "t.csv: the table is empty; its first line must name the columns"),
        (b"\xef\xbb\xbf", "the table is empty"),
        (b"\n\r\n", "the table is empty"),
        (b"a,b\n", "t.csv: the table has no row"),
        ("a,b\n1,Müll\n".encode("utf-16"), "t.csv: the table is UTF-16; save it as UTF-8"),
        ("a,b\n1,Müll\n".encode("latin-1"), r"t.csv line 2: not UTF-8 (byte 0xfc)"),
        (b"a,b\n1,x\0\n", "t.csv line 2: a zero byte"),
        (b'a,b\n1,"x\n2,y\n', "t.csv line 3: no cells can be told apart here"),
        (b'a,b\n1,"x"y\n', "t.csv line 2: no cells can be told apart here"),
        (b"a,b\n1\n2,x,y\n", "t.csv line 2: 1 cell where there are 2 columns; t.csv line 3: 3"),
    ],
)
def test_what_is_no_table(data: bytes, expected: str) -> None:
    """One line with the place and what to do, for whatever a newcomer hands over."""
    assert expected in fault(data)


def test_a_column_that_is_not_there_or_there_twice() -> None:
    """The message lists what is there, and guesses at a wrong delimiter."""
    faults = Faults()
    assert parsed("image, label,image\n1,a,2\n").has(["label"], faults) is False
    assert parsed("image, label,image\n1,a,2\n").has(["image"], faults) is False
    assert parsed("image;label\n1;a\n").has(["image"], faults) is False
    assert parsed("image\tlabel\n1\ta\n").has(["image"], faults) is False
    with pytest.raises(DataError) as caught:
        faults.raise_if_any("here")
    for part in (
        "no column 'label'; its columns are 'image', ' label', 'image'",
        "2 columns are named 'image'",
        "(is the delimiter ';'?)",
        "(is the delimiter a tab?)",
    ):
        assert part in str(caught.value)
    assert parsed("image,label\n1,a\n").has(["label"], Faults())


def test_a_wide_table_is_not_listed_whole() -> None:
    """Hundreds of columns do not drown the message."""
    faults = Faults()
    wide = ",".join(f"c{i}" for i in range(300))
    parsed(f"{wide}\n{wide}\n").has(["x"], faults)
    with pytest.raises(DataError, match="'c11' and 288 more") as caught:
        faults.raise_if_any("here")
    assert len(str(caught.value)) < 300
