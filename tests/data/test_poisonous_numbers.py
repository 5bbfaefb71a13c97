"""The list of poisonous classes against ``pandas.read_csv`` and the line of evaluate.py."""

from __future__ import annotations

import io

import pandas
from hypothesis import example, given
from hypothesis import strategies as st
from pandas._libs.parsers import STR_NA_VALUES
from task_values import TABLES, make_task

from biobench.data.faults import Faults
from biobench.data.layouts.csv import collect
from biobench.data.layouts.csv_options import CsvOptions, read_options
from biobench.data.layouts.csv_poisonous_species import MISSING, TRUTHS
from biobench.data.layouts.layout_items import LayoutItems

IDS = 12
LIST = {"table": "list.csv", "label": "class_id", "column": "poisonous"}
DATA = {
    "train.csv": "".join(f"{i}.jpg,{i}\n" for i in range(IDS)),
    "test.csv": "x.jpg,-1\n",
}

ones = st.sampled_from(["1", "1.0", " 1", "1 ", "\t1", "01", "+1", "1.", "1e0", "10e-1", ".1E1"])
others = st.sampled_from(["0", "0.0", " 0", "-1", "2", "1.5", "00", "-0", "1e1", "1e-400", "0.1"])
missing = st.sampled_from(sorted(MISSING))
truths = st.sampled_from([*TRUTHS, *TRUTHS, ""])
scraps = st.text("01.+-eE \tNaATrue", max_size=5)
columns = st.one_of(
    st.lists(st.one_of(ones, others, missing), min_size=1, max_size=6),
    st.lists(truths, min_size=1, max_size=6),
    st.lists(st.one_of(ones, others, missing, truths, scraps), min_size=1, max_size=6),
)
ids = st.one_of(
    st.integers(-2, IDS + 1).map(str),
    st.integers(0, IDS).map("{}.0".format),
    st.integers(0, IDS).map(" {}".format),
    st.integers(0, IDS).map("0{} ".format),
    missing,
    scraps,
)


def options() -> CsvOptions:
    """Tables of ids without a header, and a list without cells."""
    given = {
        **TABLES,
        **{"columns": ["image", "label"], "path": "{image}", "label": "label"},
        **{"label_ids": IDS, "unknown_label": "-1", "poisonous": LIST},
    }
    layout = make_task("csv", given).dataset.layout
    return read_options(layout, "train-test")


def found(text: str) -> tuple[LayoutItems, Faults]:
    """The rows that are read of a list, and its faults."""
    faults = Faults("fix the tables")
    files = {name: table.encode() for name, table in DATA.items()} | {"list.csv": text.encode()}
    return collect(
        options(),
        lambda name, faults: io.BytesIO(files[name]),
        lambda path: True,
        faults,
        keep_missing=False,
    ), faults


def evaluated(text: str) -> tuple[list[object], bool]:
    """The poisonous classes of evaluate.py, and whether both columns have numbers or truths."""
    frame = pandas.read_csv(io.StringIO(text))
    numbers = frame["class_id"].dtype.kind in "iuf"
    flags = frame["poisonous"]
    truths = flags.dtype.kind == "b" or set(flags.dropna().map(type)) == {bool}
    listed = frame[frame["poisonous"] == 1].class_id.unique().tolist()
    return listed, numbers and (truths or flags.dtype.kind in "iuf")


def quoted(cell: str) -> str:
    """A cell in quotes: pandas reads it as the same without."""
    return '"' + cell.replace('"', '""') + '"'


@given(columns, st.lists(ids, min_size=6, max_size=6, unique=True))
@example(["1", "unknown"], ["0", "1", "2", "3", "4", "5"])
@example(["True", "1"], ["0", "1", "2", "3", "4", "5"])
@example(["True", ""], ["0.0", " 1", "2", "3", "4", "5"])
@example(["1", "0"], ["0", "x", "2", "3", "4", "5"])
def test_a_list_is_read_as_pandas_reads_it(cells: list[str], classes: list[str]) -> None:
    """The same classes, or a fault; and one wherever pandas takes a column for text."""
    rows = zip(map(quoted, classes), map(quoted, cells), strict=False)
    text = "class_id,poisonous\n" + "".join(f"{a},{b}\n" for a, b in rows)
    read, faults = found(text)
    listed, sound = evaluated(text)
    if not faults.count:
        assert sound
        expected = {str(int(i)) for i in map(float, listed) if i in range(IDS)}
        assert read.poisonous == expected
    if not sound:
        assert faults.count


@given(st.lists(st.one_of(ones, others), min_size=IDS, max_size=IDS))
def test_a_list_of_numbers_has_no_fault(cells: list[str]) -> None:
    """Any form of a number is read, for every class."""
    text = "class_id,poisonous\n" + "".join(f"{i},{cell}\n" for i, cell in enumerate(cells))
    read, faults = found(text)
    assert not faults.count
    assert read.poisonous == {str(i) for i in evaluated(text)[0]}


def test_missing_is_what_pandas_takes_for_missing() -> None:
    """The words of the installed pandas, which the specification lists."""
    assert set(STR_NA_VALUES) == MISSING
