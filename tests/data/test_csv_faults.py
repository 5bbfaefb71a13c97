"""Faults of tables and of what they name: one line with the places, exit 3."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from task_values import TABLES, make_task, write_tables

from biobench.data.build import build_manifest
from biobench.data.faults import Faults
from biobench.data.layouts import find, find_items
from biobench.data.layouts.csv import collect
from biobench.data.layouts.csv_options import read_options
from biobench.errors import DataError
from biobench.spec.documents import Layout

TEST = "image,label\n9.jpg,a\n"


def fault(root: Path, train: str | bytes, options: dict[str, Any] | None = None) -> str:
    """The message for a train table, with a sound test table beside it."""
    write_tables(root, {"train.csv": train, "test.csv": TEST}, "1.jpg", "2.jpg", "9.jpg")
    with pytest.raises(DataError) as caught:
        find_items(root, Layout("csv", options or TABLES), "train-test")
    assert caught.value.exit_code == 3
    assert caught.value.where == str(root)
    assert str(caught.value).isprintable()
    return str(caught.value)


@pytest.mark.parametrize(
    ("train", "expected"),
    [
        ("image,species\n1.jpg,a\n", "train.csv: no column 'label'; its columns are 'image', 's"),
        ("image,label\n3.jpg,a\n", "train.csv line 2: the image is missing: 3.jpg"),
        ("image,label\n1.JPG,a\n", "train.csv line 2: the image is missing: 1.JPG"),
        ("image,label\n1.jpg,\n", "train.csv line 2: column 'label' is empty"),
        ("image,label\n,a\n", "train.csv line 2: column 'image' is empty"),
        ("image,label\n1.jpg,a\n1.jpg,a\n", "train.csv line 3: the id 1.jpg is taken at train.csv"),
        ("image,label\n./1.jpg,a\n1.jpg,b\n", "line 3: the id 1.jpg is taken at train.csv line 2"),
        ("image,label\n9.jpg,a\n", "test.csv line 2: the id 9.jpg is taken at train.csv line 2"),
        ("image,label\n../x.jpg,a\n", "'../x.jpg': the path climbs out of the data folder"),
        ("image,label\n/etc/passwd,a\n", "it is absolute, and must be relative"),
        ("image,label\nC:\\x.jpg,a\n", "a backslash; write / between folders"),
        ("image,label\n./.,a\n", "the path './.': it names no file"),
        ("image,label\n\u202e.jpg,a\n", "\\u202e.jpg"),
        ("image,label\n1.jpg\n", "train.csv line 2: 1 cell where there are 2 columns"),
        ("1.jpg,label\n2.jpg,b\n", "no column 'image'; its columns are '1.jpg', 'label'"),
        (b"\xff\xfei\x00", "UTF-16"),
        (b"image,label\n\xe9.jpg,a\n", "train.csv line 2: not UTF-8"),
        ("x,y\n1,2\n", "train.csv: no columns 'label', 'image'; its columns are 'x', 'y'"),
        (
            gzip.compress(b"image,label\n", mtime=0),
            "train.csv: the table is a file compressed with gzip; unpack it",
        ),
        (b"PK\x03\x04\x14\0", "train.csv line 1: a zero byte; the table is a zip archive or a spr"),
        (
            "version https://git-lfs.github.com\nsize 1\n",
            "the table is a pointer of Git LFS; fetch",
        ),
        ("<!DOCTYPE html>\n<p>404</p>\n", "the table is a web page, maybe of an error; fetch"),
        (b"", "train.csv: the table is empty"),
        (b"image,label\n", "train.csv: the table has no row"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(200)), "train.csv line 1: not UTF-8"),
    ],
)
def test_a_row_that_cannot_be_an_item(tmp_path: Path, train: str | bytes, expected: str) -> None:
    """The table, the line, and what is wrong there."""
    assert expected in fault(tmp_path, train)


def test_the_first_ten_faults_and_their_count(tmp_path: Path) -> None:
    """A table of the wrong folder has a fault a row; the message stays one line."""
    text = "image,label\n" + "".join(f"x{i}.jpg,a\n" for i in range(2000))
    message = fault(tmp_path, text)
    assert (
        "2000 faults, the first 10 are: train.csv line 2: the image is missing: x0.jpg" in message
    )
    assert "line 11" in message
    assert "line 12" not in message


def test_tables_that_are_not_there(tmp_path: Path) -> None:
    """A missing table, a folder in its place, and a missing data folder."""
    (tmp_path / "train.csv").mkdir()
    with pytest.raises(DataError) as caught:
        find_items(tmp_path, Layout("csv", TABLES), "train-test")
    assert "train.csv: the table cannot be read (Is a directory)" in str(caught.value)
    assert "test.csv: the table is missing" in str(caught.value)
    with pytest.raises(DataError, match="the data folder is missing"):
        find_items(tmp_path / "none", Layout("csv", TABLES), "train-test")


def test_a_split_column_without_the_wanted_cells(tmp_path: Path) -> None:
    """'Train' is not 'train'; the message shows what the column holds."""
    options = {
        "table": "train.csv",
        "split": {"column": "set", "train": ["train"], "test": ["val"]},
        "path": "{image}",
        "label": "label",
    }
    message = fault(tmp_path, "image,label,set\n1.jpg,a,Train\n2.jpg,b,Val\n", options)
    assert "split train: no row has 'train' in column 'set', which holds 'Train', 'Val'" in message
    assert "split test: no row has 'val'" in message


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("1.jpg,2,x\n", "'2' of column 'wet' is neither one nor zero"),
        ("1.jpg,1.0,1\n", "'1.0' of column 'wet' is neither one nor zero"),
        ("1.jpg,,1\n", "column 'wet' is empty"),
    ],
)
def test_a_cell_that_is_no_trait(tmp_path: Path, rows: str, expected: str) -> None:
    """A third value would be a guess."""
    traits = [{"column": name, "one": ["1"], "zero": ["0"]} for name in ("wet", "old")]
    options = {
        "tables": TABLES["tables"], "path": "{image}", "traits": traits, "drop_incomplete": False
    }  # fmt: skip
    assert expected in fault(tmp_path, f"image,wet,old\n{rows}", options)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("1.jpg,a,s,1\n2.jpg,a,s,1\n", "position 1 of the subject s is taken at train.csv line 2"),
        ("1.jpg,a,s,1\n2.jpg,a,t,1.5\n", "'1.5' of column 'n' must be an integer from 0"),
        ("1.jpg,a,s,-1\n", "'-1' of column 'n' must be an integer from 0"),
        ("1.jpg,a,s,\n", "column 'n' is empty"),
        ("1.jpg,a,,0\n", "column 'clip' is empty"),
        ("1.jpg,a,z,0\n", "the subject z is in test, and at train.csv line 2 in train"),
    ],
)
def test_a_subject_that_cannot_be(tmp_path: Path, rows: str, expected: str) -> None:
    """Two images in one place, a place that is no number, one clip in two splits."""
    options = {**TABLES, "subject": "{clip}", "position": "n"}
    write_tables(tmp_path, {"test.csv": "image,label,clip,n\n9.jpg,a,z,0\n"}, "9.jpg")
    write_tables(tmp_path, {"train.csv": f"image,label,clip,n\n{rows}"}, "1.jpg", "2.jpg")
    with pytest.raises(DataError) as caught:
        find_items(tmp_path, Layout("csv", options), "train-test")
    assert expected in str(caught.value)


def test_one_image_twice_under_two_ids(tmp_path: Path) -> None:
    """Only groups may ask two things about one photograph."""
    options = {**TABLES, "id": "{key}"}
    text = "image,label,key\n1.jpg,a,k1\n1.jpg,b,k2\n"
    write_tables(tmp_path, {"test.csv": "image,label,key\n9.jpg,a,k9\n"}, "9.jpg")
    write_tables(tmp_path, {"train.csv": text}, "1.jpg")
    with pytest.raises(DataError, match=r"the image 1\.jpg is named at train\.csv line 2 already"):
        find_items(tmp_path, Layout("csv", options), "train-test")


def test_missing_images_can_be_kept_for_a_view_to_drop(tmp_path: Path) -> None:
    """They come back by id with the row that names them."""
    write_tables(
        tmp_path, {"train.csv": "image,label\n1.jpg,a\n5.jpg,b\n", "test.csv": TEST},
        "1.jpg", "9.jpg",
    )  # fmt: skip
    found = find(tmp_path, Layout("csv", TABLES), "train-test", keep_missing=True)
    assert found.missing == {"5.jpg": "train.csv line 3"}
    assert [item.id for item in found.items] == ["1.jpg", "5.jpg", "9.jpg"]


@pytest.mark.parametrize("option", ["id", "subject", "group", "cluster"])
def test_a_name_that_is_empty_is_a_fault(tmp_path: Path, option: str) -> None:
    """A cell that ends in a slash has no name; an item without a group would be lost in silence."""
    template = {"unit": "film", "template": "{film:name}"} if option == "cluster" else "{film:name}"
    options = {**TABLES, "tables": {"gallery": "t.csv"}, option: template}
    text = "image,label,film\n1.jpg,a,films/\n2.jpg,b,films/x\n"
    root = write_tables(tmp_path, {"t.csv": text}, "1.jpg", "2.jpg")
    task = make_task("csv", options, split_rule="leave-one-out")
    words = rf"t\.csv line 2.*the {option} from column 'film' is empty"
    with pytest.raises(DataError, match=words):
        build_manifest(task, root)


def test_a_split_without_a_row_is_empty(tmp_path: Path) -> None:
    """The other split's rows do not make up for it."""
    options = {
        "table": "t.csv",
        "split": {"column": "set", "train": ["train"], "test": ["val"]},
        "path": "{image}",
        "label": "label",
    }
    text = "image,label,set\n1.jpg,a,train\n2.jpg,b,train\n"
    root = write_tables(tmp_path, {"t.csv": text}, "1.jpg", "2.jpg")
    with pytest.raises(
        DataError, match="split test: no row has 'val' in column 'set', which holds"
    ):
        build_manifest(make_task("csv", options), root)


@given(st.binary(max_size=120), st.sampled_from([",", " ", ";"]))
def test_no_bytes_end_in_anything_but_items_or_faults(data: bytes, delimiter: str) -> None:
    """Whatever a file holds: items of what it says, or one line of faults."""
    options = {**TABLES, "tables": {"gallery": "t.csv"}, "delimiter": delimiter}
    for columns in ({}, {"columns": ["image", "label"]}):
        faults = Faults()
        found = collect(
            read_options(Layout("csv", {**options, **columns}), "leave-one-out"),
            lambda name, faults: io.BytesIO(data),
            lambda path: True,
            faults,
            keep_missing=False,
        )
        if faults.count:
            with pytest.raises(DataError) as caught:
                faults.raise_if_any("here")
            assert str(caught.value).isprintable()
        else:
            assert found.items
            assert all(item.label and item.path for item in found.items)
