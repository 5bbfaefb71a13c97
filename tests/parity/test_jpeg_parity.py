"""JPEG files give the pixels that Pillow gives, byte for byte."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from images import (
    adobe_transform,
    cmyk_jpeg,
    frame_header,
    jpeg,
    picture,
    pillow_rgb,
    resample_luma,
)
from PIL import Image

from biobench import _native

SIDES = st.one_of(st.integers(1, 20), st.integers(1, 150))
OPTIONS = st.fixed_dictionaries(
    {
        "quality": st.integers(1, 100),
        "subsampling": st.sampled_from(["4:4:4", "4:2:2", "4:2:0"]),
        "progressive": st.booleans(),
        "optimize": st.booleans(),
        "restart_marker_blocks": st.sampled_from([0, 0, 1, 2, 7]),
    }
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("jpeg") / "image.jpg"


def check(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    np.testing.assert_array_equal(_native.decode(file), pillow_rgb(data))


@settings(
    max_examples=2 * settings.default.max_examples,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(height=SIDES, width=SIDES, seed=st.integers(0, 2**32), options=OPTIONS)
def test_colour(file: Path, height: int, width: int, seed: int, options: dict) -> None:
    """Protects colour files of any size, quality, subsampling, scan order and restart interval."""
    check(file, jpeg(picture(height, width, seed), **options))


@settings(max_examples=60, deadline=None)
@given(height=SIDES, width=SIDES, seed=st.integers(0, 2**32), options=OPTIONS)
def test_gray(file: Path, height: int, width: int, seed: int, options: dict) -> None:
    """Protects gray files: the one value three times."""
    check(file, jpeg(picture(height, width, seed), "L", **options))


@settings(max_examples=60, deadline=None)
@given(
    height=SIDES,
    width=SIDES,
    seed=st.integers(0, 2**32),
    options=OPTIONS,
    transform=st.sampled_from([0, 2]),
)
def test_four_inks(
    file: Path, height: int, width: int, seed: int, options: dict, transform: int
) -> None:
    """Protects CMYK and YCCK: the inversion and Pillow's integer conversion to RGB."""
    data = cmyk_jpeg(picture(height, width, seed, 4), **options)
    check(file, adobe_transform(data, transform))


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    seed=st.integers(0, 2**32),
    progressive=st.booleans(),
)
def test_vertical_subsampling(
    file: Path, height: int, width: int, seed: int, progressive: bool
) -> None:
    """Protects 4:4:0, which cameras write when they turn an image: 4:2:2 blocks, sides swapped."""
    data = jpeg(picture(height, width, seed), subsampling="4:2:2", progressive=progressive)
    check(file, resample_luma(data, width=height, height=width, factors=0x12))


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(1, 5),
    columns=st.integers(1, 5),
    cut=st.tuples(st.integers(0, 7), st.integers(0, 31)),
    tall=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_quarter_subsampling(
    file: Path, rows: int, columns: int, cut: tuple[int, int], tall: bool, seed: int
) -> None:
    """Protects 4:1:1 and its vertical twin: 4:2:0 blocks read in another arrangement."""
    data = jpeg(picture(16 * rows, 16 * columns, seed), subsampling="4:2:0")
    height, width = 8 * rows - cut[0], 32 * columns - cut[1]
    if tall:
        check(
            file,
            resample_luma(
                data, width=8 * columns - cut[0], height=32 * rows - cut[1], factors=0x14
            ),
        )
    else:
        check(file, resample_luma(data, width=width, height=height, factors=0x41))


def test_rgb_without_transform(file: Path) -> None:
    """Protects files that store RGB as it is."""
    check(file, jpeg(picture(33, 47, 4), keep_rgb=True))


def test_arithmetic_coding(file: Path) -> None:
    """Protects arithmetic coding: any bytes are a valid stream, so a relabelled file decodes."""
    data = bytearray(jpeg(picture(40, 40, 6)))
    data[frame_header(bytes(data)) - 3] = 0xC9
    check(file, bytes(data))


def test_several_images(file: Path) -> None:
    """Protects multi-picture files: the first image counts."""
    out = io.BytesIO()
    first, second = (Image.fromarray(picture(30, 50, seed)) for seed in (1, 2))
    first.save(out, "MPO", save_all=True, append_images=[second])
    check(file, out.getvalue())


def test_orientation_is_not_applied(file: Path) -> None:
    """Protects the rule that an EXIF orientation changes nothing."""
    exif = Image.Exif()
    exif[0x0112] = 6
    check(file, jpeg(picture(20, 31, 8), exif=exif))
    assert _native.decode(file).shape == (20, 31, 3)


def test_missing_end_marker(file: Path) -> None:
    """Protects complete baseline files without an end marker: nothing is missing from them."""
    data = jpeg(picture(64, 64, 3), quality=90)
    assert data.endswith(b"\xff\xd9")
    check(file, data[:-2] + b"\xff\xd0")


def test_twelve_bits_are_refused_by_name(file: Path) -> None:
    """Protects the message for samples of 12 bits, which Pillow refuses too."""
    data = bytearray(jpeg(picture(16, 16, 3)))
    data[frame_header(bytes(data))] = 12
    file.write_bytes(data)
    with pytest.raises(ValueError, match="12 bits a sample"):
        _native.decode(file)
