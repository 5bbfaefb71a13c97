"""Task values for the data stage's tests, with only the fields under test varied."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from biobench.spec.documents import (
    Counts,
    Dataset,
    Division,
    LabelRule,
    Layout,
    Metric,
    Protocol,
    Task,
)

FOLDERS = {"splits": {"train": "train", "test": "val"}}
UNSTATED = Counts(None, None, None)
TABLES = {
    "tables": {"train": "train.csv", "test": "test.csv"},
    "path": "{image}",
    "label": "label",
}
COCO = {"annotations": "annotations.json", "images": "images", "label": "name"}


def make_task(
    layout_id: str = "image-folder",
    options: dict[str, Any] | None = None,
    *,
    split_rule: Literal["train-test", "leave-one-out"] = "train-test",
    label_rule: LabelRule = "train-names",
    division: Division = "official",
    counts: Counts = UNSTATED,
    dataset: str = "pebbles",
    version: int = 1,
    view: Mapping[str, Any] | None = None,
) -> Task:
    """A task named ``pebbles`` on the data set ``dataset``."""
    return Task(
        id="pebbles",
        version=version,
        title="Pebbles",
        division=division,
        taxa="",
        modality="",
        mission="",
        citation="",
        dataset=Dataset(
            id=dataset,
            title="Pebbles",
            version="1",
            status="ok",
            licence=None,
            citation="",
            sources=(),
            layout=Layout(layout_id, FOLDERS if options is None else options),
            unknown={},
        ),
        split_rule=split_rule,
        label_rule=label_rule,
        counts=counts,
        view={"kind": "image"} if view is None else view,
        protocol=Protocol("knn", "knn", 1, {}),
        metrics=(Metric("macro_f1", True, None),),
        feature="official",
        errata=(),
    )


def plant(root: Path, *paths: str) -> Path:
    """Empty files at ``paths`` below ``root``; the data stage never opens an image."""
    for path in paths:
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    return root


def write_tables(root: Path, tables: Mapping[str, str | bytes], *images: str) -> Path:
    """Tables by path, and empty files at ``images``."""
    for path, text in tables.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode() if isinstance(text, str) else text)
    return plant(root, *images)


def write_coco(root: Path, document: Any, *names: str) -> Path:
    """A COCO data set: ``annotations.json`` and empty files in ``images/``."""
    text = document if isinstance(document, str) else json.dumps(document)
    (root / "images").mkdir(parents=True, exist_ok=True)
    (root / "annotations.json").write_text(text, encoding="utf-8")
    return plant(root, *(f"images/{name}" for name in names))


def coco_document(labels: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """A sound document with images ``0.jpg``, ``1.jpg``, ... of the given labels."""
    return {
        "images": [{"id": i, "file_name": f"{i}.jpg"} for i in range(len(labels))],
        "annotations": [
            {"id": 100 + i, "image_id": i, "name": label} for i, label in enumerate(labels)
        ],
    }
