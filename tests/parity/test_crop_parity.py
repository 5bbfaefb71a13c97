"""A crop is cut from the pixels that the whole file gives, though most of the file is left out.

Of a JPEG with one scan, columns beside the crop and rows above it become no pixels, and rows below
it are not read. The recipe does not resize here, so that every byte of the crop is a decoded one.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from images import (
    adobe_transform,
    cmyk_jpeg,
    frame_header,
    jpeg,
    picture,
    png,
    recipe,
    resample_luma,
)

from biobench.decode.definition import decode_reference
from biobench.decode.native import decode_batch
from biobench.decode.recipe import Recipe
from biobench.errors import DataError

SIDES = st.one_of(st.integers(1, 400), st.integers(60, 200))
CROPS = st.tuples(*[st.one_of(st.integers(1, 40), st.integers(1, 200))] * 2)
OPTIONS = st.fixed_dictionaries(
    {
        "quality": st.sampled_from([5, 40, 75, 90, 100]),
        "subsampling": st.sampled_from(["4:4:4", "4:2:2", "4:2:0", "4:2:0"]),
        "progressive": st.sampled_from([False, False, False, True]),
        "restart_marker_blocks": st.sampled_from([0, 0, 0, 1, 2, 7, 30]),
    }
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("crops") / "image"


def cropped(crop: tuple[int, int], **changes: Any) -> Recipe:
    return recipe(mode="none", crop=crop, **changes)


def ours_of(file: Path, chosen: Recipe) -> np.ndarray | None:
    batch = decode_batch([file], chosen, workers=1)
    assert all(failure.kind != "internal" for failure in batch.failures)
    return None if batch.failures else batch.pixels[0]


def theirs_of(file: Path, chosen: Recipe) -> np.ndarray | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return decode_reference(file, chosen)
    except DataError:
        return None


def check(file: Path, data: bytes, chosen: Recipe) -> None:
    """Pillow's crop, whatever the kernel; refused where Pillow refuses."""
    file.write_bytes(data)
    ours, theirs = ours_of(file, chosen), theirs_of(file, chosen)
    assert (ours is None) == (theirs is None)
    if ours is not None:
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.slow
@settings(max_examples=5 * settings.default.max_examples, deadline=None)
@given(height=SIDES, width=SIDES, seed=st.integers(0, 2**32), options=OPTIONS, crop=CROPS)
def test_colour(
    file: Path, height: int, width: int, seed: int, options: dict, crop: tuple[int, int]
) -> None:
    """Protects fancy upsampling at the borders of what is decoded, and restart markers."""
    check(file, jpeg(picture(height, width, seed), **options), cropped(crop))


@settings(max_examples=150 * settings.default.max_examples // 100, deadline=None)
@given(
    height=SIDES,
    width=SIDES,
    seed=st.integers(0, 2**32),
    options=OPTIONS,
    crop=CROPS,
    factors=st.sampled_from([0x11, 0x12, 0x21, 0x22, 0x41]),
)
def test_gray(
    file: Path,
    height: int,
    width: int,
    seed: int,
    options: dict,
    crop: tuple[int, int],
    factors: int,
) -> None:
    """Protects gray files, also those whose only component claims a sampling factor."""
    data = bytearray(jpeg(picture(height, width, seed), "L", **options))
    data[frame_header(bytes(data)) + 7] = factors
    check(file, bytes(data), cropped(crop))


@settings(max_examples=150 * settings.default.max_examples // 100, deadline=None)
@given(
    height=SIDES,
    width=SIDES,
    seed=st.integers(0, 2**32),
    options=OPTIONS,
    crop=CROPS,
    transform=st.sampled_from([0, 2]),
)
def test_four_inks(
    file: Path,
    height: int,
    width: int,
    seed: int,
    options: dict,
    crop: tuple[int, int],
    transform: int,
) -> None:
    """Protects CMYK and YCCK."""
    data = cmyk_jpeg(picture(height, width, seed, 4), **options)
    check(file, adobe_transform(data, transform), cropped(crop))


@settings(max_examples=250 * settings.default.max_examples // 100, deadline=None)
@given(height=SIDES, width=SIDES, seed=st.integers(0, 2**32), options=OPTIONS, crop=CROPS)
def test_vertical_subsampling(
    file: Path, height: int, width: int, seed: int, options: dict, crop: tuple[int, int]
) -> None:
    """Protects 4:4:0, whose upsampling looks at the rows above and below."""
    data = jpeg(picture(height, width, seed), **{**options, "subsampling": "4:2:2"})
    check(file, resample_luma(data, width=height, height=width, factors=0x12), cropped(crop))


@settings(max_examples=150 * settings.default.max_examples // 100, deadline=None)
@given(
    rows=st.integers(1, 12),
    columns=st.integers(1, 12),
    factors=st.sampled_from([0x41, 0x14]),
    seed=st.integers(0, 2**32),
    crop=CROPS,
)
def test_quarter_subsampling(
    file: Path, rows: int, columns: int, factors: int, seed: int, crop: tuple[int, int]
) -> None:
    """Protects 4:1:1 and its vertical twin."""
    data = jpeg(picture(16 * rows, 16 * columns, seed), subsampling="4:2:0")
    height, width = (8 * rows, 32 * columns) if factors == 0x41 else (32 * rows, 8 * columns)
    check(file, resample_luma(data, width=width, height=height, factors=factors), cropped(crop))


@settings(max_examples=60, deadline=None)
@given(height=SIDES, width=SIDES, seed=st.integers(0, 2**32), crop=CROPS)
def test_arithmetic_coding(
    file: Path, height: int, width: int, seed: int, crop: tuple[int, int]
) -> None:
    """Protects arithmetic coding, of which nothing can be left out: any bytes are such a stream."""
    data = bytearray(jpeg(picture(height, width, seed)))
    data[frame_header(bytes(data)) - 3] = 0xC9
    check(file, bytes(data), cropped(crop))


DAMAGED = {
    "plain": jpeg(picture(120, 90, 11), quality=80),
    "restarts": jpeg(picture(120, 90, 12), quality=80, restart_marker_blocks=3),
    "gray": jpeg(picture(120, 90, 13), "L", quality=60),
    "sharp": jpeg(picture(120, 90, 14), quality=95, subsampling="4:4:4"),
    "progressive": jpeg(picture(120, 90, 15), quality=80, progressive=True),
}
NAMES = st.sampled_from(sorted(DAMAGED))
EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=3)


@settings(max_examples=5 * settings.default.max_examples, deadline=None)
@given(name=NAMES, edits=EDITS, crop=CROPS)
def test_changed(
    file: Path, name: str, edits: list[tuple[float, int]], crop: tuple[int, int]
) -> None:
    """Protects the verdict on damage below the crop, which is not decoded: bad for both or none."""
    data = bytearray(DAMAGED[name])
    for place, value in edits:
        data[int(place * (len(data) - 1))] = value
    file.write_bytes(data)
    ours, theirs = ours_of(file, cropped(crop)), theirs_of(file, cropped(crop))
    if theirs is None:
        assert ours is None
    elif ours is not None:
        np.testing.assert_array_equal(ours, theirs)


@settings(max_examples=3 * settings.default.max_examples, deadline=None)
@given(
    name=NAMES,
    kept=st.floats(0, 1),
    crop=CROPS,
    tail=st.sampled_from(
        [b"", b"\xff\xd9", b"\xff", b"\xff\xd0", b"\xff\xff\xd9", b"\xff\xc4\0\5"]
    ),
)
def test_cut(file: Path, name: str, kept: float, crop: tuple[int, int], tail: bytes) -> None:
    """Protects the rule for cut files: the crop may be whole, a missing last row is bad still."""
    data = DAMAGED[name]
    check(file, data[: int(kept * len(data))] + tail, cropped(crop))


@settings(max_examples=2 * settings.default.max_examples, deadline=None)
@given(
    height=st.integers(1, 60),
    width=st.integers(1, 60),
    kind=st.sampled_from(
        [(0, 1), (0, 4), (0, 16), (2, 8), (2, 16), (3, 2), (3, 8), (4, 8), (6, 8)]
    ),
    interlaced=st.booleans(),
    seed=st.integers(0, 2**32),
    crop=st.tuples(*[st.integers(1, 70)] * 2),
)
def test_png(
    file: Path,
    height: int,
    width: int,
    kind: tuple[int, int],
    interlaced: bool,
    seed: int,
    crop: tuple[int, int],
) -> None:
    """Protects the place of a row's first pixel for packed samples, and rows of both orders."""
    colour, bits = kind
    random = np.random.Generator(np.random.PCG64(seed))
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    samples = random.integers(0, 1 << bits, (height, width, channels), dtype=np.uint16)
    palette = random.bytes(3 << bits) if colour == 3 else b""
    data = png(samples, colour, bits, interlaced=interlaced, palette=palette, filters=b"\1\4\2\3")
    check(file, data, cropped(crop))
