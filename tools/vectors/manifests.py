"""Sections 7.2 and 7.3: order of rows, label index."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from vectors.case import Case, Check, VectorFile, refused

BY_HAND = "by hand; hashlib for the digest"
Rows = Sequence[tuple[str, Any, str]]
"""(id, label, split) of each row that is due."""


def item(path: str, label: Any, split: str, **more: Any) -> dict[str, Any]:
    key = "traits" if isinstance(label, list) else "label"
    return {"id": path, "path": path, key: label, "split": split, **more}


def train(*names: str) -> list[dict[str, Any]]:
    return [item(f"train/{i}", name, "train") for i, name in enumerate(names)]


def test(*names: str) -> list[dict[str, Any]]:
    return [item(f"test/{i}", name, "test") for i, name in enumerate(names)]


def gallery(*names: str) -> list[dict[str, Any]]:
    return [item(f"gallery/{i}", name, "gallery") for i, name in enumerate(names)]


def due(
    classes: list[str],
    rows: Rows,
    *,
    test_classes: list[str] | None = None,
    excluded: int = 0,
    unscored: Sequence[str] = (),
) -> Check:
    """Check a manifest. A row of train is not scored, and neither is one of `unscored`."""

    def check(given: Any, output: Any) -> str | None:
        items = {i["id"]: i for i in given["items"]}
        grouped = any(i.get("group") for i in items.values())
        written = [[id, items[id]["path"], label, split] for id, label, split in rows]
        hashed = [row + [items[row[0]].get("group")] * grouped for row in written]
        text = json.dumps(hashed, ensure_ascii=False, separators=(",", ":"))
        wanted = {
            "classes": classes,
            "test_classes": classes if test_classes is None else test_classes,
            "rows": written,
            "scored": [split != "train" and id not in unscored for id, _, split in rows],
            "excluded": excluded,
            "digest": "sha256:" + hashlib.sha256(text.encode()).hexdigest(),
        }
        wrong = [key for key in wanted if wanted[key] != output.get(key)]
        return f"{wrong}: {output}" if wrong else None

    return check


def manifest(id: str, items: list[dict[str, Any]], check: Check, **task: Any) -> Case:
    return Case(id, {"division": "official", **task, "items": items}, check)


def orders() -> Iterator[Case]:
    shuffled = [
        item("b/2", "x", "test"),
        item("b/10", "y", "train"),
        item("a/9", "x", "train"),
        item("B/1", "y", "test"),
        item("a/10", "x", "train"),
        item("b/1", "x", "test"),
    ]
    rows = [("a/10", 0, "train"), ("a/9", 0, "train"), ("b/10", 1, "train")]
    rows += [("B/1", 1, "test"), ("b/1", 0, "test"), ("b/2", 0, "test")]
    yield manifest("manifests/code-point-order", shuffled, due(["x", "y"], rows))
    yield manifest("manifests/order-of-finding", shuffled[::-1], due(["x", "y"], rows))
    # In UTF-16 the emoji would come before U+FB33, in a locale the accented letter elsewhere, and a
    # letter with an accent of its own behind z, as the composed one.
    for name, paths in {
        "not-ascii": ["\ufb33", "\U0001f41a", "z", "\u00e9", "e", "Z"],
        "not-composed": ["\u00e9b", "e\u0301c", "z", "\u00c5a", "\u212ba"],
    }.items():
        items = [item(path, "yx"[i % 2], "gallery") for i, path in enumerate(paths)]
        wanted = sorted((path, 1 - i % 2, "gallery") for i, path in enumerate(paths))
        check = due(["x", "y"], wanted)
        yield manifest(f"manifests/{name}", items, check, split="leave-one-out")
    traits = [
        item("t/1", [0, 1, 1], "train"),
        item("t/0", [1, 1, 0], "train"),
        item("v/0", [0, 0, 0], "test"),
    ]
    yield manifest(
        "manifests/traits",
        traits,
        due(
            ["fins", "eggs", "spots"],
            [("t/0", [1, 1, 0], "train"), ("t/1", [0, 1, 1], "train"), ("v/0", [0, 0, 0], "test")],
        ),
        traits=["fins", "eggs", "spots"],
    )
    yield manifest("manifests/traits-without-a-test-item", traits[:2], refused, traits=[*"abc"])
    named = [{**item(f"{path}.jpg", "x" if path < "c" else "y", "gallery")} for path in "dacb"]
    for number, each in enumerate(named):
        each["id"] = f"n-{number}"
    by_path = [("n-1", 0), ("n-3", 0), ("n-2", 1), ("n-0", 1)]
    yield manifest(
        "manifests/ids-in-another-order-than-paths",
        named,
        due(["x", "y"], [(id, label, "gallery") for id, label in by_path]),
        split="leave-one-out",
    )
    shared = [
        {**item(path, label, split, group=group), "id": f"{group}/{path}"}
        for group in ("h", "g")
        for path, label, split in (("1", "x", "train"), ("2", "y", "train"), ("3", "x", "test"))
    ]
    twice = [(f"{group}/{n}", n - 1, "train") for n in (1, 2) for group in "gh"]
    twice += [(f"{group}/3", 0, "test") for group in "gh"]
    yield manifest("manifests/one-path-in-two-groups", shared, due(["x", "y"], twice))
    same = [{**each, "id": "1"} for each in train("x", "y") + test("x")]
    yield manifest("manifests/id-twice", same, refused)
    across = [*train("x", "y"), {**item("test/0", "x", "test"), "id": "train/0"}]
    yield manifest("manifests/id-in-both-splits", across, refused)


def index_cases() -> Iterator[Case]:
    names = train("owl", "Owl", "eel", "owl") + test("eel", "owl", "Owl")
    rows: Rows = [
        ("train/0", 2, "train"),
        ("train/1", 0, "train"),
        ("train/2", 1, "train"),
        ("train/3", 2, "train"),
        ("test/0", 1, "test"),
        ("test/1", 2, "test"),
        ("test/2", 0, "test"),
    ]
    yield manifest("label-index/train-names", names, due(["Owl", "eel", "owl"], rows))
    ten = train("9", "10", "1") + test("10")
    labels = [("train/0", 2), ("train/1", 1), ("train/2", 0)]
    yield manifest(
        "label-index/names-are-no-numbers",
        ten,
        due(["1", "10", "9"], [*((p, k, "train") for p, k in labels), ("test/0", 1, "test")]),
    )
    accents = train("\u00e9toile", "zebra", "\U0001f41a", "\ufb33") + test("zebra")
    wanted = [("train/0", 1), ("train/1", 0), ("train/2", 3), ("train/3", 2)]
    yield manifest(
        "label-index/not-ascii",
        accents,
        due(
            ["zebra", "\u00e9toile", "\ufb33", "\U0001f41a"],
            [*((p, k, "train") for p, k in wanted), ("test/0", 0, "test")],
        ),
    )
    unequal = train("bat", "dog", "cat") + test("dog", "bat", "ant")
    seen = [("train/0", 0, "train"), ("train/1", 2, "train"), ("train/2", 1, "train")]
    known = [*seen, ("test/0", 2, "test"), ("test/1", 0, "test")]
    for name, items, rows in [
        ("train-names", train("bat", "dog", "cat") + test("dog", "bat"), known),
        ("test-name-without-an-index", unequal, [*known, ("test/2", -1, "test")]),
    ]:
        found = due(["bat", "cat", "dog"], rows)
        yield manifest(f"label-index/{name}-in-compat", items, found, division="compat")
    yield manifest(
        "label-index/split-names",
        unequal,
        due(
            ["bat", "cat", "dog"],
            [*seen, ("test/0", 2, "test"), ("test/1", 1, "test"), ("test/2", 0, "test")],
            test_classes=["ant", "bat", "dog"],
        ),
        division="compat",
        label_rule="split-names",
    )
    union = [("train/0", 1, "train"), ("train/1", 3, "train"), ("train/2", 2, "train")]
    yield manifest(
        "label-index/union-names",
        unequal,
        due(
            ["ant", "bat", "cat", "dog"],
            [*union, ("test/0", 3, "test"), ("test/1", 1, "test"), ("test/2", 0, "test")],
        ),
        division="compat",
        label_rule="union-names",
    )
    unknown = {"label_rule": "train-names-or-unknown", "layout_options": {"unknown_label": "-1"}}
    mushrooms = train("b", "a") + test("-1", "a", "-1")
    yield manifest(
        "label-index/unknown",
        mushrooms,
        due(
            ["a", "b"],
            [
                ("train/0", 1, "train"),
                ("train/1", 0, "train"),
                ("test/0", -1, "test"),
                ("test/1", 0, "test"),
                ("test/2", -1, "test"),
            ],
        ),
        **unknown,
    )
    yield manifest("label-index/unknown-in-train", train("b", "-1") + test("b"), refused, **unknown)
    yield manifest(
        "label-index/unknown-not-named",
        train("b", "a") + test("b"),
        refused,
        label_rule="train-names-or-unknown",
    )
    written = {**unknown, "label_rule": "written-ids", "division": "compat"}
    yield manifest(
        "label-index/written-ids",
        train("3", "0", "3") + test("5", "-1", "3"),
        due(
            ["0", "1", "2", "3"],
            [
                ("train/0", 3, "train"),
                ("train/1", 0, "train"),
                ("train/2", 3, "train"),
                ("test/0", 5, "test"),
                ("test/1", -1, "test"),
                ("test/2", 3, "test"),
            ],
            test_classes=["0", "1", "2", "3", "4", "5"],
        ),
        **written,
    )
    yield manifest(
        "label-index/written-ids-leading-zero", train("0", "01") + test("0"), refused, **written
    )
    yield manifest(
        "label-index/written-ids-not-a-number", train("0", "a") + test("0"), refused, **written
    )
    yield manifest(
        "label-index/written-ids-of-seven-digits",
        train("0", "1") + test("1000000"),
        refused,
        **written,
    )
    nine = {**written, "layout_options": {"unknown_label": "9"}}
    yield manifest(
        "label-index/unknown-in-train-of-written-ids", train("9", "1") + test("1"), refused, **nine
    )
    # The other rules know no unknown label: its name is one like all others.
    plainly = [("train/0", 1, "train"), ("train/1", 0, "train"), ("test/0", 0, "test")]
    yield manifest(
        "label-index/unknown-in-train-under-train-names",
        train("b", "-1") + test("-1"),
        due(["-1", "b"], plainly),
        layout_options={"unknown_label": "-1"},
    )
    yield manifest(
        "label-index/unknown-in-test-under-train-names",
        train("b", "a") + test("a", "-1"),
        due(["a", "b"], plainly, excluded=1),
        layout_options={"unknown_label": "-1"},
    )
    grouped = [{**each, "group": "g"} for each in train("a", "b") + test("a")]
    alone = [*grouped, item("train/2", "c", "train", group="h")]
    labels = [("train/0", 0, "train"), ("train/1", 1, "train"), ("train/2", 2, "train")]
    yield manifest(
        "label-index/group-of-one-class-without-a-test-item",
        alone,
        due(["a", "b", "c"], [*labels, ("test/0", 0, "test")]),
    )
    yield manifest(
        "label-index/group-of-one-class",
        [*alone, item("test/1", "c", "test", group="h")],
        refused,
    )
    yield manifest("label-index/no-test-split", train("a", "b"), refused)
    yield manifest("label-index/no-train-split", test("a", "b"), refused)
    yield manifest("label-index/one-class", train("a", "a") + test("a", "b"), refused)
    yield manifest(
        "label-index/gallery-is-its-own-train-split",
        gallery("whale", "orca", "whale", "orca"),
        due(["orca", "whale"], [(f"gallery/{i}", (i + 1) % 2, "gallery") for i in range(4)]),
        split="leave-one-out",
    )


def files() -> Iterator[VectorFile]:
    for folder, section, about, cases in (
        ("manifests", "7.2", "Order of rows and what they hold.", orders()),
        ("label-index", "7.3", "Label names to label ids by each rule.", index_cases()),
    ):
        yield VectorFile(
            folder, "build", section, "D", "manifest.build", about, list(cases), source=BY_HAND
        )
