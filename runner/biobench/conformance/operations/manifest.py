"""Manifests from items, and few-shot samples of them (SPEC.md, sections 7.2 to 7.6)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from biobench.conformance.operations import Invalid
from biobench.conformance.operations.interval import any_suite
from biobench.data.build import manifest_of
from biobench.data.layouts import LayoutItems
from biobench.data.layouts.options import SPLITS
from biobench.data.manifest import Item, Manifest, Row
from biobench.data.sample import sample_key, sample_train
from biobench.errors import BiobenchError
from biobench.spec.documents import Counts, Dataset, Layout, Protocol, Task
from biobench.spec.load import Spec


def task_of(given: Mapping[str, Any]) -> Task:
    """A task with only the fields that build manifests; the rest has no effect."""
    split_rule = given.get("split", "train-test")
    tables = dict.fromkeys(SPLITS[split_rule], "table.csv")
    options = {"tables": tables, "path": "{path}", **given.get("layout_options", {})}
    dataset = Dataset("vectors", "", "1", "ok", None, "", (), Layout("csv", options), {})
    return Task(
        id=given.get("task", "vectors"),
        version=given.get("version", 1),
        title="",
        division=given["division"],
        taxa="",
        modality="",
        mission="",
        citation="",
        dataset=dataset,
        split_rule=split_rule,
        label_rule=given.get("label_rule", "train-names"),
        counts=Counts(None, None, None),
        view=given.get("view", {"kind": "image"}),
        protocol=Protocol("knn", "knn", 1, {}),
        metrics=(),
        feature="official",
        errata=(),
    )


def _build(given: Mapping[str, Any], spec: Spec) -> Any:
    manifest = _manifest(given, spec)
    return {
        "classes": list(manifest.classes),
        "test_classes": list(manifest.test_classes),
        "rows": [
            [row.id, row.path, list(row.traits) if row.traits else row.label, row.split]
            for row in manifest.rows
        ],
        "scored": [row.scored for row in manifest.rows],
        "excluded": manifest.excluded,
        "digest": manifest.digest,
    }


def _items(given: Mapping[str, Any], spec: Spec) -> Any:
    manifest = _manifest(given, spec)
    return {
        "rows": [[row.id, row.label, row.split, row.subject] for row in manifest.rows],
        "items": [[item.id, item.label, item.split] for item in manifest.items.rows],
        "item_of_row": manifest.item_of_row.tolist(),
        "dropped": manifest.dropped,
        "excluded": manifest.excluded,
        "digest": manifest.digest,
    }


def _manifest(given: Mapping[str, Any], spec: Spec) -> Manifest:
    found = LayoutItems(
        [_item(item) for item in given["items"]],
        missing=dict.fromkeys(given.get("missing", ()), "the table"),
        traits=tuple(given.get("traits", ())),
    )
    try:
        return manifest_of(task_of(given), found, Path(), any_suite(spec).seed)
    except BiobenchError:
        raise Invalid("value") from None


def _item(item: Mapping[str, Any]) -> Item:
    return Item(
        id=item["id"],
        path=item["path"],
        label=item.get("label", ""),
        split=item["split"],
        traits=tuple(item.get("traits", ())),
        group=item.get("group", ""),
        subject=item.get("subject", ""),
        cluster=item.get("cluster", ""),
    )


def _key(given: Mapping[str, Any], spec: Spec) -> Any:
    return {"key": sample_key(task_of({**given, "division": "official"}), given["id"]).hex()}


def _few_shot(given: Mapping[str, Any], spec: Spec) -> Any:
    rows = tuple(
        Row(
            id=row["id"],
            path=row["id"],
            label=row.get("label", 0),
            split=row["split"],
            scored=row["split"] != "train",
            traits=tuple(row.get("traits", ())),
            group=row.get("group", ""),
            subject=row.get("subject", ""),
        )
        for row in given["rows"]
    )
    names = tuple(map(str, range(1 + max(row.label for row in rows))))
    try:
        manifest = Manifest(Path(), names, rows, {}, names)
        sample = sample_train(task_of(given), manifest, given["n_train"])
    except BiobenchError:
        raise Invalid("value") from None
    return {"ids": [row.id for row in sample.rows]}


OPERATIONS = {
    "manifest.build": _build,
    "manifest.items": _items,
    "manifest.sample_key": _key,
    "manifest.few_shot": _few_shot,
}
