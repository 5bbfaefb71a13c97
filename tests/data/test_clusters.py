"""Clusters: what test items share that were taken together, from each layout to the manifest."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from task_values import COCO, TABLES, coco_document, make_task, plant, write_coco, write_tables

from biobench.data.build import build_manifest
from biobench.data.layouts import LayoutItems, find_items
from biobench.data.layouts.clusters import FIELD, cluster_of_path
from biobench.data.locate import EMBEDDED
from biobench.data.manifest import Item
from biobench.data.views import make_units
from biobench.errors import DataError
from biobench.spec.documents import Layout
from biobench.spec.load import load_spec

TRAIN = "image,label,camera,site\n1.jpg,a,,\n2.jpg,b,k1,s\n"
TEST = "image,label,camera,site\n3.jpg,a,k2,s\n4.jpg,b,{},{}\n"
IMAGES = ("1.jpg", "2.jpg", "3.jpg", "4.jpg")
CLIP = {"kind": "frames", "frames": 2, "stride": 1, "start": "middle", "pool": "max"}
CLIP |= {"clip_label": "most-frequent", "short": "error", "missing": "error"}
CAMERA = {"unit": "camera", "template": "{camera}"}


def table(root: Path, cluster: dict[str, Any] | None, *cells: str) -> dict[str, Any]:
    """Options of two tables, of which the last row has these cells of camera and site."""
    write_tables(root, {"train.csv": TRAIN, "test.csv": TEST.format(*cells)}, *IMAGES)
    return {**TABLES, "cluster": cluster}


def clusters(root: Path, options: dict[str, Any], layout: str = "csv") -> dict[str, str]:
    rule = "leave-one-out" if layout == "coco" else "train-test"
    return {item.path: item.cluster for item in find_items(root, Layout(layout, options), rule)}


def test_a_column_names_the_clusters_of_the_test_rows(tmp_path: Path) -> None:
    """Train rows have none, whatever their cells hold: nothing is scored on them."""
    found = clusters(tmp_path, table(tmp_path, CAMERA, "k3", ""))
    assert found == {"1.jpg": "", "2.jpg": "", "3.jpg": "k2", "4.jpg": "k3"}


def test_the_first_template_without_an_empty_cell_counts(tmp_path: Path) -> None:
    """FishNet's way: the species, or where a row has none the genus."""
    cluster = {"unit": "camera", "template": ["{camera}", "at {site}"]}
    assert clusters(tmp_path, table(tmp_path, cluster, "", "t"))["4.jpg"] == "at t"


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{camera}", "test.csv line 3: column 'camera' of the cluster is empty"),
        (["{camera}", "{site}"], "line 3: columns 'camera' and 'site' of the cluster are empty"),
    ],
)
def test_a_test_row_without_a_cluster_is_an_error(
    template: Any, words: str, tmp_path: Path
) -> None:
    """A row that silently became a cluster of its own would make the interval too narrow."""
    options = table(tmp_path, {"unit": "camera", "template": template}, "", "")
    with pytest.raises(DataError, match=re.escape(words)):
        clusters(tmp_path, options)


def test_a_key_of_the_annotations_names_the_clusters(tmp_path: Path) -> None:
    """Beluga's way; a number is its decimal, and anything else is a fault with its place."""
    document = coco_document(("ann", "bob"))
    for annotation, value in zip(document["annotations"], (7, "e"), strict=True):
        annotation["encounter"] = value
    write_coco(tmp_path, document, "0.jpg", "1.jpg")
    options = {**COCO, "cluster": {"unit": "encounter", "key": "encounter"}}
    found = clusters(tmp_path, options, "coco")
    assert found == {"images/0.jpg": "7", "images/1.jpg": "e"}
    del document["annotations"][1]["encounter"]
    write_coco(tmp_path, document, "0.jpg", "1.jpg")
    with pytest.raises(DataError, match="/annotations/1: 'encounter' must be an integer or a str"):
        clusters(tmp_path, options, "coco")


def test_a_pattern_finds_clusters_in_folders_of_classes(tmp_path: Path) -> None:
    """Only paths of test images have to match; one that does not is named with the pattern."""
    plant(tmp_path, "train/a/x.jpg", "train/b/x.jpg", "test/a/D1T2.jpg", "test/b/D10T1.jpg")
    options = {
        "splits": {"train": "train", "test": "test"},
        "cluster": {"unit": "day", "pattern": "D{cluster}T*"},
    }
    found = clusters(tmp_path, options, "image-folder")
    assert {path: day for path, day in found.items() if day} == {
        "test/a/D1T2.jpg": "1",
        "test/b/D10T1.jpg": "10",
    }
    plant(tmp_path, "test/b/other.jpg")
    with pytest.raises(DataError) as caught:
        clusters(tmp_path, options, "image-folder")
    assert "test/b/other.jpg: the path does not match the pattern" in str(caught.value)
    assert "\n" not in str(caught.value)


PIECES = st.sampled_from(["*", "a", "b", "/", ".", "ab"])


@given(st.lists(PIECES, max_size=8), st.lists(PIECES, max_size=8), st.text("ab./", max_size=16))
def test_a_pattern_is_a_lazy_regular_expression(
    before: list[str], after: list[str], path: str
) -> None:
    """Each piece takes the least that it can, from the left: what backtracking finds first."""
    pattern = "".join([*before, FIELD, *after])
    forms = {"*": "[^/]*?", FIELD: "([^/]+?)"}
    pieces = [forms.get(piece, re.escape(piece)) for piece in (*before, FIELD, *after)]
    wanted = re.search(f"(?:^|/)(?:{''.join(pieces)})\\Z", path)
    assert cluster_of_path(pattern, path) == (wanted and wanted[1])


def test_a_manifest_carries_clusters_and_their_unit(tmp_path: Path) -> None:
    """The column is part of the digest, and only where the data set defines it."""
    options = table(tmp_path, CAMERA, "k2", "")
    manifest = build_manifest(make_task("csv", options), tmp_path)
    assert manifest.cluster_unit == "camera"
    assert [row[4] for row in manifest.value()] == ["", "", "k2", "k2"]
    for cluster in ({"cluster": None}, {}):
        without = {key: value for key, value in options.items() if key != "cluster"} | cluster
        plain = build_manifest(make_task("csv", without), tmp_path)
        assert (plain.cluster_unit, plain.clustered) == ("item", False)
        assert {len(row) for row in plain.value()} == {4}
        assert plain.digest != manifest.digest
    moved = replace(manifest, rows=(*manifest.rows[:3], replace(manifest.rows[3], cluster="k3")))
    assert moved.digest != manifest.digest


def test_the_images_of_an_item_are_of_one_cluster() -> None:
    """A clip that two cameras filmed has no cluster, and the reader is told which it is."""
    task = make_task("csv", {**TABLES, "subject": "{clip}"}, view=CLIP)
    images = [
        Item(f"{split}/{i}", f"{split}/{i}", "a", split, subject=split, cluster=f"{split}0")
        for split in ("train", "test")
        for i in range(2)
    ]
    assert [u.item.cluster for u in make_units(task, LayoutItems(images), 1, "").units] == [
        "train0",
        "test0",
    ]
    images[3] = images[3]._replace(cluster="other")
    with pytest.raises(DataError, match="test: its images are in different clusters"):
        make_units(task, LayoutItems(images), 1, "")


@pytest.mark.parametrize(
    ("task", "unit", "scored", "count"),
    [
        ("demo-beluga", "individual", 139, 18),
        ("demo-fishnet", "species", 84, 51),
        ("demo-iwildcam", "camera", 93, 4),
        ("demo-kabr", "mini-scene", 17, 17),
        ("demo-plantnet", "item", 80, 0),
    ],
)
def test_clusters_of_the_demo_tasks(task: str, unit: str, scored: int, count: int) -> None:
    """So that demo runs go the whole way with them."""
    spec = load_spec()
    items = build_manifest(spec.task(task), EMBEDDED / task, seed=17).items
    rows = [row for row in items.rows if row.scored]
    assert (items.cluster_unit, len(rows)) == (unit, scored)
    assert len({row.cluster for row in rows} - {""}) == count
    assert not any(row.cluster for row in items.rows if row.split == "train")
