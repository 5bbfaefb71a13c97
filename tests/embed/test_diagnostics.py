"""Doubtful data and models are said in one line each, and nothing else is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from biobench._common.store import Store
from biobench.data.manifest import Manifest, Row
from biobench.embed.batch_independence import KIND, compare, recall, remember
from biobench.embed.diagnostics import doubts
from biobench.embed.embedded import BatchIndependence, Embedded

ROWS = (
    Row("a", "train/a.png", 0, "train", False),
    Row("b", "train/b.png", 1, "train", False),
    Row("c", "test/c.png", 0, "test", True),
    Row("d", "test/d.png", 1, "test", True),
)


def manifest(*rows: Row) -> Manifest:
    return Manifest(Path("/data"), ("fox", "owl"), rows or ROWS, {}, ("fox", "owl"))


def embedded(*files: int, **changes: object) -> Embedded:
    """Rows with these files, a number each; 0 was not read."""
    count = len(files)
    content = np.repeat(np.array(files, np.uint8)[:, None], 32, axis=1)
    features = np.arange(1, 3 * count + 1, dtype=np.float32).reshape(count, 3)
    places = np.zeros((count, 2), np.int64)
    return replace(
        Embedded(features, content, {}, count, "features", [], places, content),
        **changes,  # type: ignore[arg-type]
    )


def test_nothing_wrong() -> None:
    """Images of their own, and rows that nobody read."""
    assert doubts(manifest(), embedded(1, 2, 3, 4)) == []
    assert doubts(manifest(), embedded(1, 2, 0, 0)) == []


def test_the_same_image_in_train_and_test() -> None:
    """Names the pair, test image first; within a split a copy is no leak."""
    assert doubts(manifest(), embedded(1, 2, 1, 4)) == [
        "1 image of the test split has the bytes of one of the train split: "
        "test/c.png and train/a.png"
    ]
    twice = manifest(ROWS[0], replace(ROWS[0], id="b", path="train/b.png"))
    assert doubts(twice, embedded(1, 1)) == []


def test_the_same_image_under_two_classes() -> None:
    """A question of its own, an unknown class and the names of split labels are looked at."""
    line = "1 image has the bytes of one of another class: train/b.png and train/a.png"
    assert doubts(manifest(), embedded(1, 1, 3, 4)) == [line]
    grouped = manifest(replace(ROWS[0], group="left"), replace(ROWS[1], group="right"))
    assert doubts(grouped, embedded(1, 1)) == []
    unknown = manifest(ROWS[0], replace(ROWS[2], label=-1))
    assert len(doubts(unknown, embedded(1, 1))) == 1
    split_names = replace(manifest(ROWS[0], replace(ROWS[2], label=1)), test_classes=("owl", "fox"))
    assert len(doubts(split_names, embedded(1, 1))) == 1
    traits = manifest(*(replace(ROWS[0], id=str(i), traits=(i, 1)) for i in (0, 1)))
    assert len(doubts(traits, embedded(1, 1))) == 1


def test_a_copy_in_a_gallery() -> None:
    """Each is the other's nearest neighbour; a copy of another class is named as such."""
    gallery = [replace(row, split="gallery") for row in ROWS]
    of_one = [replace(gallery[0], label=0), replace(gallery[2], label=0), gallery[1]]
    line = "1 image of the gallery has the bytes of another one of its class: "
    assert doubts(manifest(*of_one), embedded(1, 1, 2)) == [f"{line}test/c.png and train/a.png"]
    (other,) = doubts(manifest(*of_one), embedded(1, 2, 1))
    assert other.startswith("1 image has the bytes of one of another class: train/b.png and")
    apart = [replace(row, group=group) for row, group in zip(of_one, "xyx", strict=True)]
    assert doubts(manifest(*apart), embedded(1, 1, 2)) == []
    pooled = [replace(row, subject="one") for row in of_one]
    assert doubts(manifest(*pooled), embedded(1, 1, 2)) == []


def test_groups_may_share_an_image() -> None:
    """The train images of one question may be test images of another."""
    grouped = [replace(ROWS[0], group="left"), replace(ROWS[2], group="right")]
    assert doubts(manifest(*grouped), embedded(1, 1)) == []


def test_constant_features() -> None:
    """All rows that were read, not those of images that were not."""
    features = np.array([[1, 2, 3], [1, 2, 3], [0, 0, 0], [0, 0, 0]], np.float32)
    changes = {"features": features, "bad": {2: "is empty"}}
    assert doubts(manifest(), embedded(1, 2, 3, 0, **changes)) == [
        "the features of all 2 images are equal: the model tells none from another"
    ]
    features[1, 0] = 4
    assert doubts(manifest(), embedded(1, 2, 3, 0, **changes)) == []


@pytest.mark.parametrize(("factor", "lines"), [(1, 0), (1 + 1e-5, 0), (1.1, 1)])
def test_an_image_alone(factor: float, lines: int) -> None:
    """Rounding is no mixture."""
    features = embedded(1, 2, 3, 4).features
    alone = compare(ROWS[1].path, features[1], (features[1] * factor).astype(np.float32))
    found = doubts(manifest(), embedded(1, 2, 3, 4, batch_independence=alone))
    assert len(found) == lines
    assert all(line.startswith("the model mixes") and "train/b.png" in line for line in found)


class Keys:
    """The keys of a model."""

    def of_model(self, kind: str) -> str:
        return f"sha256:{kind.encode().hex():0>64}"


def test_the_comparison_is_kept(tmp_path: Path) -> None:
    """It is found again as it was; whatever else lies there is none."""
    store, keys, made = Store(tmp_path), Keys(), BatchIndependence("train/\u00e9.png", 0.25, 3.5)
    assert recall(store, keys) is None  # type: ignore[arg-type]
    remember(store, keys, made)  # type: ignore[arg-type]
    assert recall(store, keys) == made  # type: ignore[arg-type]
    numbers, path = np.array([1.0, 2.0]), np.frombuffer(b"a", np.uint8)
    for arrays in (
        {"path": path},
        {"path": path, "numbers": np.array([1.0, 2.0, 3.0])},
        {"path": path, "numbers": np.array([[1.0], [2.0]])[:, :, None]},
        {"path": np.array([255], np.uint8), "numbers": numbers},
    ):
        store.put(KIND, keys.of_model(KIND), arrays)
        found = recall(store, keys)  # type: ignore[arg-type]
        assert found is None or isinstance(found.distance, float)


def test_a_distance_that_is_none() -> None:
    """Two features that cannot be compared are different."""
    assert BatchIndependence("a", float("nan"), 1.0).differs
    assert BatchIndependence("a", 1.0, 0.0).differs
    assert not BatchIndependence("a", 0.0, 0.0).differs
