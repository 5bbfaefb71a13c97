"""Sections 6.3 and 6.4: options of layouts, nulls and names with one flaw, and parts that do not
fit, each beside the same documents where they do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vectors.case import Case, VectorFile, refused_with
from vectors.document_checks import SECTION, document_case, flaw
from vectors.sound_documents import (
    DAYS,
    F1,
    FILMS,
    FOLDER,
    KNN,
    OPTIONS,
    PINNED,
    SUITE,
    T1,
    TOP1,
    C,
    D,
    Edit,
    K,
    S,
    T,
    add,
    both,
    drop,
    put,
)

CASES = dict[str, tuple[tuple[str, ...], Edit, str | None]]
"""Documents, an edit of them, and the error id, None where they are sound."""

BESIDE_THE_SCHEMA = {
    "data-set/train-without-test",
    "data-set/gallery-with-train",
    "data-set/paths-of-one-split",
    "data-set/paths-of-another-split",
    "task/key-of-another-view-in-compat",
}
"""Flaws with an id of the schema that no schema of a whole document tells."""

TABLES = {"train": ["a.csv", "b.csv"], "test": "c.csv"}
CLASSES = {"tables": TABLES, "path": "{file}", "label": "kind", "cluster": None}
SPLIT = {"column": "part", "train": ["A", "a"], "test": ["B"]}
FINS = {"column": "fins", "one": ["yes"], "zero": ["no"]}
NO_CLUSTER = put(D, "unknown", "/layout/options/cluster", "Nobody wrote it down.")
POISON = {"table": "p.csv", "label": "name", "column": "deadly"}


def table(**options: Any) -> Edit:
    """A data set that is a table with these options; those that are None are left out."""
    given = {k: v for k, v in {**CLASSES, **options}.items() if v is not None or k == "cluster"}
    return both(put(D, "layout", {"id": "csv", "options": given}), NO_CLUSTER)


def folder(**options: Any) -> Edit:
    return put(D, "layout", {**FOLDER, "options": {"cluster": DAYS, **options}})


def layouts() -> CASES:
    """Data sets alone."""

    def folders(train: str, test: str, **more: Any) -> Edit:
        return folder(splits={"train": train, "test": test}, **more)

    traits = {"label": None, "drop_incomplete": True}
    listed = {"test": {"labels": "l.txt", "classes": ["a", "b"]}}
    cases: dict[str, tuple[Edit, str | None]] = {
        "tables": (table(), None),
        "shared-table": (table(tables={"train": "a.csv", "test": "a.csv"}), "overlapping-splits"),
        "shared-table-of-several": (
            table(tables={"train": ["a.csv", "b.csv"], "test": ["c.csv", "b.csv"]}),
            "overlapping-splits",
        ),
        "folders-that-begin-alike": (folders("ab", "abc"), None),
        "folder-in-a-folder-that-is-written-otherwise": (
            folders("./a/", "a//b"),
            "overlapping-splits",
        ),
        "one-folder": (folders("a", "a"), "overlapping-splits"),
        "list-of-classes": (folders("a", "b", flat=listed), None),
        "list-of-another-split": (
            folder(splits={"gallery": "a"}, flat=listed),
            "unknown-reference",
        ),
        "traits": (table(**traits, traits=[FINS, {**FINS, "column": "eggs"}]), None),
        "traits-of-one-column": (table(**traits, traits=[FINS, FINS]), "duplicate-id"),
        "column-with-a-colon": (table(id="{f:e}"), "value"),
        "name-of-a-column": (table(id="{f:name}"), None),
        "train-without-test": (table(tables={"train": "a.csv"}), "missing-key"),
        "gallery-with-train": (
            table(tables={"gallery": "a.csv", "train": "b.csv"}),
            "unknown-key",
        ),
        "paths-of-each-split": (table(path={"train": "t/{file}", "test": "v/{file}"}), None),
        "paths-of-one-split": (table(path={"train": "t/{file}"}), "missing-key"),
        "paths-of-another-split": (
            table(path={"train": "{file}", "test": "{file}", "gallery": "{file}"}),
            "unknown-key",
        ),
        "reason-for-what-is-not-there": (
            put(D, "unknown", "/nothing", "Why."),
            "reason-without-null",
        ),
    }
    return {f"data-set/{k}": ((D,), edit, error) for k, (edit, error) in cases.items()}


def others() -> CASES:
    """Tasks, suites and their files."""
    null = {"counts": {"train": 3, "test": None, "classes": 2}}
    frames = {"kind": "frames", "frames": 2, "stride": 1, "start": "middle", "pool": "max"}
    frames |= {"clip_label": "most-frequent", "short": "drop", "missing": "drop"}
    return {
        "task/null-in-compat-counts": (
            (K, D, T),
            put(T, "compat", null),
            "null-without-reason",
        ),
        "task/reason-for-a-null-in-compat-counts": (
            (K, D, T),
            both(put(T, "compat", null), put(T, "unknown", "/compat/counts/test", "Why.")),
            None,
        ),
        "task/version-of-the-file-name-is-another": (
            (K, D, T),
            both(add("tasks/whales.v2.yaml", {**PINNED, "version": 1}), put(T, "version", 3)),
            "wrong-name",
        ),
        "task/metric-twice-in-compat": (
            (K, D, T),
            put(T, "compat", "metrics", [F1, F1]),
            "duplicate-id",
        ),
        "task/key-of-another-view-in-compat": (
            (K, D, T),
            put(T, "compat", "view", {"kind": "image", "frames": 3}),
            "unknown-key",
        ),
        "task/frames-without-subjects": ((K, D, T), put(T, "view", frames), "does-not-fit"),
        "suite/level-twice": ((K, D, T, S), put(S, "levels", 2 * SUITE["levels"]), "duplicate-id"),
        "task/child-without-reasons": (
            (K, D, T, C),
            both(
                put(T, "counts", "test", None),
                put(T, "unknown", "/counts/test", "Nobody counted."),
            ),
            None,
        ),
        "task/superseded-and-current": (
            (K, D, T),
            both(add(T1, PINNED), put(T, "version", 2)),
            None,
        ),
    }


def metric(id: str) -> dict[str, Any]:
    return {"id": id, "higher_is_better": True, "interval": None}


def fits() -> CASES:
    """Tasks whose parts fit, and the same with another part that does not."""
    trained = {**KNN, "protocol": "knn", "split": "train-test"}
    subjects = {"subject": "{clip}", "group": "{task}", "unknown_label": "?"}
    whole = table(**subjects, poisonous=POISON)
    base = both(whole, put(T, "split", "train-test"), put(K, "split", "train-test"))
    of_traits = both(
        table(label=None, traits=[FINS], drop_incomplete=True, group="{task}"),
        put(T, "split", "train-test"),
        add(K, {**trained, "labels": "traits", "gives": []}),
    )

    def without(option: str) -> Edit:
        return both(base, drop(D, *OPTIONS, option))

    def metrics(*ids: str) -> Edit:
        return put(T, "metrics", [metric(id) for id in ids])

    rule = put(T, "label_rule", "train-names-or-unknown")
    written = put(T, "label_rule", "written-ids")
    seen = {"kind": "observation", "pool": "mean"}
    loss = both(base, rule, metrics("user_loss"))
    ranks = put(K, "gives", ["first_hit"])
    precisions = put(K, "gives", ["average_precision"])
    cases: dict[str, tuple[Edit, bool]] = {
        "train-and-test": (base, True),
        "traits": (both(of_traits, metrics("traits_f1")), True),
        "traits-of-a-protocol-of-classes": (
            both(of_traits, metrics("traits_f1"), put(K, "labels", "classes")),
            False,
        ),
        "group-accuracy-of-traits": (
            both(of_traits, metrics("traits_f1", "group_accuracy")),
            False,
        ),
        "top1-with-ranks": (both(base, metrics("top1"), ranks), True),
        "top1-without-ranks": (both(base, metrics("top1"), precisions), False),
        "top5-with-ranks": (both(base, metrics("top5"), ranks), True),
        "top5-without-ranks": (both(base, metrics("top5"), precisions), False),
        "precision": (both(base, metrics("mean_average_precision"), precisions), True),
        "precision-with-ranks-alone": (both(base, metrics("mean_average_precision"), ranks), False),
        "groups": (both(base, metrics("group_accuracy")), True),
        "groups-that-are-not-there": (both(without("group"), metrics("group_accuracy")), False),
        "loss": (loss, True),
        "loss-of-written-ids": (both(loss, written), True),
        "loss-without-an-unknown-label": (
            both(without("unknown_label"), written, metrics("user_loss")),
            False,
        ),
        "loss-without-poisonous-classes": (
            both(without("poisonous"), rule, metrics("user_loss")),
            False,
        ),
        "written-ids-without-an-unknown-label": (both(without("unknown_label"), written), True),
        "observations": (both(base, put(T, "view", {**seen, "splits": ["test"]})), True),
        "observations-of-a-split-that-is-not-there": (
            both(base, put(T, "view", {**seen, "splits": ["gallery"]})),
            False,
        ),
        "observations-without-subjects": (
            both(without("subject"), put(T, "view", {**seen, "splits": ["test"]})),
            False,
        ),
        "films-of-a-gallery": (
            both(
                put(D, "layout", FILMS),
                put(T, "view", {**seen, "splits": ["gallery"]}),
                put(T, "metrics", [F1, TOP1]),
            ),
            True,
        ),
    }
    return {
        f"misfits/{k}": ((K, D, T), edit, None if fit else "does-not-fit")
        for k, (edit, fit) in cases.items()
    }


def checked(cases: CASES) -> Iterator[Case]:
    for name, given in cases.items():
        wrong = refused_with if name in BESIDE_THE_SCHEMA else flaw
        yield document_case(name, *given, wrong=wrong)


def files() -> Iterator[VectorFile]:
    yield SECTION.file(
        "parts",
        "Options of layouts, nulls and names, sound ones beside those with one flaw.",
        checked({**layouts(), **others()}),
        operation="check",
        source="jsonschema where the flaw is of a schema, the rest by hand",
    )
    yield SECTION.file(
        "misfits",
        "Parts of tasks that fit each other, and the same with one that does not.",
        checked(fits()),
        operation="check",
        source="jsonschema where the flaw is of a schema, the rest by hand",
    )
