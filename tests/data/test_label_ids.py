"""Data sets whose labels are ids of a known number of classes, and the list of poisonous ones."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from task_values import TABLES, write_tables

from biobench.data.build import build_manifest
from biobench.data.labels import is_id
from biobench.data.layouts import find
from biobench.data.locate import EMBEDDED
from biobench.errors import DataError
from biobench.spec.documents import Division, Layout
from biobench.spec.load import load_spec

SPEC = load_spec()
TABLE = {
    "iwildcam": "metadata.csv",
    "kabr": "annotation/train.csv",
    "mammalnet": "annotation/composition/train.csv",
    "fungiclef": "FungiCLEF2023_train_metadata_PRODUCTION.csv",
}
COLUMN = {"iwildcam": 3, "kabr": 4, "mammalnet": 1, "fungiclef": 1}
LARGEST = {"iwildcam": 181, "kabr": 7, "mammalnet": 11, "fungiclef": 1603}
POISON = {"table": "list.csv", "label": "kind", "column": "bad", "cells": ["1"], "edible": ["0"]}
FUNGI = {**TABLES, "unknown_label": "-1", "poisonous": POISON}


def relabelled(root: Path, task: str, labels: list[str]) -> Path:
    """A copy of a demo data set in which the first training rows have these labels."""
    copy = root / f"demo-{task}"
    if not copy.exists():
        shutil.copytree(EMBEDDED / copy.name, copy)
    table = copy / TABLE[task]
    separator = " " if task in ("kabr", "mammalnet") else ","
    lines = (EMBEDDED / copy.name / TABLE[task]).read_text("utf-8").splitlines()
    left = iter(labels)
    for number, line in enumerate(lines):
        cells = line.split(separator)
        if (number or task == "mammalnet") and (task != "iwildcam" or cells[0] == "train"):
            cells[COLUMN[task]] = next(left, cells[COLUMN[task]])
        lines[number] = separator.join(cells)
    table.write_text("\n".join(lines) + "\n", "utf-8")
    return copy


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For copies of which the table alone is written anew."""
    return tmp_path_factory.mktemp("relabelled")


@pytest.mark.parametrize("division", ["official", "compat"])
@pytest.mark.parametrize("task", TABLE)
@pytest.mark.parametrize("label", ["7.0", "-3", "abc", "07", "largest + 1"])
def test_a_label_that_is_no_id_is_no_class(
    shared: Path, task: str, label: str, division: Division
) -> None:
    """Neither division takes it for a class more; the line of the table is named."""
    label = str(LARGEST[task] + 1) if label == "largest + 1" else label
    root = relabelled(shared, task, [label])
    words = rf"1 fault: {TABLE[task]} line \d+: the label '{label}' must be an integer from 0 to "
    with pytest.raises(DataError, match=words + str(LARGEST[task])) as caught:
        build_manifest(SPEC.task(f"demo-{task}", division), root, seed=1)
    assert caught.value.exit_code == 3


def test_the_first_ten_labels_and_their_number(tmp_path: Path) -> None:
    """A column of names where ids are meant is one line."""
    root = relabelled(tmp_path, "fungiclef", [f"species {i}" for i in range(25)])
    with pytest.raises(DataError, match="25 faults, the first 10 are") as caught:
        build_manifest(SPEC.task("demo-fungiclef"), root, seed=1)
    assert "line 11: the label 'species 9'" in str(caught.value)
    assert "species 10" not in str(caught.value)


@given(st.text(max_size=4) | st.from_regex(r"[0-9]{1,4}", fullmatch=True), st.integers(1, 999_999))
def test_an_id_is_written_in_one_way(name: str, largest: int) -> None:
    """As a number is written back, and no larger than it may be."""
    written = name.isascii() and name.isdigit() and str(int(name)) == name
    assert is_id(name, largest) is (written and int(name) <= largest)


def poisonous(root: Path, rows: str, **more: Any) -> frozenset[str] | None:
    """The rows of the list, beside a training table of the classes 0 and 1 and a test of -1."""
    tables = {
        "train.csv": "image,label\n1.jpg,0\n2.jpg,1\n",
        "test.csv": "image,label\n3.jpg,-1\n",
        "list.csv": rows,
    }
    write_tables(root, tables, "1.jpg", "2.jpg", "3.jpg")
    return find(root, Layout("csv", {**FUNGI, **more}), "train-test").poisonous


@pytest.mark.parametrize("more", ["", "7,1\n", "-1,0\n"])
def test_a_list_that_has_each_class_once(tmp_path: Path, more: str) -> None:
    """It may know more classes; the unknown one needs no row."""
    found = poisonous(tmp_path, f"kind,bad\n0,1\n1,0\n{more}")
    assert found is not None
    assert found - {"7"} == {"0"}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("0,1\n1,yes\n", "list.csv line 3: 'yes' of column 'bad' is not '0' or '1'"),
        ("0,1.0\n1,0\n", "list.csv line 2: '1.0' of column 'bad' is not '0' or '1'"),
        ("0,1\n1,\n", "list.csv line 3: '' of column 'bad' is not '0' or '1'"),
        ("0,1\n1, 1\n", "list.csv line 3: ' 1' of column 'bad' is not '0' or '1'"),
        ("0,1\n1,0\n0,1\n", "list.csv line 4: the class 0 is on line 2 already"),
        ("0,1\n1,0\n0,0\n", "list.csv line 4: the class 0 is on line 2 already"),
        ("0,1\n", "class 1: no row of list.csv says whether it is poisonous"),
        ("0,1\n1,0\n-1,1\n", "list.csv line 4: the unknown class -1 cannot be poisonous"),
    ],
)
def test_a_list_that_leaves_a_doubt(tmp_path: Path, rows: str, expected: str) -> None:
    """An edible class would be a guess that costs a hundred times as much."""
    with pytest.raises(DataError) as caught:
        poisonous(tmp_path, f"kind,bad\n{rows}")
    assert f"1 fault: {expected};" in str(caught.value)
    assert caught.value.exit_code == 3
