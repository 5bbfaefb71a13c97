"""Section 7.1: cells, rows, paths and names at the edge of a rule, one changed thing a case."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from vectors.case import Case, Check, VectorFile, refused
from vectors.csv_tables import BASE, ITEMS, TABLE, TEST, THERE, TRAIN, one
from vectors.layouts import SPLITS, case, coco_file, due, empty, item

LONGEST_CELL = 131_072


def cells() -> Iterator[Case]:
    """Texts at the edges of a cell and of a record."""

    def two(name: str, train: str, check: Check, **options: Any) -> Case:
        files = {**THERE, "t.csv": train, "v.csv": TEST}
        return case(name, "csv", {**BASE, **options}, files, check)

    # A record of one empty cell, which names no file.
    quotes = {**BASE, "label": "file", "columns": ["file"]}
    files = {**THERE, "t.csv": '1.jpg\n""\n2.jpg\n', "v.csv": "3.jpg\n"}
    yield case("two-quotes-alone-on-a-line", "csv", quotes, files, refused)
    yield two("blanks-alone-on-a-line", TRAIN + "  \n", refused)
    spaced = [*ITEMS[:1], item("train", "1.jpg", " owl "), ITEMS[2]]
    yield two("quoted-cell-is-not-trimmed", TRAIN.replace("owl", '" owl "'), due(spaced))
    inner = [*ITEMS[:1], item("train", "1.jpg", ' "owl"'), ITEMS[2]]
    yield two("blank-before-a-quote", TRAIN.replace("owl", ' "owl"'), due(inner))
    for name, sign in {
        "line-separator": "\u2028",
        "next-line": "\u0085",
        "form-feed": "\f",
        "vertical-tab": "\v",
    }.items():
        kept = [*ITEMS[:1], item("train", "1.jpg", f"o{sign}l"), ITEMS[2]]
        yield two(f"{name}-in-a-cell", TRAIN.replace("owl", f"o{sign}l"), due(kept))
    note = "x" * (LONGEST_CELL + 1)
    yield two("cell-that-is-too-long", f"file,kind,note\n1.jpg,owl,{note}\n2.jpg,eel,\n", refused)


def rows() -> Iterator[Case]:
    """Rows that are items of a split, and rows that are not."""
    yield one("row-of-no-split-without-a-label", TABLE.replace("4.jpg,cat", "4.jpg,"), due(ITEMS))
    yield one("row-of-no-split-without-a-path", TABLE.replace("4.jpg,cat", ",cat"), due(ITEMS))
    yield one("split-without-a-row", TABLE.replace("B,3", "C,3"), refused)
    traits = [
        {"column": "fins", "one": ["yes"], "zero": ["no"]},
        {"column": "eggs", "one": ["1"], "zero": ["0"]},
    ]
    options = {"label": None, "traits": traits, "drop_incomplete": True}
    header = "part,file,fins,eggs\nA,1.jpg,yes,0\nA,2.jpg,no,1\n"
    found = [item("train", "1.jpg", [1, 0]), item("train", "2.jpg", [0, 1])]
    left = due(found, traits=["fins", "eggs"])
    yield one("split-of-a-row-that-is-left-out", header + "B,3.jpg,,1\n", left, **options)
    whole = header + "B,3.jpg,yes,1\n"
    every = due([item("test", "3.jpg", [1, 1]), *found], traits=["fins", "eggs"])
    yield one("incomplete-row-with-another-fault", whole + "B,9.jpg,,many\n", every, **options)
    yield one("incomplete-row-without-a-path", whole + "B,,,1\n", every, **options)
    clips = "part,file,kind,clip,at\nA,1.jpg,run,k,{}\nA,2.jpg,run,k,9\nB,3.jpg,run,m,0\n"
    placed = [
        item("test", "3.jpg", "run", subject="m"),
        item("train", "2.jpg", "run", subject="k"),
        item("train", "1.jpg", "run", subject="k"),
    ]
    largest = clips.format("9" * 15)
    yield one("position-of-fifteen-digits", largest, due(placed), subject="{clip}", position="at")
    empty_position = clips.format("")
    yield one("empty-position", empty_position, refused, subject="{clip}", position="at")
    grouped = "part,file,kind,task,n\nA,1.jpg,1,age,x\na,2.jpg,0,age,y\nB,{}.jpg,1,age,z\n{}"
    more = {"group": "{task}", "id": "{n}"}
    again = grouped.format(3, "A,1.jpg,0,age,w\n")
    yield one("path-twice-in-a-group", again, refused, **more)
    yield one("path-in-both-splits-of-a-group", grouped.format(1, ""), refused, **more)


def paths() -> Iterator[Case]:
    """Templates and the files that they name."""
    hidden = TABLE.replace("1.jpg", ".1")
    dotted = {**empty(".1")}
    stems = [{**i, "id": i["path"].split(".")[0]} for i in ITEMS]
    stems[1] |= {"id": ".1", "path": ".1"}
    named = due([stems[0], stems[1], stems[2]])
    yield one(
        "stem-of-a-name-that-begins-with-a-point", hidden, named, id="{file:stem}", files=dotted
    )
    spelt = "part,file,kind,n\nA,1.jpg,owl,x.\nA,2.jpg,eel,a/x.y.\nB,3.jpg,owl,x\\y\n"
    last = [{**i, "id": id} for i, id in zip(ITEMS, ("x\\y", "x", "x.y"), strict=True)]
    yield one("stem-of-a-name-that-ends-in-a-point", spelt, due(last), id="{n:stem}")
    last = [{**i, "id": id} for i, id in zip(ITEMS, ("x\\y", "x.", "x.y."), strict=True)]
    yield one("name-with-a-backslash", spelt, due(last), id="{n:name}")
    blank = "part,file,kind,n\nA,1.jpg,owl,x\nA,2.jpg,eel,\nB,3.jpg,owl,z\n"
    yield one("empty-cell-of-an-id", blank, refused, id="n{n}")
    slash = "part,file,kind,n\nA,1.jpg,owl,x\nA,2.jpg,eel,y/\nB,3.jpg,owl,z/\n"
    for part in ("name", "stem"):
        yield one(f"item-without-a-{part}", slash, refused, id=f"{{n:{part}}}")
    yield one("subject-without-a-name", slash, refused, subject="{n:name}")
    yield one("group-without-a-name", slash, refused, group="{n:name}")
    one_film = slash.replace("y/", "y")
    film = {"unit": "video", "template": "{n:name}"}
    yield one("cluster-without-a-name", one_film, refused, cluster=film)
    filmed = one_film.replace("z/", "z/b")
    due_film = due([{**ITEMS[0], "cluster": "b"}, *ITEMS[1:]])
    yield one("cluster-of-a-name", filmed, due_film, cluster=film)
    accent = TABLE.replace("1.jpg", "\u00c9.jpg")
    lower = {"path_case": "exact-then-lower"}
    there = empty("\u00e9.jpg")
    yield one("lower-case-beyond-ascii", accent, refused, **lower, files=there)
    fixed = TABLE.replace("1.jpg", "K/1.jpg")
    yield one(
        "lower-case-of-cells-alone",
        fixed,
        due([item("test", "Img/3.jpg", "owl"), item("train", "Img/2.jpg", "eel"),
             item("train", "Img/k/1.jpg", "owl")]),
        **lower, path="Img/{file}", files=empty("Img/k/1.jpg", "Img/2.jpg", "Img/3.jpg"),
    )  # fmt: skip
    upper = TABLE.replace("1.jpg", "X.jpg")
    both = empty("X.jpg", "x.jpg")
    exact = [ITEMS[0], ITEMS[2], item("train", "X.jpg", "owl")]
    yield one("exact-before-lower-case", upper, due(exact), **lower, files=both)
    points = TABLE.replace("1.jpg", "./a//./1.jpg")
    inside = [ITEMS[0], ITEMS[2], item("train", "a/1.jpg", "owl")]
    yield one("empty-and-point-parts", points, due(inside), files=empty("a/1.jpg"))
    for name, path in {"climbing": "a/../1.jpg", "backslash": "a\\1.jpg"}.items():
        content = TABLE.replace("1.jpg", path)
        yield one(f"{name}-path-of-a-file", content, refused, files=empty(path))


def folders() -> Iterator[Case]:
    """Files in folders of classes: images and others."""
    options = {"splits": SPLITS}
    base = ("t/a/1.jpg", "t/b/2.png", "v/a/3.jpg")
    items = [item("test", base[2], "a"), item("train", base[0], "a"), item("train", base[1], "b")]
    for ending in ("avif", "heic", "jp2", "jxl", "pgm", "ppm"):
        files = empty(*base, f"t/b/4.{ending}")
        yield case(f"another-format-{ending}", "image-folder", options, files, refused)
    endings = ["jpe", "jfif", "apng", "dib", "heif", "jpx", "pbm", "svg", "psd", "dng"]
    endings += ["jpg_", "jpg.txt"]
    files = empty(*base, *(f"t/b/4.{ending}" for ending in endings))
    yield case("other-extensions", "image-folder", options, files, due(items))
    whole = [item("gallery", "a/1.jpg", "a"), item("gallery", "b/x/2.jpg", "b")]
    here = empty("a/1.jpg", "b/x/2.jpg", "notes.txt")
    options_here = {"splits": {"gallery": "."}}
    given = {"split": "leave-one-out"}
    yield case("data-folder-itself", "image-folder", options_here, here, due(whole), **given)
    longer = empty(*base, "tt/c/4.jpg")
    yield case("folder-with-a-longer-name", "image-folder", options, longer, due(items))
    beside = empty(*base, "t/4.jp2")
    yield case("another-format-outside-a-class", "image-folder", options, beside, due(items))
    hidden = empty(*base, "t/c/.DS_Store")
    yield case("class-with-a-hidden-file-alone", "image-folder", options, hidden, refused)
    hidden = empty(*base[:2], "v/.DS_Store")
    yield case("split-with-a-hidden-file-alone", "image-folder", options, hidden, due(items[1:]))
    dots = {"splits": {"train": ".tr", "test": "v"}}
    named = [items[0], item("train", ".tr/a/1.jpg", "a")]
    yield case(
        "split-of-a-hidden-name", "image-folder", dots, empty(base[2], ".tr/a/1.jpg"), due(named)
    )
    flat = {**options, "flat": {"test": {"labels": "l.txt", "classes": ["a", "b", "c"]}}}
    names = ("v/\U0001f41a.jpg", "v/\ufb33.jpg")
    listed = [item("test", names[1], "b"), item("test", names[0], "c"), *items[1:]]
    held = {**empty(*base[:2], *names, "v/.cache/4.jpg"), "l.txt": "2 3"}
    due_listed = due(sorted(listed, key=lambda i: (i["split"], i["id"])))
    yield case("flat-beside-a-hidden-folder", "image-folder", flat, held, due_listed)
    held = {**empty(*base[:2], "v/a/.DS_Store"), "l.txt": ""}
    yield case("flat-beside-a-folder", "image-folder", flat, held, refused)
    many = {"labels": "l.txt", "classes": [str(n) for n in range(1, 101)]}
    held = {**empty(*base[:2], "v/1.jpg", "v/2.jpg"), "l.txt": "99 100"}
    hundredth = [item("test", "v/1.jpg", "99"), item("test", "v/2.jpg", "100"), *items[1:]]
    flat_many = {**options, "flat": {"test": many}}
    name = "flat-number-of-three-digits"
    yield case(name, "image-folder", flat_many, held, due(hundredth))
    for name, text, check in (
        ("list-by-code-point", "2 3", due_listed),
        ("list-of-ascii-blanks", "2\t\f\v3", due(listed)),
        ("list-of-other-blanks", "2\u00a03", refused),
        ("list-of-a-next-line", "2\u00853", refused),
        ("list-of-a-sign", "+2 3", refused),
    ):
        held = {**empty(*base[:2], *names), "l.txt": text}
        yield case(f"flat-{name}", "image-folder", flat, held, check)


def annotations() -> Iterator[Case]:
    """Files of images and annotations."""
    options = {"annotations": "a.json", "images": "img", "label": "name"}
    there = empty("img/x.jpg", "img/y.jpg")
    pair, labels = [(12, "x.jpg"), (13, "y.jpg")], [(12, "u"), (13, "v")]
    found = due([item("gallery", "12", "u", "img/x.jpg"), item("gallery", "13", "v", "img/y.jpg")])

    def noted(name: str, text: str, check: Check) -> Case:
        files = {**there, "a.json": text}
        return case(name, "coco", options, files, check, split="leave-one-out")

    yield noted("annotation-of-an-id-as-text", coco_file(pair, [("12", "u"), labels[1]]), found)
    yield noted("two-ids-that-are-one", coco_file([pair[0], ("12", "y.jpg")], labels[:1]), refused)
    twice = [*labels, ("12", "u")]
    yield noted("two-annotations-of-an-id-as-text", coco_file(pair, twice), refused)
    marked = "\ufeff" + coco_file(pair, labels)
    yield noted("byte-order-mark", marked, found)
    yield noted("two-byte-order-marks", "\ufeff" + marked, refused)
    yield noted("number-with-a-zero-in-front", '{"z": 01, ' + coco_file(pair, labels)[1:], refused)
    yield noted("no-image", coco_file([], []), due([]))
    for name, id in {"point": "12.0", "exponent": "12e0"}.items():
        written = coco_file(pair, labels).replace(": 12,", f": {id},")
        yield noted(f"id-with-a-{name}", written, refused)
    below = coco_file([(-12, "x.jpg"), pair[1]], [(-12, "u"), labels[1]])
    kept = [
        item("gallery", "-12", "u", "img/x.jpg"), item("gallery", "13", "v", "img/y.jpg")
    ]  # fmt: skip
    yield noted("id-with-a-sign", below, due(kept))
    inner = coco_file(pair, labels).replace('"x.jpg"', '"x.jpg", "of": {"id": 1, "file_name": 2}')
    yield noted("member-with-names-that-are-read", inner, found)
    deep = f'{{"deep": {"[" * 499}{"]" * 499}, {coco_file(pair, labels)[1:]}'
    yield noted("member-five-hundred-deep", deep, found)
    large = [(2**53 + 1, "x.jpg"), (2**53, "y.jpg")]
    exact = [
        item("gallery", "9007199254740992", "v", "img/y.jpg"),
        item("gallery", "9007199254740993", "u", "img/x.jpg"),
    ]
    noted_large = [(2**53, "v"), ("9007199254740993", "u")]
    yield noted("ids-beyond-binary64", coco_file(large, noted_large), due(exact))
    for name, (number, label) in {"label": (12, "\ud800"), "id": ("\ud800", "u")}.items():
        lone = coco_file([(number, "x.jpg"), pair[1]], [(number, label), labels[1]])
        yield noted(f"lone-surrogate-of-a-{name}", lone, refused)
    text = json.dumps(json.loads(coco_file(pair, labels)))
    escaped = text.replace('"name": "v"', '"name": "v", "n\\u0061me": "u"')
    yield noted("label-written-twice-by-an-escape", escaped, refused)


def files() -> Iterator[VectorFile]:
    for name, about, cases in (
        ("csv_edges", "Cells, rows and paths of tables.", [*cells(), *rows(), *paths()]),
        ("folder_edges", "Folders of classes: extensions, lists.", list(folders())),
        (
            "coco_edges",
            "Annotations: ids that are a number and its text, names by escapes.",
            list(annotations()),
        ),
    ):
        yield VectorFile("layouts", name, "7.1", "D", "layout.find", about, cases, source="by hand")
