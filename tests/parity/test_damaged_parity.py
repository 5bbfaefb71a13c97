"""Damaged files: where Pillow refuses, so do we; where both give pixels, they are equal."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from images import CHANNELS, chunk, jpeg, picture, pillow_of, png
from PIL import Image
from tiffs import DEFLATE, LZW, tiff

from biobench.decode.native import decode_file

PICTURE = picture(40, 56, 11)
JPEGS = {
    "baseline": jpeg(PICTURE, quality=80),
    "progressive": jpeg(PICTURE, quality=80, progressive=True),
    "restarts": jpeg(PICTURE, quality=80, restart_marker_blocks=3),
    "gray": jpeg(PICTURE, "L", quality=60),
}
PNGS = {
    "colour": png(PICTURE.astype(np.uint16), 2, 8, filters=b"\1\4\2\3", split=900),
    "indexed": png(
        picture(20, 20, 1, CHANNELS[3]).astype(np.uint16), 3, 8, palette=bytes(range(256)) * 3
    ),
    "interlaced": png(PICTURE.astype(np.uint16), 2, 8, interlaced=True),
}


def saved(image: Image.Image, format: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


SMALL = Image.fromarray(picture(19, 23, 7))
OTHERS = {
    "webp": saved(SMALL, "WEBP", quality=70),
    "webp lossless": saved(Image.fromarray(picture(19, 23, 7, 4)), "WEBP", lossless=True),
    "webp animated": saved(SMALL, "WEBP", save_all=True, append_images=[SMALL.rotate(90)]),
    "gif": saved(SMALL.quantize(60), "GIF", interlace=1),
    "gif animated": saved(SMALL, "GIF", save_all=True, append_images=[SMALL.rotate(90)]),
    "bmp": saved(SMALL, "BMP"),
    "bmp indexed": saved(SMALL.quantize(9), "BMP"),
    "tiff": saved(SMALL, "TIFF"),
    "tiff of jpegs": saved(SMALL, "TIFF", compression="jpeg"),
    "tiff of lzw": tiff(picture(19, 23, 7), 8, 2, compression=LZW, tile=(16, 16), separate=True),
    "tiff of differences": tiff(
        picture(19, 23, 7), 8, 2, compression=DEFLATE, rows_per_strip=6, differences=True, big=True
    ),
}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged") / "image"


def ours_of(file: Path, data: bytes) -> np.ndarray | None:
    file.write_bytes(data)
    try:
        return decode_file(file)
    except ValueError:
        return None


def compare(file: Path, data: bytes) -> tuple[bool, bool]:
    """Return whether both read it: what Pillow refuses is refused, and no pixel is invented."""
    ours, theirs = ours_of(file, data), pillow_of(data)
    if theirs is None:
        assert ours is None
    elif ours is not None:
        np.testing.assert_array_equal(ours, theirs)
    return ours is not None, theirs is not None


def damage(data: bytes, edits: list[tuple[int, int]]) -> bytes:
    changed = bytearray(data)
    for place, value in edits:
        changed[place % len(changed)] = value
    return bytes(changed)


EDITS = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=3)


@pytest.mark.slow
@settings(max_examples=3 * settings.default.max_examples, deadline=None)
@given(name=st.sampled_from(sorted(JPEGS)), edits=EDITS)
def test_changed_jpeg(file: Path, name: str, edits: list[tuple[int, int]]) -> None:
    """Protects one direction: a changed JPEG gives Pillow's pixels, or we refuse it."""
    data = damage(JPEGS[name], edits)
    compare(file, data)


@settings(max_examples=150 * settings.default.max_examples // 100, deadline=None)
@given(name=st.sampled_from(sorted(JPEGS)), length=st.integers(0, 10_000))
def test_cut_jpeg(file: Path, name: str, length: int) -> None:
    """Protects the rule for cut files: refused exactly where Pillow refuses."""
    data = JPEGS[name]
    data = data[: length % len(data)]
    ours, theirs = compare(file, data)
    assert ours == theirs


@settings(max_examples=3 * settings.default.max_examples, deadline=None)
@given(name=st.sampled_from(sorted(PNGS)), edits=EDITS)
def test_changed_png(file: Path, name: str, edits: list[tuple[int, int]]) -> None:
    """Protects one direction only: we may refuse a PNG whose stream ends early, Pillow fills it."""
    data = damage(PNGS[name], edits)
    compare(file, data)


@settings(max_examples=150 * settings.default.max_examples // 100, deadline=None)
@given(name=st.sampled_from(sorted(PNGS)), length=st.integers(0, 10_000))
def test_cut_png(file: Path, name: str, length: int) -> None:
    """Protects cut PNGs: what Pillow refuses is refused, and no pixel is invented."""
    data = PNGS[name]
    data = data[: length % len(data)]
    compare(file, data)


def test_wrong_checksum_of_image_data(file: Path) -> None:
    """Protects files that Pillow reads: it does not look at the checksum of the image data."""
    data = PNGS["interlaced"]
    end = data.index(b"IEND") - 8
    data = data[:end] + b"\0\0\0\0" + data[end + 4 :]
    np.testing.assert_array_equal(ours_of(file, data), pillow_of(data))


def test_rows_missing(file: Path) -> None:
    """Protects complete images: a stream that ends rows early is refused, not filled with black."""
    whole = PNGS["colour"]
    rows = zlib.compress(bytes(1 + 3 * 56) * 39)
    at = whole.index(b"IDAT") - 4
    assert ours_of(file, whole[:at] + chunk(b"IDAT", rows) + chunk(b"IEND", b"")) is None


@pytest.mark.slow
@settings(max_examples=6 * settings.default.max_examples, deadline=None)
@given(name=st.sampled_from(sorted(OTHERS)), edits=EDITS, at_start=st.booleans())
def test_changed_file(file: Path, name: str, edits: list[tuple[int, int]], at_start: bool) -> None:
    """Protects the other formats: what Pillow refuses is refused, and no pixel is invented."""
    data = OTHERS[name]
    if at_start:
        edits = [(place % 60, value) for place, value in edits]
    data = damage(data, edits)
    ours, theirs = compare(file, data)
    if theirs and not ours and not name.startswith("tiff"):
        # Of a TIFF without all of its strips Pillow invents the rest. It has no limit of sides.
        with pytest.raises(ValueError, match="the longer side in pixels"):
            decode_file(file)


@settings(max_examples=250 * settings.default.max_examples // 100, deadline=None)
@given(name=st.sampled_from(sorted(OTHERS)), length=st.integers(0, 10_000))
def test_cut_file(file: Path, name: str, length: int) -> None:
    """Protects the other formats: a cut file is refused exactly where Pillow refuses."""
    data = OTHERS[name]
    data = data[: length % len(data)]
    ours, theirs = compare(file, data)
    # libtiff invents the rest of a JPEG.
    assert ours == theirs or (not ours and name == "tiff of jpegs")
