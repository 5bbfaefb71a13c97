"""Section 7.5: few-shot samples."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from biobench.spec.generator import Stream
from vectors.case import Case, Section, VectorFile, refused
from vectors.drawn import SEED

SECTION = Section("sampling", "7.5", "S", "manifest")


def key_check(given: Any, output: Any) -> bool:
    text = f"{given['task']} {given['version']}\0{given['id']}"
    return bool(output == {"key": hashlib.sha256(text.encode()).hexdigest()})


def few_shot(given: Any, output: Any) -> bool:
    """The rule of section 7.5, one class after the other."""
    n, rows = given["n_train"], given["rows"]
    by_class: dict[Any, list[tuple[str, str]]] = {}
    items = {name_of(row): row for row in rows if row["split"] == "train"}
    for name, row in items.items():
        text = f"{given['task']} {given['version']}\0{name}"
        key = hashlib.sha256(text.encode()).hexdigest()
        place = (row.get("group", ""), row.get("label"))
        by_class.setdefault(place, []).append((key, name))
    chosen: set[str] = set()
    for group in {place[0] for place in by_class}:
        classes = [sorted(v) for place, v in by_class.items() if place[0] == group]
        if given["division"] == "compat":
            ranked = sorted((rank, *pair) for v in classes for rank, pair in enumerate(v))
            chosen |= {id for _, _, id in ranked[:n]}
        else:
            chosen |= {id for v in classes for _, id in v[:n]}
    return bool(
        output == {"ids": [r["id"] for r in rows if r["split"] != "train" or name_of(r) in chosen]}
    )


def name_of(row: dict[str, Any]) -> str:
    """The id of a row's item."""
    return str(row.get("subject") or row["id"])


def pooled_rows() -> list[dict[str, Any]]:
    """Six train items of one to four rows, single images first, and a test item."""
    sizes = {"a": 3, "b": 1, "c": 4, "d": 2}
    single = [{"id": f"0{i}.jpg", "label": i % 2, "split": "train"} for i in range(2)]
    pooled = [
        {"id": f"{name}/{i}.jpg", "label": place % 2, "split": "train", "subject": name}
        for place, (name, size) in enumerate(sizes.items())
        for i in range(size)
    ]
    test = [{"id": f"e/{i}.jpg", "label": 0, "split": "test", "subject": "e"} for i in range(2)]
    return [*single, *pooled, *test]


def sample_rows(classes: int, rows: int, groups: int = 0) -> list[dict[str, Any]]:
    """Train rows of classes of unequal size, and two test rows."""
    drawn = Stream(SEED, "vectors/sampling").integers(classes, rows).tolist()
    found: list[dict[str, Any]] = []
    for i, label in enumerate(drawn):
        row = {"id": f"train/{label}/{i:02}.jpg", "label": label, "split": "train"}
        found.append({**row, "group": f"g{i % groups}"} if groups else row)
    found.sort(key=lambda row: row["id"])
    for i in range(2):
        row = {"id": f"test/0/{i}.jpg", "label": 0, "split": "test"}
        found.append({**row, "group": "g0"} if groups else row)
    return found


def samples() -> Iterator[Case]:
    base = {"task": "plantnet", "version": 1, "division": "official"}
    rows = sample_rows(4, 18)
    for division in ("official", "compat", "open"):
        for n in (1, 3, 6, 100):
            given = {**base, "division": division, "n_train": n, "rows": rows}
            yield Case(f"sampling/{division}/{n}", given, few_shot)
    given = {**base, "version": 2, "n_train": 2, "rows": rows}
    yield Case("sampling/another-version", given, few_shot)
    given = {**base, "task": "plankton", "n_train": 2, "rows": rows}
    yield Case("sampling/another-task", given, few_shot)
    traits = [
        {"id": f"{i}", "traits": [i % 2, 1], "split": "train" if i < 7 else "test"}
        for i in range(9)
    ]
    for division in ("official", "compat"):
        given = {**base, "division": division, "n_train": 4, "rows": traits}
        yield Case(f"sampling/traits/{division}", given, few_shot)
        given = {**base, "division": division, "n_train": 2, "rows": sample_rows(3, 14, groups=2)}
        yield Case(f"sampling/groups/{division}", given, few_shot)
    for division in ("official", "compat"):
        for n in (1, 2):
            given = {**base, "division": division, "n_train": n, "rows": pooled_rows()}
            yield Case(f"sampling/pooled/{division}-{n}", given, few_shot)
    # The keys of the first two have equal first four bytes.
    near = [
        {"id": f"{id}.jpg", "label": 0, "split": "train"} for id in ("4246", "21867", "1", "2", "3")
    ]
    for n in range(1, 5):
        given = {**base, "n_train": n, "rows": near}
        yield Case(f"sampling/official/keys-of-one-beginning-{n}", given, few_shot)
    yield Case("sampling/no-example", {**base, "n_train": 0, "rows": rows}, refused)
    one = [{"id": f"{i}", "label": i % 2, "split": "gallery"} for i in range(4)]
    given = {**base, "split": "leave-one-out", "n_train": 1, "rows": one}
    yield Case("sampling/gallery", given, refused)


def files() -> Iterator[VectorFile]:
    keys = {
        "plain": {"task": "plankton", "version": 1, "id": "train/a/1.jpg"},
        "version": {"task": "plankton", "version": 12, "id": "train/a/1.jpg"},
        "not-ascii": {"task": "herbarium19", "version": 1, "id": "train/\u00e9/\U0001f41a.jpg"},
        "not-composed": {"task": "herbarium19", "version": 1, "id": "e\u0301/\u212b"},
        "empty-id": {"task": "t", "version": 1, "id": ""},
    }
    yield SECTION.file(
        "key",
        "The key by which train items are ranked, in hexadecimal.",
        [Case(f"sampling/key/{k}", given, key_check) for k, given in keys.items()],
        source="hashlib",
        operation="sample_key",
    )
    yield SECTION.file(
        "few_shot",
        "The rows that stay, in order; test rows stay as they are.",
        list(samples()),
        source="hashlib and a plain loop",
    )
