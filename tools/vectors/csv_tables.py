"""Section 7.1: items of tables of text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

from vectors.case import Case, Check, VectorFile, refused
from vectors.layouts import case, due, empty, item

BASE = {"tables": {"train": "t.csv", "test": "v.csv"}, "path": "{file}", "label": "kind"}
ONE = {"split": {"column": "part", "train": ["A", "a"], "test": ["B"]}, "path": "{file}"}
ONE |= {"table": "all.csv", "label": "kind"}
THERE = empty("1.jpg", "2.jpg", "3.jpg", "4.jpg")
TRAIN, TEST = "file,kind\n1.jpg,owl\n2.jpg,eel\n", "file,kind\n3.jpg,owl\n"
ITEMS = [item("test", "3.jpg", "owl"), item("train", "1.jpg", "owl"), item("train", "2.jpg", "eel")]


def text(rows: Sequence[Sequence[str]], **dialect: Any) -> str:
    """The rows as Python's csv module writes them."""
    out = io.StringIO()
    csv.writer(out, **{"lineterminator": "\n", **dialect}).writerows(rows)
    return out.getvalue()


def table_cases() -> Iterator[Case]:
    def two(name: str, train: str, check: Check, **options: Any) -> Case:
        files = {**THERE, "t.csv": train, "v.csv": TEST}
        return case(name, "csv", {**BASE, **options}, files, check)

    yield two("plain", TRAIN, due(ITEMS))
    yield two("carriage-returns", TRAIN.replace("\n", "\r\n"), due(ITEMS))
    yield two("old-line-ends", TRAIN.replace("\n", "\r"), due(ITEMS))
    yield two("byte-order-mark", "\ufeff" + TRAIN, due(ITEMS))
    yield two("no-final-line-end", TRAIN.rstrip(), due(ITEMS))
    yield two("empty-lines", TRAIN.replace("\n", "\n\n"), due(ITEMS))
    yield two("other-columns", "x,kind,x,file\n,owl,,1.jpg\n,eel,,2.jpg\n", due(ITEMS))
    odd = [["file", "kind"], ["1.jpg", 'a "b", c'], ["2.jpg", "two\nlines"]]
    quoted = [ITEMS[0], item("train", "1.jpg", 'a "b", c'), item("train", "2.jpg", "two\nlines")]
    yield two("quotes", text(odd), due(quoted))
    kept = [ITEMS[0], item("train", "1.jpg", " owl "), item("train", "2.jpg", "01")]
    yield two("nothing-is-trimmed", "file,kind\n1.jpg, owl \n2.jpg,01\n", due(kept))
    inner = [ITEMS[0], item("train", "1.jpg", 'o"w"l'), ITEMS[2]]
    yield two("quote-inside-a-cell", TRAIN.replace("owl", 'o"w"l'), due(inner))
    for name, train in {
        "fewer-cells": "file,kind\n1.jpg\n2.jpg,eel\n",
        "more-cells": "file,kind\n1.jpg,owl,x\n2.jpg,eel\n",
        "no-such-column": "file,sort\n1.jpg,owl\n2.jpg,eel\n",
        "column-twice": "file,kind,kind\n1.jpg,owl,owl\n",
        "header-only": "file,kind\n",
        "empty-table": "",
        "empty-label": "file,kind\n1.jpg,\n2.jpg,eel\n",
        "empty-path": "file,kind\n,owl\n2.jpg,eel\n",
        "open-quote": 'file,kind\n1.jpg,"owl\n2.jpg,eel\n',
        "zero-byte": "file,kind\n1.jpg,o\0l\n2.jpg,eel\n",
        "text-after-a-quote": 'file,kind\n1.jpg,"owl"x\n2.jpg,eel\n',
        "missing-image": "file,kind\n9.jpg,owl\n2.jpg,eel\n",
        "path-twice": "file,kind\n1.jpg,owl\n1.jpg,eel\n",
        "path-in-both-splits": "file,kind\n3.jpg,owl\n2.jpg,eel\n",
        "absolute-path": "file,kind\n/1.jpg,owl\n2.jpg,eel\n",
        "climbing-path": "file,kind\nx/../1.jpg,owl\n2.jpg,eel\n",
        "backslash": "file,kind\nx\\1.jpg,owl\n2.jpg,eel\n",
    }.items():
        yield two(name, train, refused)
    yield case("missing-table", "csv", BASE, {**THERE, "t.csv": TRAIN}, refused)


HEADER = "part,file,kind\n"
LINES = "A,1.jpg,owl\nB,3.jpg,owl\nC,4.jpg,cat\na,2.jpg,eel\n"
TABLE = HEADER + LINES


def one(name: str, content: str, check: Check, **options: Any) -> Case:
    """A table with a column that names the split; `files` and `given` are no options."""
    more = options.pop("given", {})
    files = {**THERE, **options.pop("files", {}), "all.csv": content}
    kept = {k: v for k, v in {**ONE, **options}.items() if v is not None}
    return case(name, "csv", kept, files, check, **more)


def places() -> Iterator[Case]:
    yield one("split-by-column", TABLE, due(ITEMS))
    names = ["part", "file", "kind"]
    yield one("no-header", LINES, due(ITEMS), columns=names)
    yield one("delimiter", TABLE.replace(",", ";"), due(ITEMS), delimiter=";")
    # One character, two UTF-16 code units.
    wide = "\U0001d11e"
    yield one("delimiter-beyond-16-bits", TABLE.replace(",", wide), due(ITEMS), delimiter=wide)
    halves = {"one.csv": HEADER + "A,1.jpg,owl\n", "two.csv": "file,kind,part\n2.jpg,eel,a\n"}
    both = ["one.csv", "two.csv", "all.csv"]
    yield one("several-tables", HEADER + "B,3.jpg,owl\n", due(ITEMS), table=both, files=halves)
    ids = [{**i, "id": f"n-{i['path'][0]}"} for i in ITEMS]
    yield one("id-by-stem", TABLE, due(ids), id="n-{file:stem}")
    yield one("id-twice", TABLE, refused, id="n-{kind}")
    deep = HEADER + "A,a/b/1.x.jpg,owl\nB,3.jpg,owl\na,./c//2.jpg,eel\n"
    paths = [
        item("test", "img/owl/3.jpg", "owl"),
        item("train", "img/eel/2.jpg", "eel"),
        item("train", "img/owl/1.x.jpg", "owl"),
    ]
    yield one(
        "template-with-name",
        deep,
        due(paths),
        path="img/{kind}/{file:name}",
        files=empty("img/owl/1.x.jpg", "img/owl/3.jpg", "img/eel/2.jpg"),
    )
    stems = [{**i, "id": i["path"].rsplit("/")[-1].removesuffix(".jpg")} for i in paths]
    yield one(
        "id-of-a-name-with-two-points",
        deep,
        due(sorted(stems, key=lambda i: (i["split"], i["id"]))),
        path="img/{kind}/{file:name}",
        id="{file:stem}",
        files=empty("img/owl/1.x.jpg", "img/owl/3.jpg", "img/eel/2.jpg"),
    )
    by_split = [item("test", "v/3.jpg", "owl"), item("train", "t/1.jpg", "owl")]
    by_split.append(item("train", "t/2.jpg", "eel"))
    yield one(
        "path-by-split",
        TABLE,
        due(by_split),
        path={"train": "t/{file}", "test": "v/{file}"},
        files=empty("t/1.jpg", "t/2.jpg", "v/3.jpg"),
    )
    upper = TABLE.replace("1.jpg", "1.JPG")
    yield one("lower-case-path", upper, due(ITEMS), path_case="exact-then-lower")
    yield one("exact-path", upper, refused)
    whole = {"split": None, "table": None, "tables": {"gallery": "all.csv"}}
    every = [item("gallery", f"{i}.jpg", k) for i, k in enumerate(["owl", "eel", "owl", "cat"], 1)]
    yield one("gallery", TABLE, due(every), **whole, given={"split": "leave-one-out"})


def ids() -> Iterator[Case]:
    def numbered(name: str, label: str, check: Check, **more: Any) -> Case:
        content = HEADER + f"A,1.jpg,10\nB,3.jpg,10\nC,4.jpg,x\na,2.jpg,{label}\n"
        return one(name, content, check, label_ids=12, **more)

    def items(label: str) -> list[dict[str, Any]]:
        ten = [item("test", "3.jpg", "10"), item("train", "1.jpg", "10")]
        return [*ten, item("train", "2.jpg", label)]

    yield numbered("label-ids", "0", due(items("0")))
    yield numbered("label-ids-largest", "11", due(items("11")))
    yield numbered("label-ids-unknown", "-1", due(items("-1")), unknown_label="-1")
    for name, label in {
        "too-large": "12",
        "sign": "-1",
        "plus": "+1",
        "fraction": "7.0",
        "exponent": "1e1",
        "zeros": "07",
        "blank": " 7",
        "letters": "abc",
        "other-digits": "\u0667",
    }.items():
        yield numbered(f"label-ids-{name}", label, refused)


def labels() -> Iterator[Case]:
    yield from ids()
    cells = "part,file,fins,eggs\nA,1.jpg,yes,0\nB,3.jpg,no,1\na,2.jpg,,1\na,4.jpg,no,0\n"
    traits = [
        {"column": "fins", "one": ["yes"], "zero": ["no"]},
        {"column": "eggs", "one": ["1"], "zero": ["0"]},
    ]
    complete = [item("test", "3.jpg", [0, 1]), item("train", "1.jpg", [1, 0])]
    complete.append(item("train", "4.jpg", [0, 0]))
    numbers = {"label": None, "traits": traits}
    yield one(
        "traits", cells, due(complete, traits=["fins", "eggs"]), **numbers, drop_incomplete=True
    )
    yield one("incomplete-traits", cells, refused, **numbers, drop_incomplete=False)
    other = cells.replace("yes", "maybe")
    yield one("trait-of-no-list", other, refused, **numbers, drop_incomplete=True)
    blank = cells.replace("2.jpg,,", "2.jpg, ,")
    yield one("trait-of-a-blank", blank, refused, **numbers, drop_incomplete=True)
    meant = [traits[0] | {"zero": ["no", ""]}, traits[1]]
    every = sorted([*complete, item("train", "2.jpg", [0, 1])], key=lambda i: (i["split"], i["id"]))
    yield one(
        "empty-cell-in-a-list",
        cells,
        due(every, traits=["fins", "eggs"]),
        label=None,
        traits=meant,
        drop_incomplete=True,
    )
    grouped = "part,file,kind,task\nA,1.jpg,1,age\na,2.jpg,0,age\nB,3.jpg,1,age\nA,1.jpg,0,sex\n"
    twice = [
        item("test", "age/3.jpg", "1", "3.jpg", group="age"),
        item("train", "age/1.jpg", "1", "1.jpg", group="age"),
        item("train", "age/2.jpg", "0", "2.jpg", group="age"),
        item("train", "sex/1.jpg", "0", "1.jpg", group="sex"),
    ]
    yield one("groups", grouped, due(twice), group="{task}", id="{task}/{file}")
    clips = "part,file,kind,clip,at\nA,1.jpg,run,k,10\nA,2.jpg,run,k,9\nB,3.jpg,run,m,0\n"
    placed = [
        item("test", "3.jpg", "run", subject="m"),
        item("train", "2.jpg", "run", subject="k"),
        item("train", "1.jpg", "run", subject="k"),
    ]
    yield one("positions", clips, due(placed), subject="{clip}", position="at")
    listed = [placed[0], placed[2], placed[1]]
    yield one("order-of-rows", clips, due(listed), subject="{clip}")
    same = clips.replace(",9\n", ",10\n")
    yield one("position-twice", same, refused, subject="{clip}", position="at")
    zeros = clips.replace(",9\n", ",009\n")
    yield one("position-with-zeros", zeros, due(placed), subject="{clip}", position="at")
    for name, cell in {"fraction": "9.0", "sign": "-1", "letters": "x", "digits": "1" * 16}.items():
        odd = clips.replace(",9\n", f",{cell}\n")
        yield one(f"position-{name}", odd, refused, subject="{clip}", position="at")
    across = clips.replace("B,3.jpg,run,m", "B,3.jpg,run,k")
    yield one("subject-in-two-splits", across, refused, subject="{clip}")
    films = "part,film,kind\nA,k,run\nB,m,sit\n"
    images = [f"{film}/{i:02}.jpg" for film in "km" for i in (1, 2, 3)]
    shown = [item("test", f"m/{i:02}.jpg", "sit", subject="m") for i in (1, 2, 3)]
    shown += [item("train", f"k/{i:02}.jpg", "run", subject="k") for i in (1, 2, 3)]
    framed = {"path": "{film}/{n}.jpg", "subject": "{film}"}
    framed |= {"frames": {"column": "n", "count": 3, "digits": 2}}
    yield one("frames", films, due(shown), **framed, files=empty(*images))
    ten = {**framed, "frames": {"column": "n", "count": 10, "digits": 1}}
    paths = [f"{film}/{i}.jpg" for film in "mk" for i in range(1, 11)]
    kinds = {"k": ("train", "run"), "m": ("test", "sit")}
    more = [item(kinds[p[0]][0], p, kinds[p[0]][1], subject=p[0]) for p in paths]
    name = "frames-of-more-digits-than-are-asked"
    yield one(name, films, due(more), **ten, files=empty(*paths))
    named = films.replace("film,kind", "film,n").replace("kind", "n")
    yield one("frames-column-in-a-table", named, refused, **framed, label="n", files=empty(*images))
    fewer = empty(*[path for path in images if path != "m/02.jpg"])
    yield one("missing-frame", films, refused, **framed, files=fewer)
    yield one(
        "missing-frame-kept",
        films,
        due(shown, missing=["m/02.jpg"]),
        **framed,
        files=fewer,
        given={"keep_missing": True},
    )


def files() -> Iterator[VectorFile]:
    for name, about, cases in (
        ("csv_text", "Tables as text: what is a cell, and what is an error.", table_cases()),
        ("csv_places", "Splits, headers, templates of paths and ids.", places()),
        ("csv_labels", "Ids, traits, groups, clips and frames.", labels()),
    ):
        yield VectorFile(
            "layouts", name, "7.1", "D", "layout.find", about, list(cases), source="by hand"
        )
