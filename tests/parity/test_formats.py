"""All formats through recipes, by their content and not by their name."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from images import picture, recipe
from PIL import Image
from tiffs import LZW, tiff

from biobench.decode.native import decode_file
from biobench.decode.native import decode_batch
from biobench.decode.pillow import FORMATS
from biobench.decode.reference import decode_reference

SIDES = st.one_of(st.integers(1, 40), st.integers(30, 200))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("formats")


def write(path: Path, pixels: np.ndarray, kind: str) -> None:
    image = Image.fromarray(pixels)
    if kind == "TIFF tiles":
        path.write_bytes(tiff(pixels, 8, 2, compression=LZW, tile=(16, 48)))
    elif kind == "TIFF turned":
        path.write_bytes(tiff(pixels, 8, 2, rows_per_strip=7, tags={274: [6]}))
    elif kind == "BMP indexed":
        image.quantize(40).save(path, "BMP")
    else:
        image.save(path, kind)


@settings(max_examples=150)
@given(
    kind=st.sampled_from([*FORMATS, "TIFF tiles", "TIFF turned", "BMP indexed"]),
    size=st.tuples(SIDES, SIDES),
    seed=st.integers(0, 2**32),
    chosen=st.fixed_dictionaries(
        {
            "mode": st.sampled_from(["none", "none", "shortest", "squash"]),
            "size": st.tuples(st.integers(1, 60), st.integers(1, 60)),
            "crop": st.tuples(st.integers(1, 60), st.integers(1, 60)),
        }
    ),
)
def test_crops(folder: Path, kind: str, size: tuple[int, int], seed: int, chosen: dict) -> None:
    """Protects the parts of an image: rows and columns beside the crop are left out."""
    path = folder / "image"
    write(path, picture(*size, seed), kind)
    made = recipe(**chosen)
    batch = decode_batch([path], made, workers=1)
    assert batch.failures == []
    np.testing.assert_array_equal(batch.pixels[0], decode_reference(path, made))


def test_names_do_not_count(folder: Path) -> None:
    """Protects the rule that content decides: a TIFF named .png is read."""
    path = folder / "image.png"
    write(path, picture(9, 9, 1), "TIFF")
    assert decode_file(path).shape == (9, 9, 3)


@pytest.mark.parametrize(
    ("format", "name"),
    [("PPM", "PPM"), ("ICO", "ICO"), ("JPEG2000", "JPEG 2000"), ("AVIF", "AVIF"), ("PCX", "PCX"),
     ("SGI", "SGI"), ("DDS", "DDS"), ("QOI", "QOI"), ("ICNS", "ICNS")],
)  # fmt: skip
def test_others_are_refused_by_name(folder: Path, format: str, name: str) -> None:
    """Protects the message for formats that Pillow reads and we do not."""
    out = io.BytesIO()
    Image.fromarray(picture(64, 64, 1)).save(out, format)
    path = folder / "image.jpg"
    path.write_bytes(out.getvalue())
    with pytest.raises(ValueError, match=f"{name} is not read: convert the file to JPEG or PNG"):
        decode_file(path)
