"""Section 7.1: items of folders of classes and of annotation files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from vectors.case import Case, Check, VectorFile, refused

SPLITS = {"train": "t", "test": "v"}
Wanted = Sequence[dict[str, Any]]


def item(split: str, id: str, label: Any, path: str | None = None, **more: str) -> dict[str, Any]:
    key = "traits" if isinstance(label, list) else "label"
    return {"id": id, "path": id if path is None else path, key: label, "split": split, **more}


def due(
    items: Wanted,
    *,
    missing: Sequence[str] = (),
    traits: Sequence[str] = (),
    poisonous: Sequence[str] = (),
) -> Check:
    def check(given: Any, output: Any) -> str | None:
        wanted = {
            "items": list(items),
            "missing": list(missing),
            "traits": list(traits),
            "poisonous": list(poisonous),
        }
        return None if output == wanted else str(output)

    return check


def case(
    name: str,
    layout: str,
    options: dict[str, Any],
    files: dict[str, str | None],
    check: Check,
    **more: Any,
) -> Case:
    given = {"split": "train-test", **more, "layout": {"id": layout, "options": options}}
    return Case(f"layouts/{layout}/{name}", {**given, "files": files}, check)


def empty(*paths: str) -> dict[str, str | None]:
    """Files that are there; what is in them does not matter."""
    return dict.fromkeys(paths)


def folders() -> Iterator[Case]:
    options = {"splits": SPLITS}
    base = ("t/a/1.jpg", "t/b/2.PNG", "v/a/3.JpEg")
    items = [item("test", "v/a/3.JpEg", "a"), item("train", "t/a/1.jpg", "a")]
    items.append(item("train", "t/b/2.PNG", "b"))
    yield case("formats", "image-folder", options, empty(*base), due(items))
    # These are items too, whether or not an implementation decodes them.
    others = [f"t/b/{name}" for name in ("3.BMP", "3.gif", "3.tif", "3.tiff", "3.webp")]
    more = [*items, *(item("train", path, "b") for path in others)]
    yield case("more-formats", "image-folder", options, empty(*base, *others), due(more))
    ignored = ("t/a/.hidden.jpg", "t/.hidden/x.jpg", "t/a/notes.txt", "other/a/4.jpg", "t/a/jpg")
    yield case("ignored", "image-folder", options, empty(*base, *ignored), due(items))
    deep = [*items[:1], item("train", "t/a/1.jpg", "a"), item("train", "t/a/x/y/5.jpg", "a")]
    deep.append(items[2])
    yield case("any-depth", "image-folder", options, empty(*base, "t/a/x/y/5.jpg"), due(deep))
    gallery = [item("gallery", "all/a/1.jpg", "a"), item("gallery", "all/b/1.jpg", "b")]
    yield case(
        "gallery",
        "image-folder",
        {"splits": {"gallery": "all"}},
        empty("all/b/1.jpg", "all/a/1.jpg"),
        due(gallery),
        split="leave-one-out",
    )
    for name, path in {
        "image-outside-a-class": "t/6.jpg",
        "class-without-an-image": "t/c/notes.txt",
        "another-format": "t/a/7.JP2",
        "another-format-deep": "v/a/x/7.heic",
    }.items():
        yield case(name, "image-folder", options, empty(*base, path), refused)
    yield from flat()
    yield case("no-test-folder", "image-folder", options, empty("t/a/1.jpg"), refused)


def flat() -> Iterator[Case]:
    """The images of the test split lie in its folder itself, and a list has their classes."""
    classes = ["b", "a", "never", "c"]
    options = {"splits": SPLITS, "flat": {"test": {"labels": "kit/list.txt", "classes": classes}}}
    images = ("t/a/1.jpg", "t/b/2.png", "v/x_1.JPEG", "v/x_10.JPEG", "v/x_2.JPEG")
    items = [
        item("test", "v/x_1.JPEG", "a"),
        item("test", "v/x_10.JPEG", "a"),
        item("test", "v/x_2.JPEG", "c"),
        item("train", "t/a/1.jpg", "a"),
        item("train", "t/b/2.png", "b"),
    ]
    others = empty("v/notes.txt", "v/.x_0.JPEG")

    def listed(name: str, text: str | None, check: Check, more: Sequence[str] = ()) -> Case:
        files = {**empty(*images, *more), **others}
        if text is not None:
            files["kit/list.txt"] = text
        return case(f"flat-{name}", "image-folder", options, files, check)

    for name, text in (("list", "2\n2\n4\n"), ("list-of-windows", "2\r\n2\r\n4")):
        yield listed(name, text, due(items))
    for name, bad in {
        "list-too-short": "2\n2\n",
        "list-too-long": "2\n2\n4\n1\n",
        "number-too-large": "2\n2\n5\n",
        "number-from-0": "2\n0\n4\n",
        "no-number": "2\na\n4\n",
        "zeros-in-front": "2\n02\n4\n",
        "no-list": None,
    }.items():
        yield listed(name, bad, refused)
    yield listed("another-format", "2\n2\n4\n", refused, ("v/x_3.jp2",))
    sorted_form = {**empty("t/a/1.jpg", "t/b/2.png", "v/a/1.jpg")}
    found = [item("test", "v/a/1.jpg", "a"), *items[3:]]
    yield case("flat-option-and-class-folders", "image-folder", options, sorted_form, due(found))
    mixed = {**empty(*images, "v/a/1.jpg"), "kit/list.txt": "2\n2\n4\n"}
    yield case("flat-and-class-folders", "image-folder", options, mixed, refused)


def coco_file(images: Sequence[Any], annotations: Sequence[Any]) -> str:
    value = {
        "images": [{"id": id, "file_name": name} for id, name in images],
        "annotations": [{"image_id": id, "name": label} for id, label in annotations],
    }
    return json.dumps(value)


def coco() -> Iterator[Case]:
    options = {"annotations": "a.json", "images": "img", "label": "name"}
    pair = [(12, "x.jpg"), ("s-7", "sub/y.jpg")]
    labels = [("s-7", "v"), (12, "u")]
    there = empty("img/x.jpg", "img/sub/y.jpg")
    items = [item("gallery", "12", "u", "img/x.jpg"), item("gallery", "s-7", "v", "img/sub/y.jpg")]
    found = {**there, "a.json": coco_file(pair, labels)}
    yield case("ids", "coco", options, found, due(items), split="leave-one-out")
    for name, images, labelled in (
        ("no-annotation", pair, labels[:1]),
        ("two-annotations", pair, [*labels, (12, "v")]),
        ("id-twice", [*pair, (12, "sub/y.jpg")], labels),
        ("missing-file", [*pair, (13, "z.jpg")], [*labels, (13, "u")]),
        ("path-that-climbs", [*pair, (13, "../img/x.jpg")], [*labels, (13, "u")]),
    ):
        files = {**there, "a.json": coco_file(images, labelled)}
        yield case(name, "coco", options, files, refused, split="leave-one-out")
    again = [
        found["a.json"].replace(old, new)
        for old, new in (
            ('"name": "v"', '"name": "u", "name": "v"'),
            ('"id": 12', '"id": 13, "id": 12'),
            ('{"images"', '{"annotations": [], "images"'),
            ('"file_name": "x', '"file_name": "z.jpg", "file_name": "x'),
            ('"image_id": 12', '"image_id": 13, "image_id": 12'),
        )
    ]
    for name, text in zip(
        ("label", "id", "annotations", "file-name", "image-id"), again, strict=True
    ):
        files = {**there, "a.json": text}
        yield case(f"{name}-written-twice", "coco", options, files, refused, split="leave-one-out")
    unread = found["a.json"].replace('"id": 12', '"width": 1, "width": 2, "id": 12')
    files = {**there, "a.json": unread}
    name = "another-name-written-twice"
    yield case(name, "coco", options, files, due(items), split="leave-one-out")
    for name, text in {
        "no-json": "{",
        "no-list-of-images": '{"images": {}, "annotations": []}',
        "no-list-of-annotations": '{"images": []}',
    }.items():
        broken = {**there, "a.json": text}
        yield case(name, "coco", options, broken, refused, split="leave-one-out")
    yield from coco_values()


def coco_values() -> Iterator[Case]:
    """One image beside another, with one value that is valid or not."""
    options = {"annotations": "a.json", "images": "img", "label": "name"}
    files = empty("img/x.jpg", "img/sub/y.jpg")
    first = item("gallery", "1", "u", "img/x.jpg")

    def second(
        name: str, check: Check, id: Any = "2", path: Any = "sub/y.jpg", label: Any = "v"
    ) -> Case:
        text = coco_file([(1, "x.jpg"), (id, path)], [(1, "u"), (id, label)])
        found = {**files, "a.json": text}
        return case(name, "coco", options, found, check, split="leave-one-out")

    found = due([first, item("gallery", "2", "v", "img/sub/y.jpg")])
    for name, id in (("as-text", "2"), ("as-a-number", 2)):
        yield second(f"id-{name}", found, id=id)
    for name, id in {"fraction": 2.5, "flag": True, "null": None, "empty": ""}.items():
        text = coco_file([(1, "x.jpg"), (id, "sub/y.jpg")], [(1, "u")])
        found_there = {**files, "a.json": text}
        yield case(f"id-{name}", "coco", options, found_there, refused, split="leave-one-out")
    for name, path in {"empty-part": "sub//y.jpg", "part-of-a-dot": "./sub/y.jpg"}.items():
        yield second(f"path-with-{name}", found, path=path)
    paths = {"absolute": "/sub/y.jpg", "backslash": "sub\\y.jpg", "empty": "", "no-name": "."}
    for name, bad in {**paths, "number": 3, "of-another-image": "x.jpg"}.items():
        yield second(f"path-{name}", refused, path=bad)
    for name, label in {"number": 3, "null": None, "empty": ""}.items():
        yield second(f"label-{name}", refused, label=label)
    text = coco_file([(1, "x.jpg")], [(1, "u"), (2, "v")])
    lone = {**files, "a.json": text}
    yield case("annotation-of-no-image", "coco", options, lone, refused, split="leave-one-out")


def files() -> Iterator[VectorFile]:
    for name, about, cases in (
        ("image_folder", "Folders of classes.", folders()),
        ("coco", "A file of images and annotations.", coco()),
    ):
        yield VectorFile(
            "layouts", name, "7.1", "D", "layout.find", about, list(cases), source="by hand"
        )
