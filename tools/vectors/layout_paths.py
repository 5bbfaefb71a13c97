"""Section 7.1: paths of options with parts that are left out, and the same without them."""

from __future__ import annotations

from collections.abc import Iterator

from vectors.case import Case, VectorFile
from vectors.layouts import case, coco_file, due, empty, item


def cases() -> Iterator[Case]:
    images = empty("t/a/1.jpg", "t/b/2.jpg", "v/w/a/3.jpg")
    items = [
        item("test", "v/w/a/3.jpg", "a"),
        item("train", "t/a/1.jpg", "a"),
        item("train", "t/b/2.jpg", "b"),
    ]
    for name, train, test in (("plain", "t", "v/w"), ("spare-parts", "./t", "v//./w/")):
        options = {"splits": {"train": train, "test": test}}
        yield case(f"folders-{name}", "image-folder", options, images, due(items))
    found = {**empty("img/x.jpg"), "notes/a.json": coco_file([(1, "x.jpg")], [(1, "u")])}
    one = [item("gallery", "1", "u", "img/x.jpg")]
    for name, notes, folder in (
        ("plain", "notes/a.json", "img"),
        ("spare-parts", "./notes//a.json", "img/./"),
    ):
        options = {"annotations": notes, "images": folder, "label": "name"}
        yield case(f"files-{name}", "coco", options, found, due(one), split="leave-one-out")
    table = {**empty("1.jpg"), "kit/t.csv": "file,kind\n1.jpg,owl\n"}
    owl = [item("gallery", "1.jpg", "owl")]
    for name, path in (("plain", "kit/t.csv"), ("spare-parts", "kit/.//t.csv")):
        options = {"tables": {"gallery": path}, "path": "{file}", "label": "kind"}
        yield case(f"table-{name}", "csv", options, table, due(owl), split="leave-one-out")


def files() -> Iterator[VectorFile]:
    yield VectorFile(
        "layouts",
        "paths",
        "7.1",
        "D",
        "layout.find",
        "Paths of options, with and without empty parts and parts that are a point.",
        list(cases()),
        source="by hand",
    )
