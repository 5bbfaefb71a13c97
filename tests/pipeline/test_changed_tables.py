"""Tables and annotation files that are edited while a run goes on, as images are: exit 3."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml
from backbones import MeanColour
from drawn import NAMES, draw, draw_table, metric, write_task

from biobench.errors import DataError
from biobench.pipeline import run
from biobench.run.options import Options

pytestmark = pytest.mark.slow


class Acting(MeanColour):
    """Does something at its first forward pass."""

    def __init__(self, act: Callable[[], object] = lambda: None) -> None:
        super().__init__()
        self._act: Callable[[], object] | None = act

    def embed(self, batch: torch.Tensor) -> torch.Tensor:
        act, self._act = self._act, None
        if act is not None:
            act()
        return super().embed(batch)


def options(folder: Path, task: str) -> Options:
    return Options(
        model=Acting(), tasks=(task,), data=folder / "data", store=folder / "store", workers=1,
        quiet=True, save=False,
    )  # fmt: skip


@pytest.fixture
def table(tmp_path: Path) -> Options:
    """A task whose labels come from ``all.csv`` and a list ``toxic.csv``."""
    draw_table(tmp_path / "data/drawn", 6, 4)
    return options(tmp_path, write_task(tmp_path, "observations"))


@pytest.fixture
def coco(tmp_path: Path) -> Options:
    """A task whose labels come from ``notes.json``."""
    root, images, notes = tmp_path / "data/drawn", [], []
    for i in range(12):
        draw(root / "images" / f"{i}.png", i, i % 2)
        images.append({"id": i, "file_name": f"{i}.png"})
        notes.append({"image_id": i, "name": NAMES[i % 2]})
    (root / "notes.json").write_text(json.dumps({"images": images, "annotations": notes}))
    layout = {"annotations": "notes.json", "images": "images", "label": "name"}
    task = {
        "task": "own", "dataset": {"id": "drawn", "layout": {"id": "coco", "options": layout}},
        "split": "leave-one-out", "metrics": metric("accuracy"), "protocol": "knn",
    }  # fmt: skip
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(task))
    return options(tmp_path, str(tmp_path / "own.yaml"))


@pytest.fixture
def flat(tmp_path: Path) -> Options:
    """A task whose test labels come from ``list.txt``."""
    root = tmp_path / "data/drawn"
    for label, name in enumerate(NAMES[:2]):
        for i in range(4):
            draw(root / "train" / name / f"{label}{i}.png", i, label)
            draw(root / "test" / f"{label}{i}.png", i + 9, label)
    (root / "list.txt").write_text("1\n" * 4 + "2\n" * 4)
    layout = {
        "splits": {"train": "train", "test": "test"},
        "flat": {"test": {"labels": "list.txt", "classes": list(NAMES[:2])}},
    }
    task = {
        "task": "own",
        "dataset": {"id": "drawn", "layout": {"id": "image-folder", "options": layout}},
        "split": "train-test", "metrics": metric("macro_f1"), "protocol": "nearest_centroid",
    }  # fmt: skip
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(task))
    return options(tmp_path, str(tmp_path / "own.yaml"))


FILES = [
    ("table", "all.csv", ("amphora", "balanus")),
    ("table", "toxic.csv", ("balanus,0", "balanus,1")),
    ("coco", "notes.json", ("amphora", "balanus")),
    ("flat", "list.txt", ("1\n2", "2\n1")),
]


@pytest.mark.parametrize(("kind", "name", "edit"), FILES, ids=[name for _, name, _ in FILES])
def test_an_edit_stops_the_task(
    kind: str, name: str, edit: tuple[str, str], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """In place, by another file of the name, and by none; as soon as the file is as it was, the
    run goes through."""
    asked: Options = request.getfixturevalue(kind)
    path = tmp_path / "data/drawn" / name
    old = path.read_text()
    new = old.replace(*edit)
    assert new != old
    sound = run(replace(asked, model=Acting())).digests

    def beside() -> None:
        path.with_name("other").write_text(new)
        path.with_name("other").replace(path)

    for number, act in enumerate((lambda: path.write_text(new), beside, path.unlink)):
        fresh = replace(asked, model=Acting(act), store=tmp_path / f"store-{number}")
        with pytest.raises(DataError, match=f"{name} was changed while the run went on") as caught:
            run(fresh)
        assert caught.value.exit_code == 3
        path.write_text(old)
        assert run(replace(fresh, model=Acting())).digests == sound


@pytest.mark.parametrize(("kind", "name", "edit"), FILES, ids=[name for _, name, _ in FILES])
def test_the_same_bytes_are_no_change(
    kind: str, name: str, edit: tuple[str, str], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """A new time, other permissions, and a copy in its place."""
    asked: Options = request.getfixturevalue(kind)
    path = tmp_path / "data/drawn" / name

    def act() -> None:
        path.with_name("other").write_bytes(path.read_bytes())
        path.with_name("other").replace(path)
        path.chmod(0o600)
        path.touch()

    assert run(replace(asked, model=Acting(act))).tasks
