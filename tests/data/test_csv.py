"""The layout csv: rows of tables to items, for what the official data sets need of it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from task_values import TABLES, make_task, write_tables

from biobench.data.build import build_manifest
from biobench.data.faults import Faults
from biobench.data.files import found_files
from biobench.data.layouts import find, find_items
from biobench.data.layouts.csv import collect
from biobench.data.layouts.csv_options import read_options
from biobench.data.layouts.csv_rows import MAX_POSITION_DIGITS
from biobench.data.layouts.options import SplitRule
from biobench.data.layouts.template import parse_template
from biobench.data.manifest import Item
from biobench.errors import DataError
from biobench.spec.documents import Layout

TRAIN = "image,label\nimg/1.jpg,a\nimg/2.jpg,b\n"
TEST = "image,label\nimg/3.jpg,a\n"
IMAGES = ("img/1.jpg", "img/2.jpg", "img/3.jpg")


def items(root: Path, options: dict[str, Any], rule: SplitRule = "train-test") -> list[Item]:
    return find_items(root, Layout("csv", options), rule)


def one_table(**more: Any) -> dict[str, Any]:
    split = {"column": "split", "train": ["train"], "test": ["val", "test"]}
    return {"table": "t.csv", "split": split, "path": "{image}", "label": "label", **more}


def test_a_table_for_each_split(tmp_path: Path) -> None:
    """The id is the path; files that no row names are ignored, since the table decides."""
    root = write_tables(tmp_path, {"train.csv": TRAIN, "test.csv": TEST}, *IMAGES, "img/4.jpg")
    assert items(root, TABLES) == [
        Item("img/1.jpg", "img/1.jpg", "a", "train"),
        Item("img/2.jpg", "img/2.jpg", "b", "train"),
        Item("img/3.jpg", "img/3.jpg", "a", "test"),
    ]


def test_one_table_with_a_column_of_splits(tmp_path: Path) -> None:
    """iWildCam's way: a split may have several cells, and rows of other splits are ignored."""
    text = "image,label,split\n1.jpg,a,train\n2.jpg,b,val\n3.jpg,c,test\n4.jpg,d,id_val\n"
    root = write_tables(tmp_path, {"t.csv": text}, "1.jpg", "2.jpg", "3.jpg")
    assert [(item.id, item.split) for item in items(root, one_table())] == [
        ("1.jpg", "train"),
        ("2.jpg", "test"),
        ("3.jpg", "test"),
    ]


def test_several_tables_and_a_gallery(tmp_path: Path) -> None:
    """Tables are read in the order given; leave-one-out has one split."""
    root = write_tables(tmp_path, {"b.csv": TRAIN, "a.csv": TEST}, *IMAGES)
    options = {**TABLES, "tables": {"gallery": ["b.csv", "a.csv"]}}
    found = items(root, options, "leave-one-out")
    assert [(item.id[4], item.split) for item in found] == [
        ("1", "gallery"),
        ("2", "gallery"),
        ("3", "gallery"),
    ]


def test_templates_make_paths_and_ids_of_columns(tmp_path: Path) -> None:
    """FishNet's and NeWT's way: folders, the last part of an address, an extension put on."""
    text = "image,folder,key,label\nhttp://x/y/One.JPG,deep//./sea,k1,a\nOne.JPG,land,k2,b\n"
    root = write_tables(
        tmp_path, {"train.csv": text, "test.csv": "image,folder,key,label\nx.jpg,land,k3,a\n"},
        "lib/deep/sea/One.JPG", "lib/land/One.JPG", "lib/land/x.jpg",
    )  # fmt: skip
    options = {**TABLES, "path": "lib/{folder}/{image:name}", "id": "{folder}-{key}"}
    assert [(item.path, item.id) for item in items(root, options)] == [
        ("lib/deep/sea/One.JPG", "deep//./sea-k1"),
        ("lib/land/One.JPG", "land-k2"),
        ("lib/land/x.jpg", "land-k3"),
    ]


@pytest.mark.parametrize(
    ("cell", "name", "stem"),
    [
        ("trimmed/clip.v1.mp4", "clip.v1.mp4", "clip.v1"),
        ("clip", "clip", "clip"),
        ("a.b/clip", "clip", "clip"),
        (".hidden", ".hidden", ".hidden"),
        ("x/.hidden.jpg", ".hidden.jpg", ".hidden"),
        ("x/", "", ""),
        ("dot.", "dot.", "dot"),
    ],
)
def test_name_and_stem_of_a_cell(cell: str, name: str, stem: str) -> None:
    """Another language must cut the same pieces."""
    template = parse_template("<{c:name}|{c:stem}|{c}>")
    assert template.fill({"c": cell}) == f"<{name}|{stem}|{cell}>"


def test_a_path_template_for_each_split(tmp_path: Path) -> None:
    """FungiCLEF's images of the two splits lie in two folders."""
    root = write_tables(
        tmp_path, {"train.csv": TRAIN.replace("img/", ""), "test.csv": TEST.replace("img/", "")},
        "old/1.jpg", "old/2.jpg", "new/3.jpg",
    )  # fmt: skip
    options = {**TABLES, "path": {"train": "old/{image}", "test": "new/{image}"}}
    assert [item.path for item in items(root, options)] == ["old/1.jpg", "old/2.jpg", "new/3.jpg"]


def test_the_exact_name_first_then_the_lower_case_one(tmp_path: Path) -> None:
    """Only what the table wrote changes its case, and only A to Z of it."""
    text = "image,label\nA/One.JPG,a\nA/TWO.JPG,b\nA/\u00c4.JPG,b\n"
    root = write_tables(
        tmp_path, {"train.csv": text, "test.csv": "image,label\nx.jpg,a\n"},
        "DF/A/One.JPG", "DF/a/one.jpg", "DF/a/two.jpg", "DF/a/\u00c4.jpg", "DF/x.jpg",
    )  # fmt: skip
    options = {**TABLES, "path": "DF/{image}", "path_case": "exact-then-lower"}
    paths = [item.path for item in items(root, options)]
    assert paths == ["DF/A/One.JPG", "DF/a/two.jpg", "DF/a/\u00c4.jpg", "DF/x.jpg"]
    assert [item.id for item in items(root, options)] == paths
    with pytest.raises(DataError, match=r"missing: DF/A/TWO\.JPG"):
        items(root, {**options, "path_case": "exact"})


def test_frames_of_a_row(tmp_path: Path) -> None:
    """MammalNet's way: a row is a clip of numbered images."""
    text = "trimmed/c1.mp4 3 x\ntrimmed/c2.mp4 4 y\n"
    frames = [f"f/{clip}/{n:02}.jpg" for clip in ("c1", "c2", "c3") for n in (1, 2, 3)]
    root = write_tables(tmp_path, {"train.csv": text, "test.csv": "trimmed/c3.mp4 3 x\n"}, *frames)
    options = {
        **TABLES,
        "delimiter": " ",
        "columns": ["clip", "label", "species"],
        "path": "f/{clip:stem}/{n}.jpg",
        "subject": "{clip:stem}",
        "frames": {"column": "n", "count": 3, "digits": 2},
    }
    found = items(root, options)
    assert [item.path for item in found] == frames
    assert [(item.label, item.subject) for item in found[::3]] == [
        ("3", "c1"),
        ("4", "c2"),
        ("3", "c3"),
    ]


def test_positions_put_the_images_of_a_subject_in_order(tmp_path: Path) -> None:
    """KABR's frames are numbered; as text 10 would come before 9."""
    rows = [("c", n) for n in (10, 9, 0)] + [("d", 7)]
    text = "".join(f"{clip}/{n}.jpg {clip} {n} x\n" for clip, n in rows)
    paths = [f"{clip}/{n}.jpg" for clip, n in rows]
    options = {
        **TABLES,
        "delimiter": " ",
        "columns": ["image", "clip", "n", "label"],
        "subject": "{clip}",
        "position": "n",
    }
    tables = {"train.csv": text, "test.csv": "e.jpg e 0 x\n"}
    found = items(write_tables(tmp_path, tables, *paths, "e.jpg"), options)
    assert [i.path for i in found if i.subject == "c"] == ["c/0.jpg", "c/9.jpg", "c/10.jpg"]


TRAITS = {
    "tables": TABLES["tables"],
    "path": "{image}",
    "traits": [
        {"column": "path", "one": ["pelagic"], "zero": ["benthic"]},
        {"column": "salt", "one": ["1", "yes"], "zero": ["0"]},
    ],
    "drop_incomplete": True,
}
TRAIT_TABLES = {
    "train.csv": "image,path,salt\n1.jpg,pelagic,0\n2.jpg,benthic,yes\n3.jpg,,1\n",
    "test.csv": "image,path,salt\n4.jpg,benthic,1\n",
}


def test_traits_are_cells_that_stand_for_one_and_zero(tmp_path: Path) -> None:
    """FishNet's way; a row with an empty trait is left out, whether or not its image is there."""
    root = write_tables(tmp_path, TRAIT_TABLES, "1.jpg", "2.jpg", "4.jpg")
    found = find(root, Layout("csv", TRAITS), "train-test")
    assert found.traits == ("path", "salt")
    assert [(item.id, item.traits) for item in found.items] == [
        ("1.jpg", (1, 0)),
        ("2.jpg", (0, 1)),
        ("4.jpg", (0, 1)),
    ]
    manifest = build_manifest(make_task("csv", TRAITS), root)
    assert manifest.classes == manifest.test_classes == ("path", "salt")
    assert manifest.traits().tolist() == [[1, 0], [0, 1], [0, 1]]
    assert (manifest.excluded, manifest.scored().tolist()) == (0, [False, False, True])


def test_an_empty_trait_may_have_a_meaning(tmp_path: Path) -> None:
    """A list that names the empty cell says what it stands for."""
    traits = [{"column": "path", "one": ["pelagic"], "zero": ["benthic", ""]}, TRAITS["traits"][1]]
    root = write_tables(tmp_path, TRAIT_TABLES, "1.jpg", "2.jpg", "3.jpg", "4.jpg")
    found = items(root, {**TRAITS, "traits": traits, "drop_incomplete": False})
    assert [item.traits for item in found][2] == (0, 1)


def test_groups_may_share_an_image(tmp_path: Path) -> None:
    """NeWT's way: each row is a question, and two questions may be about one photograph."""
    text = "image,label,task,split\n1.jpg,0,wet,train\n2.jpg,1,wet,train\n1.jpg,1,old,train\n"
    text += "2.jpg,0,old,train\n3.jpg,0,wet,test\n3.jpg,1,old,test\n"
    root = write_tables(tmp_path, {"t.csv": text}, "1.jpg", "2.jpg", "3.jpg")
    options = one_table(group="{task}", id="{task}/{image}")
    manifest = build_manifest(make_task("csv", options), root)
    assert manifest.groups() == ("old", "wet", "old", "wet", "old", "wet")
    assert [row.path for row in manifest.rows] == [f"{n}.jpg" for n in (1, 1, 2, 2, 3, 3)]
    assert [row.label for row in manifest.rows] == [1, 0, 0, 1, 1, 0]


def test_poisonous_classes_come_from_a_table_of_their_own(tmp_path: Path) -> None:
    """FungiCLEF's list has a header and commas, however the other tables are written."""
    tables = {
        "train.csv": "1.jpg;b\n2.jpg;a\n3.jpg;c\n",
        "test.csv": "4.jpg;a\n",
        "list.csv": "class_id,poisonous\na,1\nb,0\nx,1\nc,yes\n",
    }
    options = {
        **TABLES,
        "delimiter": ";",
        "columns": ["image", "label"],
        "poisonous": {
            "table": "list.csv", "label": "class_id", "column": "poisonous",
            "cells": ["1", "yes"], "edible": ["0"],
        },
    }  # fmt: skip
    root = write_tables(tmp_path, tables, *(f"{n}.jpg" for n in range(1, 5)))
    assert build_manifest(make_task("csv", options), root).poisonous == (0, 2)
    del options["poisonous"]
    assert build_manifest(make_task("csv", options), root).poisonous is None


def test_the_tables_are_files_of_the_data_set(tmp_path: Path) -> None:
    """A changed label is another data set, so every table is in the digest of the files."""
    extra = {"table": "list.csv", "label": "label", "column": "bad"}
    extra |= {"cells": ["1"], "edible": ["0"]}
    tables = {"train.csv": TRAIN, "test.csv": TEST, "list.csv": "label,bad\na,1\nb,0\n"}
    root = write_tables(tmp_path, tables, *IMAGES, "img/unlisted.jpg")
    dataset = make_task("csv", {**TABLES, "poisonous": extra}).dataset
    before = found_files(dataset, root)
    assert before.count == 6
    assert before.bytes == sum(len(text) for text in tables.values())
    for name, text in tables.items():
        write_tables(tmp_path, {name: text + "\n"})
        assert found_files(dataset, root).digest != before.digest
        write_tables(tmp_path, {name: text})
    assert found_files(dataset, root) == before


@given(st.lists(st.integers(0, 10**MAX_POSITION_DIGITS - 1), min_size=1, max_size=8, unique=True))
def test_positions_of_any_size(positions: list[int]) -> None:
    """Numbers, not text, decide the order."""
    text = "image,label,n\n" + "".join(f"{n}.jpg,a,{n}\n" for n in positions)
    options = {**TABLES, "tables": {"gallery": "t.csv"}, "subject": "s", "position": "n"}
    faults = Faults()
    found = collect(
        read_options(Layout("csv", options), "leave-one-out"),
        lambda name, faults: io.BytesIO(text.encode()),
        lambda path: True,
        faults,
        keep_missing=False,
    )
    assert [item.id for item in found.items] == [f"{n}.jpg" for n in sorted(positions)]
