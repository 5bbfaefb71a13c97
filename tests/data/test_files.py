"""The digest of a data set's files: what ships is what the documents say."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from biobench.data.files import found_files
from biobench.data.locate import EMBEDDED
from biobench.spec.load import load_spec

DEMO = [name for name in load_spec().dataset_ids() if name.startswith("demo-")]


@pytest.mark.parametrize("name", DEMO)
def test_the_demo_files_are_those_of_the_document(name: str) -> None:
    """Redrawn or damaged demo images cannot pass under the old document."""
    dataset = load_spec().dataset(name)
    found = found_files(dataset, EMBEDDED / name, 2)
    assert found.digest == dataset.files["digest"]
    assert found.count == dataset.files["count"]
    assert found.bytes == dataset.files["bytes"]


def test_one_byte_changes_the_digest(tmp_path: Path) -> None:
    """A single flipped byte in one image is another data set."""
    dataset = load_spec().dataset("demo-plankton")
    root = tmp_path / "demo-plankton"
    shutil.copytree(EMBEDDED / "demo-plankton", root)
    image = sorted(root.rglob("*.png"))[0]
    data = bytearray(image.read_bytes())
    data[-1] ^= 1
    image.write_bytes(bytes(data))
    found = found_files(dataset, root, 1)
    assert found.digest != dataset.files["digest"]
    assert found.bytes == dataset.files["bytes"]
