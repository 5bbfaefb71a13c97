"""The COCO layout: items, and every fault with its own message."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from task_values import COCO, coco_document, make_task, write_coco

from biobench.data.layouts import find_items
from biobench.data.manifest import Item
from biobench.errors import DataError

LAYOUT = make_task("coco", COCO).dataset.layout
LABELS = ("ann", "ann", "bob", "bob")
Document = dict[str, list[dict[str, Any]]]


def refusal(root: Path) -> str:
    with pytest.raises(DataError) as caught:
        find_items(root, LAYOUT, "leave-one-out")
    message = str(caught.value)
    assert "\n" not in message, "an error is one line"
    assert str(root) in message, "an error names the place"
    return message


def test_an_item_is_known_by_its_image_id(tmp_path: Path) -> None:
    """The id outlives a renaming of files; the path is relative to the data folder."""
    root = write_coco(tmp_path, coco_document(LABELS), *(f"{i}.jpg" for i in range(4)))
    assert find_items(root, LAYOUT, "leave-one-out") == [
        Item(str(i), f"images/{i}.jpg", label, "gallery") for i, label in enumerate(LABELS)
    ]


def test_files_that_the_document_does_not_name_are_no_items(tmp_path: Path) -> None:
    """The document decides what the data set is."""
    root = write_coco(tmp_path, coco_document(LABELS), *(f"{i}.jpg" for i in range(9)))
    assert len(find_items(root, LAYOUT, "leave-one-out")) == 4


def test_file_names_may_have_folders(tmp_path: Path) -> None:
    """COCO files of several cameras name sub-folders."""
    document = coco_document(LABELS)
    document["images"][1]["file_name"] = "./left/1.jpg"
    root = write_coco(tmp_path, document, "0.jpg", "left/1.jpg", "2.jpg", "3.jpg")
    assert find_items(root, LAYOUT, "leave-one-out")[1].path == "images/left/1.jpg"


def _same_id(d: Document) -> None:
    d["images"][1]["id"] = "0"


def _same_file(d: Document) -> None:
    d["images"][1]["file_name"] = "0.jpg"


def _climbing(d: Document) -> None:
    d["images"][1]["file_name"] = "../../etc/1.jpg"


def _backslash(d: Document) -> None:
    d["images"][1]["file_name"] = "sub\\1.jpg"


def _absolute(d: Document) -> None:
    d["images"][1]["file_name"] = "/etc/1.jpg"


def _surrogate(d: Document) -> None:
    d["images"][1]["file_name"] = "\udce9.jpg"


def _nul(d: Document) -> None:
    d["images"][1]["file_name"] = "1\0.jpg"


def _lost(d: Document) -> None:
    d["images"][1]["file_name"] = "lost.jpg"


def _nameless(d: Document) -> None:
    del d["images"][1]["file_name"]


def _no_id(d: Document) -> None:
    d["images"][1]["id"] = None


def _unannotated(d: Document) -> None:
    del d["annotations"][1]


def _orphan(d: Document) -> None:
    d["annotations"].append({"id": 9, "image_id": 77, "name": "ann"})


def _twice(d: Document) -> None:
    d["annotations"].append({"id": 9, "image_id": 1, "name": "bob"})


def _unnamed(d: Document) -> None:
    d["annotations"][1]["name"] = ""


def _number(d: Document) -> None:
    d["annotations"][1]["name"] = 4


def _no_image_id(d: Document) -> None:
    del d["annotations"][1]["image_id"]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_same_id, "/images/1: duplicate image id 0"),
        (_same_file, "images/0.jpg: named by two images"),
        (_climbing, "the path climbs out of the data folder"),
        (_absolute, "it is absolute"),
        (_backslash, "a backslash; write /"),
        (_surrogate, "the name is not UTF-8"),
        (_nul, "holds a NUL"),
        (_lost, "images/lost.jpg: the file is missing"),
        (_nameless, "file_name must be a string"),
        (_no_id, "/images/1: an object with an integer or string id"),
        (_unannotated, "images/1.jpg: image 1 has no annotation"),
        (_orphan, "/annotations/4: no image has the id 77"),
        (_twice, "/annotations/4: a second annotation of image 1"),
        (_unnamed, "/annotations/1: 'name' must be a non-empty string"),
        (_number, "/annotations/1: 'name' must be a non-empty string, not 4"),
        (_no_image_id, "/annotations/1: an object with an integer or string image_id"),
    ],
)
def test_each_fault_of_the_document_is_named(
    tmp_path: Path, spoil: Callable[[Document], None], words: str
) -> None:
    """One spoilt entry stops the run with the entry's place, and is not skipped."""
    document = coco_document(LABELS)
    spoil(document)
    message = refusal(write_coco(tmp_path, document, *(f"{i}.jpg" for i in range(4))))
    assert words in message


def test_one_spoilt_entry_is_one_fault(tmp_path: Path) -> None:
    """A bad file name must not also be reported as missing or unannotated."""
    document = coco_document(LABELS)
    _climbing(document)
    _unnamed(document)
    assert "2 faults: " in refusal(write_coco(tmp_path, document, *(f"{i}.jpg" for i in range(4))))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"images": [\n  {"id": 1,,}\n]}', "broken JSON at line 2, column 12"),
        ("", "the annotation file is empty"),
        (
            "<html>404</html>",
            "the annotation file is a web page, maybe of an error; fetch the file again",
        ),
        (
            "version https://git-lfs.github.com/spec/v1\n",
            "file is a pointer of Git LFS; fetch the f",
        ),
        (
            "PK\x03\x04",
            "annotations.json: the annotation file is a zip archive or a spreadsheet; unp",
        ),
        ("[]", "a JSON object with images and annotations is expected; write one object"),
        ('{"images": []}', "no list 'annotations' in the JSON object; write one object"),
        ('{"images": 3, "annotations": []}', "no list 'images'"),
        ("[" * 100_000, "nested too deeply; write one object"),
        (
            '{"images": [], "annotations": [], "info": NaN}',
            "NaN is not a number of JSON); correct that number",
        ),
    ],
)
def test_a_broken_document_is_named_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    """A cut-off download shows where it stops."""
    assert words in refusal(write_coco(tmp_path, text))


def test_members_that_are_not_read_may_be_deep_and_long(tmp_path: Path) -> None:
    """Protects: what rule 7.1-75 lets no reader refuse is read."""
    unread = f'{{"deep": {"[" * 499}{"]" * 499}, "long": {"9" * 4_300}, '
    text = unread + json.dumps(coco_document(LABELS))[1:]
    root = write_coco(tmp_path, text, *(f"{i}.jpg" for i in range(4)))
    assert len(find_items(root, LAYOUT, "leave-one-out")) == 4


def test_a_document_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    """Latin-1 names of individuals must not turn into other names."""
    root = write_coco(tmp_path, "{}")
    (root / "annotations.json").write_bytes(b'{"images": ["\xe9"]}')
    assert "not UTF-8 at byte 13" in refusal(root)


def test_a_missing_document_or_image_folder_is_named(tmp_path: Path) -> None:
    """Missing parts of an archive give one fault, not one an image."""
    missing = "the data folder is missing; give --data a folder that holds the annotation file"
    assert missing in refusal(tmp_path / "none")
    root = write_coco(tmp_path, coco_document(LABELS))
    (root / "images").rmdir()
    assert "the images folder is missing" in refusal(root)
    (root / "annotations.json").unlink()
    assert "the annotation file is missing" in refusal(root)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"])
def test_another_encoding_is_named(tmp_path: Path, encoding: str) -> None:
    """A JSON reader may guess it; the files are UTF-8."""
    root = write_coco(tmp_path, coco_document(LABELS), *(f"{i}.jpg" for i in range(4)))
    path = root / "annotations.json"
    path.write_bytes(path.read_text().encode(encoding))
    assert "UTF-16 or UTF-32; save it as UTF-8" in refusal(root)


def test_a_byte_order_mark_of_utf8_is_ignored(tmp_path: Path) -> None:
    """Windows writes one."""
    root = write_coco(tmp_path, coco_document(LABELS), *(f"{i}.jpg" for i in range(4)))
    path = root / "annotations.json"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(find_items(root, LAYOUT, "leave-one-out")) == 4


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ('"name": "ann"', '"name": "bob", "name": "ann"', "name"),
        ('"file_name": "0.jpg"', '"file_name": "0.jpg", "file_name": "1.jpg"', "file_name"),
        ('{"images": [', '{"annotations": [], "images": [', "annotations"),
    ],
)
def test_a_name_that_is_written_twice(tmp_path: Path, old: str, new: str, name: str) -> None:
    """A reader takes the last one in silence, another the first."""
    root = write_coco(tmp_path, coco_document(LABELS), *(f"{i}.jpg" for i in range(4)))
    path = root / "annotations.json"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    assert f"an object of the JSON has '{name}' twice; keep one of the two" in refusal(root)


def test_ids_of_any_size(tmp_path: Path) -> None:
    """Beyond 2^31 and 2^63 an id is what is written, and no two of them become one."""
    ids = [2**31, 2**31 + 1, 2**63, 2**63 + 1, -1]
    document = coco_document(["ann"] * len(ids))
    for i, image, note in zip(ids, document["images"], document["annotations"], strict=True):
        image["id"] = note["image_id"] = i
    root = write_coco(tmp_path, document, *(f"{i}.jpg" for i in range(len(ids))))
    assert [item.id for item in find_items(root, LAYOUT, "leave-one-out")] == list(map(str, ids))
