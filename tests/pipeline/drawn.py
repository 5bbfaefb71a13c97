"""Small data sets of drawn images for tests of the flow, as folders and as one table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

from biobench.spec.generator import Stream

NAMES = ("amphora", "balanus", "ceratium")
HEAD = "image,set,species,answer,question,clip,place,seen,big,round"
"""Columns of the table that :func:`draw_table` writes: one row an image."""


def draw(path: Path, number: int, label: int) -> None:
    """A square whose place tells the class, on noise that tells the image."""
    noise = Stream(1, f"{path.name}/{number}").integers(60, 24 * 24 * 3).reshape(24, 24, 3)
    noise[4 + 5 * label : 10 + 5 * label, 4:12] += 90 + number
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(noise.astype(np.uint8)).save(path)


def draw_folders(root: Path, counts: Mapping[str, int]) -> Path:
    """``root/<split>/<name>/*.png``, so many images a class in each split."""
    for split, count in counts.items():
        for label, name in enumerate(NAMES):
            for i in range(count):
                draw(root / split / name / f"{split}{label}{i:02}.png", i, label)
    return root


def _rows(train: int, test: int) -> Iterator[str]:
    for split, count in (("train", train), ("test", test)):
        for label, name in enumerate(NAMES):
            for i in range(count):
                subject = f"{split}-{name}-{i // 2}"
                known = "?" if (split, label) == ("test", 2) else name
                question = "left" if i % 2 else "right"
                cells = [f"{split}/{name}/{split}{label}{i:02}.png", split, known, label > 0]
                cells += [question, subject, i % 2, subject, int(label == 0), int(label == 2)]
                yield ",".join(map(str, cells))


def draw_table(root: Path, train: int, test: int) -> Path:
    """The folders, and ``all.csv`` with the columns of :data:`HEAD`.

    Clips and observations have two images each. Test images of the third class are unknown.
    """
    draw_folders(root, {"train": train, "test": test})
    (root / "all.csv").write_text("\n".join([HEAD, *_rows(train, test)]) + "\n")
    (root / "toxic.csv").write_text("species,toxic\namphora,1\nbalanus,0\nceratium,0\n")
    return root


def layout(**options: Any) -> dict[str, Any]:
    """The layout of the table, by default with species as label."""
    split = {"column": "set", "train": ["train"], "test": ["test"]}
    shared = {"table": "all.csv", "split": split, "path": "{image}"}
    label = {} if "traits" in options else {"label": "species"}
    return {"id": "csv", "options": {**shared, **label, **options}}


FOLDERS = {"id": "image-folder", "options": {"splits": {"train": "train", "test": "test"}}}
CLIP = {
    "kind": "frames", "frames": 2, "stride": 1, "start": "middle", "pool": "max",
    "clip_label": "most-frequent", "short": "drop", "missing": "error",
}  # fmt: skip
POISON = {
    "table": "toxic.csv", "label": "species", "column": "toxic", "cells": ["1"], "edible": ["0"],
}  # fmt: skip
TRAITS = [{"column": name, "one": ["1"], "zero": ["0"]} for name in ("big", "round")]


def metric(id: str) -> list[dict[str, Any]]:
    """One metric, with an interval."""
    return [{"id": id, "higher_is_better": True, "interval": "half-jackknife"}]


TASKS: dict[str, dict[str, Any]] = {
    "classes": {"layout": FOLDERS, "protocol": "linear_probe_short"},
    "groups": {
        "layout": layout(label="answer", group="{question}", id="{question}/{image}"),
        "protocol": "svm",
        "metrics": metric("group_accuracy"),
    },
    "clips": {
        "layout": layout(subject="{clip}", position="place"),
        "view": CLIP,
        "protocol": "logistic_regression",
    },
    "observations": {
        "layout": layout(subject="{seen}", unknown_label="?", poisonous=POISON),
        "label_rule": "train-names-or-unknown",
        "view": {"kind": "observation", "pool": "mean", "splits": ["test"]},
        "protocol": "nearest_centroid",
        "metrics": metric("user_loss"),
    },
    "traits": {
        "layout": layout(traits=TRAITS, drop_incomplete=False),
        "protocol": "traits_mlp_short",
        "metrics": metric("traits_f1"),
    },
}
"""One own task of each kind, on the data of :func:`draw_table`."""


def write_task(folder: Path, kind: str) -> str:
    """The task file of a kind, named like it; its path."""
    task = dict(TASKS[kind])
    value = {
        "task": kind,
        "dataset": {"id": "drawn", "layout": task.pop("layout")},
        "split": "train-test",
        "metrics": metric("macro_f1"),
        **task,
    }
    path = folder / f"{kind}.yaml"
    path.write_text(yaml.safe_dump(value))
    return str(path)
