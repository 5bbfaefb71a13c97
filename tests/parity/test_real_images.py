"""Real photographs give Pillow's pixels, decoded and through two recipes."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from images import pillow_rgb, recipe

from biobench import _native
from biobench.decode.definition import decode_reference
from biobench.decode.native import decode_batch

EVERY_IMAGE = "BIOBENCH_EVERY_IMAGE"
SAMPLE = 300


def real_files(repository: Path) -> list[Path]:
    """The images of the data folder beside the checkout, or an even sample of them."""
    folder = Path(os.environ.get("BIOBENCH_REAL_DATA") or repository.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip("needs real images: name their folder in BIOBENCH_REAL_DATA")
    endings = {".jpg", ".jpeg", ".png"}
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in endings and p.is_file())
    if os.environ.get(EVERY_IMAGE) == "1":
        return files
    return files[:: max(1, len(files) // SAMPLE)]


def test_decoded_pixels(repository: Path) -> None:
    """Protects real encoders' files: colour tags, odd tables, restart markers, metadata."""
    differing = [
        file
        for file in real_files(repository)
        if not np.array_equal(_native.decode(file), pillow_rgb(file.read_bytes()))
    ]
    assert differing == []


@pytest.mark.parametrize(
    "chosen",
    [
        recipe(size=(224, 224), crop=(224, 224)),
        recipe(mode="squash", size=(96, 128), crop=(96, 128), filter="bilinear"),
    ],
    ids=["shortest", "squash"],
)
def test_crops(repository: Path, chosen: object) -> None:
    """Protects the whole path on real sizes, many files at once."""
    files = real_files(repository)[::3]
    batch = decode_batch(files, chosen, workers=2)
    assert batch.failures == []
    for file, pixels in zip(files, batch.pixels, strict=True):
        np.testing.assert_array_equal(pixels, decode_reference(file, chosen), err_msg=str(file))
