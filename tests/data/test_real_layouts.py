"""The layouts on real data sets in the official layouts, where someone has them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from task_values import make_task

from biobench.data.build import build_manifest

REAL = Path(
    os.environ.get("BIOBENCH_REAL_DATA") or Path(__file__).resolve().parents[3] / "shared/data"
)

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(
        not REAL.is_dir(), reason="no real images: BIOBENCH_REAL_DATA names no folder"
    ),
]


def folder(name: str) -> Path:
    if not (REAL / name).is_dir():
        pytest.skip(f"no real images of {name}")
    return REAL / name


@pytest.mark.parametrize(("name", "test"), [("herbarium19", "validation"), ("plankton", "val")])
def test_every_real_image_of_a_folder_layout_is_a_row(name: str, test: str) -> None:
    """The manifest has each image file once, under the class of its folder."""
    root = folder(name)
    manifest = build_manifest(make_task(options={"splits": {"train": "train", "test": test}}), root)
    files = {
        path.relative_to(root).as_posix()
        for split in ("train", test)
        for path in (root / split).rglob("*")
        if path.suffix.lower() in (".jpg", ".jpeg", ".png")
    }
    assert {row.path for row in manifest.rows} == files
    assert all(manifest.classes[row.label] == row.path.split("/")[1] for row in manifest.rows)
    assert manifest.excluded == 0


def test_the_real_coco_file_gives_one_row_an_image() -> None:
    """Annotations and files of the beluga layout agree."""
    root = folder("beluga")
    options = {
        "annotations": "beluga.coco/annotations/instances_train2022.json",
        "images": "beluga.coco/images/train2022",
        "label": "name",
    }
    manifest = build_manifest(make_task("coco", options, split_rule="leave-one-out"), root)
    images = list((root / options["images"]).iterdir())
    assert len(manifest.rows) == len(images)
    assert len({row.id for row in manifest.rows}) == len(images)
