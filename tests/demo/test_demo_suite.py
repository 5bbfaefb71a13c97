"""The embedded demo suite: what the specification's documents say of it is what lies there."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from biobench.data.build import build_manifest
from biobench.data.counts import count_differences
from biobench.data.locate import EMBEDDED, locate
from biobench.data.manifest import Manifest
from biobench.spec.documents import Division, Task
from biobench.spec.load import load_spec

TASKS = load_spec().suites["demo"].members
MAX_BYTES = 10_000_000
MAX_TRAIN = 300
UNUSED = {"demo-fishnet": 22, "demo-iwildcam": 8}
"""Images that no item has: of rows that lack a trait, and of splits that the task does not use."""
SHORT = {"demo-kabr": 2}
"""Clips that the view drops."""


def manifest_of(name: str, division: Division) -> tuple[Task, Manifest]:
    spec = load_spec()
    task = spec.task(name, division)
    root = locate(task, None)
    assert root is not None, "the demo's images ship with the package"
    return task, build_manifest(task, root, spec.suites["demo"].seed)


def all_files() -> list[Path]:
    return [path for path in sorted(EMBEDDED.rglob("*")) if path.is_file()]


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("division", ["official", "compat"])
def test_counts_are_those_of_the_documents(name: str, division: Division) -> None:
    """A demo with other counts than its document would be reported to every user."""
    task, manifest = manifest_of(name, division)
    assert task.counts.train is not None
    assert count_differences(task, manifest) == []
    assert manifest.dropped == SHORT.get(name, 0)


@pytest.mark.parametrize("name", TASKS)
def test_size_and_bytes_are_those_of_the_data_set_document(name: str) -> None:
    """The document's own statement of the files stays true when images are drawn anew."""
    task = load_spec().task(name, "official")
    found = [path for path in (EMBEDDED / name).rglob("*") if path.is_file()]
    assert task.dataset.files["count"] == len(found) - UNUSED.get(name, 0)
    if name not in UNUSED:
        assert task.dataset.files["bytes"] == sum(path.stat().st_size for path in found)


@pytest.mark.parametrize("name", TASKS)
def test_the_suite_stays_small_enough_for_a_first_run(name: str) -> None:
    """The demo is part of every wheel and has to run in three minutes on two cores."""
    assert sum(path.stat().st_size for path in all_files()) < MAX_BYTES
    _, manifest = manifest_of(name, "official")
    assert sum(row.split != "test" for row in manifest.rows) <= MAX_TRAIN


def test_the_demo_exercises_the_exclusion_rules() -> None:
    """Whales met once, and plankton without a class, reach the rules in every demo run."""
    _, beluga = manifest_of("demo-beluga", "official")
    sizes = Counter(row.label for row in beluga.rows)
    assert beluga.excluded == sum(1 for size in sizes.values() if size == 1) == 3
    _, plankton = manifest_of("demo-plankton", "official")
    assert plankton.excluded == 30
    assert "Unclassifiable" not in plankton.classes
    _, upstream = manifest_of("demo-plankton", "compat")
    assert upstream.test_classes.index("Unclassifiable") == 12


def test_the_tables_have_the_faults_of_real_ones() -> None:
    """Rows without a trait, upper case that files lack, unseen classes, short and long clips."""
    _, fishnet = manifest_of("demo-fishnet", "official")
    cells = (EMBEDDED / "demo-fishnet/train.csv").read_text().splitlines()[1:]
    incomplete = [row for row in cells if ",," in row or row.endswith(",")]
    assert len(cells) - len(incomplete) == sum(row.split == "train" for row in fishnet.rows)
    assert len(incomplete) == 14
    assert any(row.startswith("https://") for row in cells)
    _, fungiclef = manifest_of("demo-fungiclef", "official")
    assert any(row.id.endswith(".JPG") and row.path.endswith(".jpg") for row in fungiclef.rows)
    test = [row for row in fungiclef.items.rows if row.split == "test"]
    assert sum(row.label == -1 for row in test) == 20
    assert len(test) < sum(row.split == "test" for row in fungiclef.rows)
    assert fungiclef.poisonous is not None
    assert 0 < len(fungiclef.poisonous) < len(fungiclef.classes)
    _, iwildcam = manifest_of("demo-iwildcam", "official")
    assert iwildcam.excluded == 4
    _, upstream = manifest_of("demo-iwildcam", "compat")
    assert upstream.excluded == 0


@pytest.mark.parametrize(("name", "frames"), [("demo-kabr", 16), ("demo-mammalnet", 32)])
def test_a_clip_is_as_many_frames_as_the_view_takes(name: str, frames: int) -> None:
    """The frames of a clip are rows; those that the stride leaves out are none."""
    _, manifest = manifest_of(name, "official")
    assert set(Counter(row.subject for row in manifest.rows).values()) == {frames}
    longest = max(len(list(p.parent.glob("*.jpg"))) for p in (EMBEDDED / name).rglob("*1.jpg"))
    assert longest == (33 if name == "demo-kabr" else 32)


def test_train_counts_have_a_long_tail() -> None:
    """Macro-F1 and accuracy must be able to differ, wherever there are more than a few clips."""
    for name in TASKS:
        task, manifest = manifest_of(name, "official")
        if manifest.has_traits or task.view["kind"] == "frames":
            continue
        sizes = Counter(row.label for row in manifest.items.rows if row.split != "test")
        assert max(sizes.values()) >= 5 * min(sizes.values())


def test_the_encodings_are_as_mixed_as_in_real_collections() -> None:
    """The decoder meets each kind of file in the demo, not for the first time in a user's data."""
    from PIL import Image

    modes: Counter[str] = Counter()
    for path in all_files():
        if path.suffix in (".jpg", ".png"):
            with Image.open(path) as image:
                image.load()
                kind = f"{image.format} {image.mode}"
                layers = getattr(image, "layer", [])
                if len(layers) == 3:
                    kind += f" {layers[0][1]}x{layers[0][2]}"
                if image.info.get("progressive"):
                    kind += " progressive"
                modes[kind] += 1
    assert set(modes) >= {
        "JPEG RGB 2x2", "JPEG RGB 2x1", "JPEG RGB 1x1", "JPEG RGB 2x2 progressive", "JPEG L",
        "PNG L", "PNG P", "PNG RGB", "PNG RGBA", "PNG LA",
    }, modes  # fmt: skip
