"""Section 7.1: what the test items share that were taken together."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from vectors.case import Case, Check, VectorFile, refused
from vectors.layouts import SPLITS, case, due, empty, item

TABLE = {"split": {"column": "part", "train": ["A"], "test": ["B"]}, "path": "{file}"}
TABLE |= {"table": "all.csv", "label": "kind"}
ROWS = "part,file,kind,trap,place\nA,1.jpg,owl,,\nA,2.jpg,eel,t1,\n"
ROWS += "B,3.jpg,owl,t2,p\nB,4.jpg,eel,{},{}\n"
TRAIN = [item("train", "1.jpg", "owl"), item("train", "2.jpg", "eel")]


def tables() -> Iterator[Case]:
    there = empty("1.jpg", "2.jpg", "3.jpg", "4.jpg")

    def one(name: str, last: tuple[str, str], check: Check, template: Any) -> Case:
        cluster = {"unit": "camera", "template": template}
        files = {**there, "all.csv": ROWS.format(*last)}
        return case(f"cluster-{name}", "csv", {**TABLE, "cluster": cluster}, files, check)

    def found(third: str, fourth: str) -> Check:
        test = [item("test", "3.jpg", "owl", cluster=third)]
        return due([*test, item("test", "4.jpg", "eel", cluster=fourth), *TRAIN])

    # Train rows have no cluster, whatever their cells hold, and need none.
    yield one("column", ("t2", ""), found("t2", "t2"), "{trap}")
    yield one("two-columns", ("t3", "q"), found("p/t2", "q/t3"), "{place}/{trap}")
    yield one("of-the-path", ("t3", "q"), found("3", "4"), "{file:stem}")
    yield one("first-without-empty-cell", ("", "q"), found("t2", "q"), ["{trap}", "{place}"])
    yield one("half-of-a-template", ("t3", ""), found("p t2", "t3"), ["{place} {trap}", "{trap}"])
    yield one("empty-cell", ("", "q"), refused, "{trap}")
    yield one("all-empty", ("", ""), refused, ["{trap}", "{place}"])
    yield one("no-such-column", ("t3", ""), refused, "{camera}")
    path = {"unit": "image", "pattern": "{cluster}.*"}
    files = {**there, "all.csv": ROWS.format("", "")}
    options = {**TABLE, "cluster": path}
    yield case("cluster-pattern", "csv", options, files, found("3", "4"))
    yield case("cluster-null", "csv", {**TABLE, "cluster": None}, files, due(NO_CLUSTER))


NO_CLUSTER = [item("test", "3.jpg", "owl"), item("test", "4.jpg", "eel"), *TRAIN]

PATHS = {
    "day-of-a-name": ("D{cluster}T*", "D20210601T120001_IFCB114.png", "20210601"),
    "first-occurrence": ("{cluster}_*", "a_b_c.png", "a"),
    "last-part-at-its-end": ("*_{cluster}.png", "a_b_c.png", "b_c"),
    "shortest-first-star": ("*_{cluster}_*", "a_b_c_d.png", "b"),
    "not-empty": ("{cluster}_*", "__a_b.png", "_"),
    "star-may-be-empty": ("*{cluster}.png", "ab.png", "ab"),
    "one-character": ("{cluster}*", "\U0001f41a1.png", "\U0001f41a"),
    "star-after-star": ("**-{cluster}", "a-b-c.png", "b-c.png"),
    "star-over-an-end-of-line": ("{cluster}-*.png", "a-b\nc.png", "a"),
    "end-of-line-in-a-cluster": ("{cluster}-*", "a\nb-c.png", "a\nb"),
    "folder": ("{cluster}/*", "cam1/x.png", "cam1"),
    "folder-further-up": ("{cluster}/*/*", "site/cam1/x.png", "site"),
    "part-of-a-folder": ("s-{cluster}/*.png", "s-1/x.png", "1"),
    "regular-expression": ("a.{cluster}", "a.b$.png", "b$.png"),
}
NO_MATCH = {
    "letter-case": ("d{cluster}T*", "D1T2.png"),
    "whole-part": ("{cluster}_x", "1_x.png"),
    "empty": ("a{cluster}.png", "a.png"),
    "dot-is-a-dot": ("a.{cluster}", "ab1.png"),
    "other-folder": ("cam{cluster}/x.png", "cam1/y.png"),
    "more-parts-than-the-path": ("{cluster}/*/*/*/*", "x.png"),
}


def paths() -> Iterator[Case]:
    def one(name: str, pattern: str, file: str, check: Check) -> Case:
        cluster = {"unit": "camera", "pattern": pattern}
        files = empty("t/a/1.jpg", f"v/a/{file}")
        options = {"splits": SPLITS, "cluster": cluster}
        return case(f"cluster-{name}", "image-folder", options, files, check)

    for name, (pattern, file, cluster) in PATHS.items():
        items = [item("test", f"v/a/{file}", "a", cluster=cluster), item("train", "t/a/1.jpg", "a")]
        yield one(name, pattern, file, due(items))
    for name, (pattern, file) in NO_MATCH.items():
        yield one(f"no-match-{name}", pattern, file, refused)


TWICE = "twice"
"""Stands for a cluster that an annotation writes twice."""


def annotations() -> Iterator[Case]:
    images = [{"id": i, "file_name": f"{i}.jpg"} for i in (1, 2)]
    items = [("1", "u"), ("2", "v")]

    def one(name: str, seen: tuple[Any, Any], check: Check, key: str = "seen") -> Case:
        notes = [
            {"image_id": i, "name": label} | ({} if value is None else {"seen": value})
            for i, label, value in zip((1, 2), "uv", seen, strict=True)
        ]
        text = json.dumps({"images": images, "annotations": notes})
        text = text.replace(f'"{TWICE}"', '"e1", "seen": "e2"')
        options = {"annotations": "a.json", "images": "img", "label": "name"}
        options |= {"cluster": {"unit": "encounter", "key": key}}
        files = {**empty("img/1.jpg", "img/2.jpg"), "a.json": text}
        given = {"split": "leave-one-out"}
        return case(f"cluster-{name}", "coco", options, files, check, **given)

    def found(*clusters: str) -> Check:
        return due(
            [
                item("gallery", id, label, f"img/{id}.jpg", cluster=cluster)
                for (id, label), cluster in zip(items, clusters, strict=True)
            ]
        )

    yield one("key", ("e1", "e1"), found("e1", "e1"))
    yield one("number", (7, "7"), found("7", "7"))
    yield one("number-with-a-sign", (-7, "7"), found("-7", "7"))
    yield one("label", ("e1", "e1"), found("u", "v"), key="name")
    yield one("missing", ("e1", None), refused)
    yield one("empty", ("e1", ""), refused)
    yield one("fraction", ("e1", 1.5), refused)
    yield one("flag", ("e1", True), refused)
    yield one("written-twice", ("e1", TWICE), refused)


def files() -> Iterator[VectorFile]:
    cases = [*tables(), *paths(), *annotations()]
    about = "Clusters of test items: columns, patterns of paths, keys of annotations."
    yield VectorFile(
        "layouts", "clusters", "7.1", "D", "layout.find", about, cases, source="by hand"
    )
