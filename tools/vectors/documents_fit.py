"""Sections 6.3 and 6.4: parts of a task that fit each other or do not, and lists of cells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vectors.case import VectorFile
from vectors.document_checks import SECTION, document_case
from vectors.sound_documents import TRAIN_TEST, D, Edit, K, T, both, put

CLUSTER = {"unit": "day", "template": "{day}"}
TABLE = {"tables": {"gallery": "all.csv"}, "path": "{file}", "cluster": CLUSTER}
TRAIT = {"column": "spots", "one": ["y"], "zero": ["n"]}
OF_TRAITS: dict[str, Any] = {
    "id": "csv",
    "options": {**TABLE, "traits": [TRAIT], "drop_incomplete": True},
}
LIST = {"table": "list.csv", "label": "kind", "column": "eaten", "cells": ["n"], "edible": ["y"]}
KINDS = {**TABLE, "label": "kind"}
UNKNOWN = {**KINDS, "unknown_label": "?"}
FUNGI = {**UNKNOWN, "poisonous": LIST}


def metric(name: str) -> Edit:
    return put(T, "metrics", [{"id": name, "higher_is_better": True, "interval": None}])


def layout(options: dict[str, object]) -> Edit:
    return put(D, "layout", {"id": "csv", "options": options})


TRAITS = both(put(D, "layout", OF_TRAITS), put(K, "labels", "traits"), put(K, "gives", []))
RULE = put(T, "label_rule", "train-names-or-unknown")
LOSS = metric("user_loss")
FIT: dict[str, tuple[Edit, bool]] = {
    "label-rule-with-an-unknown-label": (both(layout(UNKNOWN), RULE), True),
    "label-rule-without-an-unknown-label": (both(layout(KINDS), RULE), False),
    "traits": (both(TRAITS, metric("traits_f1")), True),
    "macro-f1-of-traits": (both(TRAITS, metric("macro_f1")), False),
    "accuracy-of-traits": (both(TRAITS, metric("accuracy")), False),
    "protocol-of-traits": (put(K, "labels", "traits"), False),
    "protocol-of-another-split": (
        both(put(D, "layout", TRAIN_TEST), put(T, "split", "train-test"), metric("macro_f1")),
        False,
    ),
    "user-loss": (both(layout(FUNGI), RULE, LOSS), True),
    "user-loss-of-written-ids": (
        both(layout(FUNGI), put(T, "label_rule", "written-ids"), LOSS),
        True,
    ),
    "user-loss-without-poisonous": (both(layout(UNKNOWN), RULE, LOSS), False),
    "user-loss-of-another-label-rule": (both(layout(FUNGI), LOSS), False),
}

PARTS = {"column": "part", "train": ["A", "a"], "test": ["B"]}
SPLIT = {"split": PARTS, "table": "all.csv", "path": "{file}", "cluster": CLUSTER}
LISTS: dict[str, tuple[Edit, str | None]] = {
    "splits-of-other-cells": (layout({**SPLIT, "label": "kind"}), None),
    "splits-of-one-cell": (
        layout({**SPLIT, "label": "kind", "split": {**PARTS, "test": ["B", "a"]}}),
        "overlapping-splits",
    ),
    "trait-of-other-cells": (put(D, "layout", OF_TRAITS), None),
    "trait-of-one-cell": (
        layout({**OF_TRAITS["options"], "traits": [{**TRAIT, "zero": ["n", "y"]}]}),
        "duplicate-id",
    ),
    "poisonous-of-other-cells": (layout(FUNGI), None),
    "poisonous-of-one-cell": (
        layout({**FUNGI, "poisonous": {**LIST, "edible": ["y", "n"]}}),
        "duplicate-id",
    ),
}


def files() -> Iterator[VectorFile]:
    yield SECTION.file(
        "lists",
        "Lists of cells that share none, and some that do.",
        [document_case(f"lists/{name}", (D,), *given) for name, given in LISTS.items()],
        source="by hand, and jsonschema",
        operation="check",
    )
    yield SECTION.file(
        "fits",
        "Parts of a task that fit each other, and some that do not.",
        [
            document_case(f"fits/{name}", (K, D, T), edit, None if fits else "does-not-fit")
            for name, (edit, fits) in FIT.items()
        ],
        source="by hand, and jsonschema",
        operation="check",
    )
