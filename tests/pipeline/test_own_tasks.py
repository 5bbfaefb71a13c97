"""A person's own tasks on small real images: every protocol, from a folder or from tables."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from backbones import MeanColour

from biobench import Results
from biobench.data.locate import EMBEDDED
from biobench.errors import SpecError
from biobench.pipeline import run
from biobench.run.options import Options
from biobench.run.plan import plan

CLASSES = ("Centrales", "Ciliata", "Dolichospermum")
PLACE = {"train": "train", "test": "val"}
EACH = {"train": 18, "test": 6}
F1 = [{"id": "macro_f1", "higher_is_better": True, "interval": "half-jackknife"}]


def metric(id: str) -> list[dict[str, Any]]:
    return [{"id": id, "higher_is_better": True, "interval": "half-jackknife"}]


@pytest.fixture(scope="module")
def pond(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes of drawn plankton: 54 images to learn from, 18 to test on."""
    root = tmp_path_factory.mktemp("pond")
    for split, count in EACH.items():
        for name in CLASSES:
            source = EMBEDDED / "demo-plankton" / PLACE[split] / name
            for image in sorted(source.iterdir())[:count]:
                place = root / split / name / image.name
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(image, place)
    return root


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("own-store")


def images(pond: Path, *splits: str) -> Iterator[tuple[str, str, str]]:
    """Split, class and path of each image, in order of the path."""
    for split in splits:
        for path in sorted((pond / split).rglob("*.png")):
            yield split, path.parent.name, path.relative_to(pond).as_posix()


def table(pond: Path, name: str, header: str, rows: list[list[object]]) -> str:
    lines = [header, *(",".join(map(str, row)) for row in rows)]
    (pond / name).write_text("\n".join(lines) + "\n")
    return name


def score(
    pond: Path,
    tmp_path: Path,
    store: Path,
    layout: dict[str, Any],
    model: str | MeanColour = "demo",
    **task: Any,
) -> tuple[Results, Any]:
    """Run an own task that is written as YAML; its result and its predictions."""
    value = {
        "task": "pond",
        "dataset": {"id": "pond", "layout": layout},
        "split": "train-test",
        "metrics": F1,
        **task,
    }
    file = tmp_path / "pond.yaml"
    file.write_text(yaml.safe_dump(value, default_flow_style=None, allow_unicode=True))
    results = run(
        Options(
            model=model,
            tasks=(str(file),),
            data=pond,
            out=tmp_path / "out",
            store=store,
            quiet=True,
        )
    )
    assert results.document["division"] == "open"
    assert not results.document["official"]
    return results, pq.read_table(tmp_path / "out" / "predictions" / "pond.parquet")


FOLDER = {"id": "image-folder", "options": {"splits": {"train": "train", "test": "test"}}}


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["svm", "nearest_centroid", "logistic_regression"])
def test_a_folder_with_each_protocol_of_classes(
    pond: Path, tmp_path: Path, store: Path, protocol: str
) -> None:
    """Nothing but the protocol's name changes. The nearest centroid may reject what it knows."""
    results, predictions = score(pond, tmp_path, store, FOLDER, protocol=protocol)
    entry = results.tasks["pond"]
    assert entry["counts"] == {"train": 54, "test": 18, "classes": 3, "excluded": 0}
    rejected = {-1} if protocol == "nearest_centroid" else set()
    assert set(predictions["y_pred"].to_pylist()) <= {0, 1, 2} | rejected
    assert rejected or entry["score"] > 0.5
    assert predictions.column_names == ["id", "y_true", "y_pred", "correct"]


def test_a_table_of_the_same_images_is_the_same_task(
    pond: Path, tmp_path: Path, store: Path
) -> None:
    """Folder or CSV: the manifest, and all that follows, has the same digests."""
    by_folder, _ = score(pond, tmp_path, store, FOLDER, MeanColour(), protocol="svm")
    rows = [[path, label, split] for split, label, path in images(pond, "test", "train")]
    layout = {
        "id": "csv",
        "options": {
            "table": table(pond, "all.csv", "image,species,set", [list(row) for row in rows]),
            "split": {"column": "set", "train": ["train"], "test": ["test"]},
            "path": "{image}",
            "label": "species",
        },
    }
    by_table, _ = score(pond, tmp_path, store, layout, MeanColour(), protocol="svm")
    assert by_table.tasks["pond"]["digests"] == by_folder.tasks["pond"]["digests"]


@pytest.mark.slow
def test_traits(pond: Path, tmp_path: Path, store: Path) -> None:
    """Two questions about each image; a row with an empty cell is left out. The backbone is small,
    because the network takes its ten thousand steps."""
    rows = [
        [path, split, "yes" if label == "Ciliata" else "no", int(label != CLASSES[2])]
        for split, label, path in images(pond, "train", "test")
    ]
    rows[0][2] = ""
    layout = {
        "id": "csv",
        "options": {
            "table": table(pond, "traits.csv", "image,set,ciliate,round", rows),
            "split": {"column": "set", "train": ["train"], "test": ["test"]},
            "path": "{image}",
            "traits": [
                {"column": "ciliate", "one": ["yes"], "zero": ["no"]},
                {"column": "round", "one": ["1"], "zero": ["0"]},
            ],
            "drop_incomplete": True,
        },
    }
    results, predictions = score(
        pond,
        tmp_path,
        store,
        layout,
        MeanColour(),
        protocol="traits_mlp_short",
        metrics=metric("traits_f1"),
    )
    entry = results.tasks["pond"]
    assert entry["counts"] == {"train": 53, "test": 18, "classes": 2, "excluded": 0}
    assert entry["score"] > 0.5
    truth, predicted = (predictions[name].to_pylist() for name in ("y_true", "y_pred"))
    assert sorted(map(tuple, truth)) == [(0, 0)] * 6 + [(0, 1)] * 6 + [(1, 1)] * 6
    assert predictions["correct"].to_pylist() == [
        a == b for a, b in zip(truth, predicted, strict=True)
    ]
    assert b'["ciliate", "round"]' in predictions.schema.metadata.values()


@pytest.mark.slow
def test_a_gallery_of_individuals(pond: Path, tmp_path: Path, store: Path) -> None:
    """Leave-one-out with nearest neighbours, from a table without a header."""
    rows = [f"{path};{label}" for _, label, path in images(pond, "test")]
    (pond / "gallery.csv").write_text("\n".join(rows))
    layout = {
        "id": "csv",
        "options": {
            "tables": {"gallery": "gallery.csv"},
            "delimiter": ";",
            "columns": ["image", "species"],
            "path": "{image}",
            "label": "species",
        },
    }
    results, predictions = score(
        pond, tmp_path, store, layout, split="leave-one-out", protocol="knn",
        metrics=[*F1, {"id": "top5", "higher_is_better": True, "interval": None}],
    )  # fmt: skip
    entry = results.tasks["pond"]
    assert entry["counts"] == {"train": 18, "test": 18, "classes": 3, "excluded": 0}
    assert entry["metrics"]["top5"] > 0.8
    assert "neighbours" in predictions.column_names


@pytest.mark.slow
def test_groups(pond: Path, tmp_path: Path, store: Path) -> None:
    """Each group is a task of its own; the predictions name it."""
    rows = [
        [path, split, label == named, named]
        for named in CLASSES[:2]
        for split, label, path in images(pond, "train", "test")
    ]
    layout = {
        "id": "csv",
        "options": {
            "table": table(pond, "groups.csv", "image,set,answer,question", rows),
            "split": {"column": "set", "train": ["train"], "test": ["test"]},
            "path": "{image}",
            "id": "{question}/{image}",
            "label": "answer",
            "group": "{question}",
        },
    }
    results, predictions = score(
        pond, tmp_path, store, layout, protocol="svm", metrics=metric("group_accuracy")
    )
    assert results.tasks["pond"]["counts"]["test"] == 36
    groups, correct = (predictions[name].to_pylist() for name in ("group", "correct"))
    assert sorted(set(groups)) == list(CLASSES[:2])
    shares = [
        sum(right for group, right in zip(groups, correct, strict=True) if group == named) / 18
        for named in CLASSES[:2]
    ]
    assert results.tasks["pond"]["score"] == sum(shares) / 2


def observed(pond: Path, name: str) -> dict[str, Any]:
    """Two test images an observation; the third class is not known in training."""
    rows = [
        [path, split, "?" if label == CLASSES[2] else label, f"{split}-{label}-{i // 2}"]
        for split in ("train", "test")
        for i, (_, label, path) in enumerate(images(pond, split))
        if split == "test" or label != CLASSES[2]
    ]
    table(pond, "toxic.csv", "species,toxic", [[CLASSES[0], 1], [CLASSES[1], 0]])
    return {
        "id": "csv",
        "options": {
            "table": table(pond, name, "image,set,species,seen", rows),
            "split": {"column": "set", "train": ["train"], "test": ["test"]},
            "path": "{image}",
            "label": "species",
            "subject": "{seen}",
            "unknown_label": "?",
            "poisonous": {
                "table": "toxic.csv", "label": "species", "column": "toxic", "cells": ["1"],
                "edible": ["0"],
            },
        },
    }  # fmt: skip


@pytest.mark.slow
def test_observations_with_an_unknown_class(pond: Path, tmp_path: Path, store: Path) -> None:
    """Learnt from images, tested on observations, with a class that can only be rejected."""
    results, predictions = score(
        pond, tmp_path, store, observed(pond, "observed.csv"),
        label_rule="train-names-or-unknown",
        view={"kind": "observation", "pool": "mean", "splits": ["test"]},
        protocol="nearest_centroid",
        metrics=metric("user_loss"),
    )  # fmt: skip
    entry = results.tasks["pond"]
    assert entry["counts"] == {"train": 36, "test": 9, "classes": 2, "excluded": 0}
    assert entry["cost"]["images"] == 54
    assert [str(i) for i in predictions["id"].to_pylist()][:2] == [
        "test-Centrales-0",
        "test-Centrales-1",
    ]
    assert sorted(predictions["y_true"].to_pylist()) == [-1] * 3 + [0] * 3 + [1] * 3
    assert set(predictions["y_pred"].to_pylist()) <= {-1, 0, 1}


CLIP = {
    "kind": "frames",
    "frames": 2,
    "stride": 2,
    "start": "middle",
    "pool": "max",
    "clip_label": "most-frequent",
    "short": "drop",
    "missing": "error",
}


def clips(pond: Path) -> dict[str, Any]:
    """Clips of three images each, and one that has lost all but one."""
    rows = [
        [path, split, label, f"{split}{i // 3}", i % 3]
        for split in ("train", "test")
        for i, (_, label, path) in enumerate(images(pond, split))
    ]
    del rows[19:21]
    return {
        "id": "csv",
        "options": {
            "table": table(pond, "clips.csv", "image,set,species,clip,place", rows),
            "split": {"column": "set", "train": ["train"], "test": ["test"]},
            "path": "{image}",
            "label": "species",
            "subject": "{clip}",
            "position": "place",
        },
    }


@pytest.mark.slow
def test_clips(pond: Path, tmp_path: Path, store: Path) -> None:
    """Counts and predictions speak of clips, costs of frames."""
    results, predictions = score(
        pond, tmp_path, store, clips(pond), view=CLIP, protocol="logistic_regression"
    )
    entry = results.tasks["pond"]
    assert entry["counts"] == {"train": 17, "test": 6, "classes": 3, "excluded": 0}
    assert entry["cost"]["images"] == 46
    assert predictions["id"].to_pylist() == [f"test{i}" for i in range(6)]
    options = Options(model="demo", tasks=(str(tmp_path / "pond.yaml"),), data=pond, quiet=True)
    described = "46 images of 23 items, 6 scored, 3 classes, protocol logistic_regression"
    assert any(described in line for line in plan(options).lines())


def test_rows_that_no_score_uses_are_told(pond: Path, tmp_path: Path) -> None:
    """A split or a class that is misspelt in some rows must not change a score in silence."""
    rows: list[list[object]] = []
    for n, (split, name, path) in enumerate(images(pond, "train", "test")):
        odd = n % 9 == 0
        rows.append([path, split.title() if odd else split, f"{name} " if n == 71 else name])
    split_cells = {"column": "part", "train": ["train"], "test": ["test"]}
    options = {
        "table": table(pond, "odd.csv", "image,part,species", rows),
        "path": "{image}",
        "label": "species",
        "split": split_cells,
    }
    value = {
        "task": "odd",
        "dataset": {"id": "pond", "layout": {"id": "csv", "options": options}},
        "split": "train-test",
        "protocol": "logistic_regression",
        "metrics": F1,
    }
    file = tmp_path / "odd.yaml"
    file.write_text(yaml.safe_dump(value))
    made = plan(Options(model="demo", tasks=(str(file),), data=pond, quiet=True))
    assert list(made.notes) == [
        "odd: 8 rows belong to no split and are left out: 'Train' 6, 'Test' 2",
        "odd: 1 test item left out, without another example of the class to learn from: "
        "'Dolichospermum ' 1",
        "odd: classes that differ in spelling alone: 'Dolichospermum' and 'Dolichospermum '",
    ]


def test_a_clip_with_an_unreadable_frame_is_wrong(pond: Path, tmp_path: Path, store: Path) -> None:
    """One torn frame: one bad image, one wrong clip, and no clip of fewer frames."""
    torn = tmp_path / "pond"
    shutil.copytree(pond, torn)
    layout = clips(torn)
    victims = [path for split, _, path in images(torn, "test")][3:6]
    (torn / victims[0]).write_bytes(b"no image")
    options = Options(
        model=MeanColour(), tasks=(str(tmp_path / "pond.yaml"),), data=torn, out=tmp_path / "out",
        store=store, quiet=True, on_bad_image="report",
    )  # fmt: skip
    value = {
        "task": "pond",
        "dataset": {"id": "pond", "layout": layout},
        "split": "train-test",
        "view": CLIP,
        "protocol": "svm",
        "metrics": F1,
    }
    (tmp_path / "pond.yaml").write_text(yaml.safe_dump(value))
    results = run(options)
    predictions = pq.read_table(tmp_path / "out" / "predictions" / "pond.parquet")
    assert results.document["bad_images"] == 1
    assert results.tasks["pond"]["counts"]["test"] == 6
    assert [p == -2 for p in predictions["y_pred"].to_pylist()] == [False, True] + [False] * 4


def test_a_part_that_does_not_fit_is_named(pond: Path, tmp_path: Path, store: Path) -> None:
    """A protocol for traits on a folder of classes: exit 4, with what would fit."""
    with pytest.raises(
        SpecError, match="these fit: linear_probe, linear_probe_short, logistic_regression"
    ):
        score(pond, tmp_path, store, FOLDER, protocol="traits_mlp")
