"""Section 6.3: sets of documents, valid or with one flaw."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from biobench.spec.load import load_spec
from biobench.spec.validator import validator
from vectors.case import Case, Check, Section, VectorFile
from vectors.sound_documents import (
    ALL,
    CHILD,
    D1,
    F1,
    FILMS,
    FOLDER,
    K1,
    KNN,
    MODEL,
    OPTIONS,
    PINNED,
    SOURCE,
    SUITE,
    T1,
    TASK,
    TOP1,
    TRAIN_TEST,
    VIDEOS,
    WHALES,
    C,
    D,
    Documents,
    Edit,
    K,
    M,
    S,
    T,
    add,
    both,
    drop,
    put,
)

SECTION = Section("documents", "6.3", "D", "documents")
SCHEMAS = load_spec().library.schemas
OF_THE_SCHEMA = {"unknown-key", "missing-key", "type"}
SHARED = {"train": "a", "test": "a/b"}
VALID: dict[str, tuple[tuple[str, ...], Edit]] = {
    "one-of-each": (tuple(ALL), both()),
    "protocol": ((K,), both()),
    "data-set": ((D,), both()),
    "data-set-without-clusters": (
        (D,),
        both(
            put(D, *OPTIONS, "cluster", None),
            put(D, "unknown", "/layout/options/cluster", "Nobody wrote it down."),
        ),
    ),
    "source": ((D,), put(D, "sources", [SOURCE])),
    "videos": ((D,), both(put(D, "layout", FILMS), put(D, "videos", VIDEOS))),
    "another-layout": ((K, D, T), put(D, "layout", FOLDER)),
    "superseded-task": ((K, D, T), both(add(T1, PINNED), put(T, "version", 2))),
    # Each task has a metric that its own protocol gives the column of, and the other's does not.
    "superseded-protocol": (
        (K, D, T),
        both(
            add(T1, PINNED),
            put(T, "version", 2),
            drop(T, "metrics", 1),
            add(K1, KNN),
            put(K, "version", 2),
            put(K, "gives", []),
        ),
    ),
    "superseded-data-set": (
        (K, D, T),
        both(
            add(T1, PINNED),
            put(T, "version", 2),
            put(T, "split", "train-test"),
            put(T, "protocol", "trained"),
            drop(T, "metrics", 1),
            add(D1, WHALES),
            put(D, "version", "2"),
            put(D, "layout", TRAIN_TEST),
            add("protocols/trained.yaml", {**KNN, "protocol": "trained", "split": "train-test"}),
        ),
    ),
    "superseded-task-with-a-current-protocol": (
        (K, D, T),
        both(
            add(T1, {**PINNED, "protocol_version": 2}),
            put(T, "version", 2),
            add(K1, KNN),
            put(K, "version", 2),
        ),
    ),
    "extends-twice": (
        (K, D, T, C),
        add("tasks/calves.yaml", {**CHILD, "task": "calves", "extends": "orcas"}),
    ),
    "null-count-with-reason": (
        (K, D, T),
        both(put(T, "counts", "test", None), put(T, "unknown", "/counts/test", "Not stated.")),
    ),
}
FLAWS: dict[str, tuple[tuple[str, ...], Edit, str]] = {
    "task/unknown-key": ((K, D, T), put(T, "xyzzy", 1), "unknown-key"),
    "task/unknown-key-in-compat": ((K, D, T), put(T, "compat", "split", "x"), "unknown-key"),
    "task/unknown-key-of-a-metric": ((K, D, T), put(T, "metrics", 0, "xyzzy", 1), "unknown-key"),
    "task/key-of-another-view": ((K, D, T), put(T, "view", "xyzzy", 2), "unknown-key"),
    "task/missing-key": ((K, D, T), drop(T, "split"), "missing-key"),
    "task/missing-key-of-a-metric": ((K, D, T), drop(T, "metrics", 0, "interval"), "missing-key"),
    "task/version-not-inherited": ((K, D, T, C), drop(C, "version"), "missing-key"),
    "task/version-as-text": ((K, D, T), put(T, "version", "1"), "type"),
    "task/version-as-flag": ((K, D, T), put(T, "version", True), "type"),
    "task/version-as-fraction": ((K, D, T), put(T, "version", 1.5), "type"),
    "task/metrics-as-mapping": ((K, D, T), put(T, "metrics", {}), "type"),
    "task/version-zero": ((K, D, T), put(T, "version", 0), "value"),
    "task/id-with-an-end-of-line": ((K, D, T), put(T, "task", f"{TASK['task']}\n"), "value"),
    "task/unknown-split-rule": ((K, D, T), put(T, "split", "leave-one-in"), "value"),
    "task/unknown-metric": ((K, D, T), put(T, "metrics", 0, "id", "f1"), "value"),
    "task/no-metric": ((K, D, T), put(T, "metrics", []), "value"),
    "task/empty-title": ((K, D, T), put(T, "title", ""), "value"),
    "task/compat-label-rule": ((K, D, T), put(T, "compat", "label_rule", "names"), "value"),
    "task/metric-twice": ((K, D, T), put(T, "metrics", [F1, TOP1, F1]), "duplicate-id"),
    "task/id-of-another-file": ((K, D, T, C), put(C, "task", "whales"), "duplicate-id"),
    "task/id-is-not-the-file-name": ((K, D, T), put(T, "task", "seals"), "wrong-name"),
    "task/version-is-not-the-file-name": (
        (K, D, T),
        add("tasks/whales.v2.yaml", TASK),
        "wrong-name",
    ),
    "task/superseded-without-pins": (
        (K, D, T),
        both(add(T1, TASK), put(T, "version", 2)),
        "wrong-name",
    ),
    "task/superseded-without-the-pin-of-its-data-set": (
        (K, D, T),
        both(add(T1, {**TASK, "protocol_version": 1}), put(T, "version", 2)),
        "wrong-name",
    ),
    "task/pins-that-are-not-superseded": (
        (K, D, T),
        both(put(T, "protocol_version", 1), put(T, "dataset_version", "1")),
        "wrong-name",
    ),
    "task/superseded-extends": (
        (K, D, T, C),
        both(add("tasks/orcas.v1.yaml", {**CHILD, "extends": "whales"}), put(C, "version", 2)),
        "wrong-name",
    ),
    "task/pinned-version-of-no-protocol": (
        (K, D, T),
        both(add(T1, {**PINNED, "protocol_version": 3}), put(T, "version", 2)),
        "unknown-reference",
    ),
    "task/pinned-version-of-no-data-set": (
        (K, D, T),
        both(add(T1, {**PINNED, "dataset_version": "3"}), put(T, "version", 2)),
        "unknown-reference",
    ),
    "task/pin-as-text": (
        (K, D, T),
        both(add(T1, {**PINNED, "protocol_version": "1"}), put(T, "version", 2)),
        "type",
    ),
    "task/superseded-protocol-does-not-fit": (
        (K, D, T),
        both(
            add(T1, PINNED),
            put(T, "version", 2),
            add(K1, {**KNN, "gives": []}),
            put(K, "version", 2),
        ),
        "does-not-fit",
    ),
    "task/unknown-protocol": ((K, D, T), put(T, "protocol", "xyzzy"), "unknown-reference"),
    "task/unknown-data-set": ((K, D, T), put(T, "dataset", "xyzzy"), "unknown-reference"),
    "task/unknown-view": ((K, D, T), put(T, "view", "kind", "xyzzy"), "unknown-reference"),
    "task/unknown-parent": ((K, D, T, C), put(C, "extends", "xyzzy"), "unknown-reference"),
    "task/extends-itself": ((K, D, T, C), put(C, "extends", "orcas"), "extends-cycle"),
    "task/extends-in-a-circle": ((K, D, T, C), put(T, "extends", "orcas"), "extends-cycle"),
    "task/null-count": ((K, D, T), put(T, "counts", "test", None), "null-without-reason"),
    "task/reason-without-null": (
        (K, D, T),
        put(T, "unknown", "/counts/test", "Not stated."),
        "reason-without-null",
    ),
    "task/layout-without-gallery": ((K, D, T), put(D, "layout", TRAIN_TEST), "does-not-fit"),
    "task/metric-of-another-protocol": ((K, D, T), put(K, "gives", []), "does-not-fit"),
    "task/metric-of-traits": ((K, D, T), put(T, "metrics", 1, "id", "traits_f1"), "does-not-fit"),
    "task/metric-of-groups": (
        (K, D, T),
        put(T, "metrics", 1, "id", "group_accuracy"),
        "does-not-fit",
    ),
    "task/less-is-better": (
        (K, D, T),
        put(T, "metrics", 0, "higher_is_better", False),
        "does-not-fit",
    ),
    "task/view-without-subjects": (
        (K, D, T),
        put(T, "view", {"kind": "observation", "splits": ["gallery"], "pool": "mean"}),
        "does-not-fit",
    ),
    "task/misfit-in-compat-only": (
        (K, D, T),
        put(T, "compat", "label_rule", "train-names-or-unknown"),
        "does-not-fit",
    ),
    "data-set/unknown-key": ((D,), put(D, "xyzzy", 1), "unknown-key"),
    "data-set/unknown-layout-option": ((D,), put(D, *OPTIONS, "xyzzy", 1), "unknown-key"),
    "data-set/missing-layout-option": ((D,), drop(D, *OPTIONS, "label"), "missing-key"),
    "data-set/unknown-layout": ((D,), put(D, "layout", "id", "xyzzy"), "unknown-reference"),
    "data-set/unknown-status": ((D,), put(D, "status", "okay"), "value"),
    "data-set/version-in-words": ((D,), put(D, "version", "one"), "value"),
    "data-set/short-hash": ((D,), put(D, "sources", [{**SOURCE, "sha256": "aa"}]), "value"),
    "data-set/address": ((D,), put(D, "sources", [{**SOURCE, "urls": ["a.zip"]}]), "value"),
    "data-set/address-twice": (
        (D,),
        put(D, "sources", [{**SOURCE, "urls": 2 * SOURCE["urls"]}]),
        "duplicate-id",
    ),
    "data-set/climbing-path": ((D,), put(D, *OPTIONS, "images", "a/../../b"), "value"),
    "data-set/path-that-climbs-after-an-end-of-line": (
        (D,),
        put(D, *OPTIONS, "images", "a\n/../../b"),
        "value",
    ),
    "data-set/version-with-an-end-of-line": ((D,), put(D, "version", "1\n"), "value"),
    "data-set/absolute-path": ((D,), put(D, *OPTIONS, "images", "/images"), "value"),
    "data-set/splits-share-a-folder": (
        (D,),
        put(D, "layout", {**FOLDER, "options": {**FOLDER["options"], "splits": SHARED}}),
        "overlapping-splits",
    ),
    "data-set/no-cluster": ((D,), drop(D, *OPTIONS, "cluster"), "missing-key"),
    "data-set/cluster-without-reason": (
        (D,),
        put(D, *OPTIONS, "cluster", None),
        "null-without-reason",
    ),
    "data-set/cluster-without-unit": ((D,), drop(D, *OPTIONS, "cluster", "unit"), "missing-key"),
    "data-set/cluster-is-an-item": ((D,), put(D, *OPTIONS, "cluster", "unit", "item"), "value"),
    "data-set/cluster-of-no-place": ((D,), drop(D, *OPTIONS, "cluster", "key"), "missing-key"),
    "data-set/cluster-of-two-places": (
        (D,),
        put(D, *OPTIONS, "cluster", "pattern", "{cluster}_*"),
        "unknown-key",
    ),
    "data-set/pattern-without-cluster": (
        (D,),
        both(put(D, "layout", FOLDER), put(D, *OPTIONS, "cluster", "pattern", "D*")),
        "value",
    ),
    "data-set/pattern-with-two-clusters": (
        (D,),
        both(
            put(D, "layout", FOLDER), put(D, *OPTIONS, "cluster", "pattern", "{cluster}_{cluster}")
        ),
        "value",
    ),
    "data-set/pattern-that-begins-with-a-slash": (
        (D,),
        both(put(D, "layout", FOLDER), put(D, *OPTIONS, "cluster", "pattern", "/{cluster}")),
        "value",
    ),
    "data-set/cluster-of-an-unknown-column": (
        (D,),
        both(
            put(D, "layout", FILMS),
            put(D, *OPTIONS, "columns", ["film", "name"]),
            put(D, *OPTIONS, "cluster", "template", ["{film}", "{camera}"]),
        ),
        "unknown-reference",
    ),
    "data-set/videos-without-frames": (
        (D,),
        both(put(D, "layout", FILMS), put(D, "videos", VIDEOS), drop(D, *OPTIONS, "frames")),
        "missing-key",
    ),
    "data-set/path-of-videos-without-subject": (
        (D,),
        both(put(D, "layout", FILMS), put(D, "videos", {**VIDEOS, "path": "films/a.mp4"})),
        "value",
    ),
    "data-set/frames-beside-videos": (
        (D,),
        both(
            put(D, "layout", FILMS),
            put(D, "videos", VIDEOS),
            put(D, *OPTIONS, "path", "{film}/{n}.jpg"),
        ),
        "value",
    ),
    "data-set/digest-of-frames-without-reason": (
        (D,),
        both(put(D, "layout", FILMS), put(D, "videos", {**VIDEOS, "digest": None})),
        "null-without-reason",
    ),
    "data-set/null-without-reason": ((D,), put(D, "files", "count", None), "null-without-reason"),
    "data-set/reason-without-null": ((D,), put(D, "licence", "CC0"), "reason-without-null"),
    "data-set/id-is-not-the-file-name": ((D,), put(D, "dataset", "seals"), "wrong-name"),
    "protocol/missing-constant": ((K,), drop(K, "constants", "vote"), "missing-key"),
    "protocol/missing-compat-constant": ((K,), drop(K, "compat", "k"), "missing-key"),
    "protocol/unknown-constant": ((K,), put(K, "constants", "xyzzy", 1), "unknown-key"),
    "protocol/unknown-compat-constant": ((K,), put(K, "compat", "xyzzy", 1), "unknown-key"),
    "protocol/type-of-a-constant": ((K,), put(K, "constants", "k", 1.5), "type"),
    "protocol/value-of-a-constant": ((K,), put(K, "constants", "k", 0), "value"),
    "protocol/unknown-kind": ((K,), put(K, "kind", "xyzzy"), "unknown-reference"),
    "protocol/section": ((K,), put(K, "section", "ten"), "value"),
    "suite/member-without-task": (
        (K, D, T, S),
        put(S, "suites", 0, "members", ["whales", "seals", "xyzzy"]),
        "unknown-reference",
    ),
    "suite/member-twice": (
        (K, D, T, S),
        put(S, "suites", 0, "members", ["whales", "seals", "whales"]),
        "duplicate-id",
    ),
    "suite/pending-has-a-task": (
        (K, D, T, S),
        put(S, "suites", 0, "pending", ["seals", "whales"]),
        "value",
    ),
    "suite/pending-is-no-member": (
        (K, D, T, S),
        put(S, "suites", 0, "pending", ["seals", "walruses"]),
        "value",
    ),
    "suite/suite-twice": ((K, D, T, S), put(S, "suites", 2 * SUITE["suites"]), "duplicate-id"),
    "suite/version": ((K, D, T, S), put(S, "spec_version", "1.0"), "value"),
    "suite/version-with-an-end-of-line": ((K, D, T, S), put(S, "spec_version", "1.0.0\n"), "value"),
    "suite/negative-seed": ((K, D, T, S), put(S, "seed", -1), "value"),
    "suite/confidence-of-one": ((K, D, T, S), put(S, "interval", "confidence", 1), "value"),
    "models/name-twice": ((M,), put(M, "models", [MODEL, MODEL]), "duplicate-id"),
    "models/unknown-loader": ((M,), put(M, "models", 0, "resolves_to", "tim:resnet18"), "value"),
    "models/null-without-reason": ((M,), put(M, "models", 0, "unknown", {}), "null-without-reason"),
}


def documents(paths: tuple[str, ...], edit: Edit) -> Documents:
    """Copies of some documents of ALL after an edit; a suite's member needs its task."""
    chosen = copy.deepcopy({path: value for path, value in ALL.items() if path in paths})
    edit(chosen)
    return chosen


def valid_by_schema(given: Documents) -> bool:
    """True where jsonschema takes every document and every part that has a schema of its own."""
    kinds = {"tasks": "task", "datasets": "dataset", "protocols": "protocol"}
    for path, value in given.items():
        folder = path.split("/")[0]
        parts = [(value, kinds.get(folder) or folder.removesuffix(".yaml"))]
        if folder == "protocols":
            # compat holds some of the constants: each must be one that the kind has, and those that
            # the schema lists must be there.
            kind = f"protocol-{value['kind']}"
            parts.append((value["constants"], kind))
            parts.append(({**value["constants"], **value["compat"]}, kind))
            differing = SCHEMAS[kind].get("$defs", {}).get("compat", {}) if kind in SCHEMAS else {}
            if set(differing.get("required", ())) - set(value["compat"]):
                return False
        elif folder == "datasets":
            layout = value["layout"]
            parts.append((layout["options"], f"layout-{layout['id']}"))
        elif folder == "tasks" and "view" in value:
            parts.append((value["view"], f"view-{value['view']['kind']}"))
        for part, name in parts:
            schema = SCHEMAS.get(name)
            if schema and not validator(schema).is_valid(part):
                return False
    return True


def flaw(error: str) -> Check:
    def check(given: Any, output: Any) -> bool:
        refused = not valid_by_schema(given["documents"])
        assert refused or error not in OF_THE_SCHEMA, "jsonschema takes it"
        return bool(output == {"error": error})

    return check


def sound(given: Any, output: Any) -> bool:
    return bool(output == {"valid": True}) and valid_by_schema(given["documents"])


def files() -> Iterator[VectorFile]:
    yield SECTION.file(
        "valid",
        "Sets of documents without a flaw; a suite and models may be absent.",
        [
            Case(f"documents/valid/{k}", {"documents": documents(paths, edit)}, sound)
            for k, (paths, edit) in VALID.items()
        ],
        source="jsonschema",
        operation="check",
    )
    yield SECTION.file(
        "flaws",
        "Sets of documents with one flaw and its error id.",
        [
            Case(f"documents/{k}", {"documents": documents(paths, edit)}, flaw(error))
            for k, (paths, edit, error) in FLAWS.items()
        ],
        source="jsonschema where the flaw is of a schema, the rest by hand",
        operation="check",
    )
