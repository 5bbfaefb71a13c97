"""WebP files give the pixels that Pillow's convert("RGB") gives, byte for byte."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from images import picture, pillow_rgb
from PIL import Image

from biobench import _native

SIDES = st.one_of(st.integers(1, 20), st.integers(1, 150))
OPTIONS = st.fixed_dictionaries(
    {
        "lossless": st.booleans(),
        "quality": st.sampled_from([0, 20, 60, 85, 100]),
        "method": st.integers(0, 4),
        "exact": st.booleans(),
        "alpha_quality": st.sampled_from([10, 100]),
    }
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("webp") / "image.webp"


def check(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    np.testing.assert_array_equal(decode_file(file), pillow_rgb(data))


def webp(pixels: np.ndarray, **options: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "WEBP", **options)
    return out.getvalue()


@settings(max_examples=120)
@given(height=SIDES, width=SIDES, seed=st.integers(0, 2**32), options=OPTIONS)
def test_colour(file: Path, height: int, width: int, seed: int, options: dict) -> None:
    """Protects lossy files, whose chroma is upsampled, and lossless ones, of any size."""
    check(file, webp(picture(height, width, seed), **options))


@settings(max_examples=80)
@given(height=SIDES, width=SIDES, seed=st.integers(0, 2**32), options=OPTIONS)
def test_alpha_is_dropped(file: Path, height: int, width: int, seed: int, options: dict) -> None:
    """Protects files with transparency: what lies under it is shown, not blended."""
    check(file, webp(picture(height, width, seed, 4), **options))


@settings(max_examples=40)
@given(
    size=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    count=st.integers(2, 4),
    seed=st.integers(0, 2**32),
    options=st.fixed_dictionaries({"lossless": st.booleans(), "allow_mixed": st.booleans()}),
    background=st.sampled_from([(0, 0, 0, 0), (200, 10, 20, 255)]),
)
def test_animation(
    file: Path, size: tuple[int, int], count: int, seed: int, options: dict, background: tuple
) -> None:
    """Protects animated files: the first frame counts, on a canvas without its background."""
    frames = [Image.fromarray(picture(*size, seed + i, 4)) for i in range(count)]
    out = io.BytesIO()
    frames[0].save(
        out, "WEBP", save_all=True, append_images=frames[1:], background=background, **options
    )
    check(file, out.getvalue())


@pytest.mark.parametrize("place", [(0, 0), (6, 4), (14, 20)])
@pytest.mark.parametrize("channels", [3, 4])
def test_frame_smaller_than_the_canvas(file: Path, place: tuple[int, int], channels: int) -> None:
    """Protects the place of a first frame that does not cover the canvas: around it is black."""
    still = webp(picture(21, 17, 3, channels), lossless=True, exact=True)
    payload = still[still.index(b"VP8L") :]

    def chunk(name: bytes, content: bytes) -> bytes:
        return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)

    def three(value: int) -> bytes:
        return struct.pack("<I", value)[:3]

    canvas = (17 + 14 + 5, 21 + 20 + 3)
    header = bytes([0x12, 0, 0, 0]) + three(canvas[0] - 1) + three(canvas[1] - 1)
    frame = three(place[0] // 2) + three(place[1] // 2) + three(16) + three(20) + three(40) + b"\0"
    body = (
        chunk(b"VP8X", header) + chunk(b"ANIM", b"\1\2\3\xff\0\0") + chunk(b"ANMF", frame + payload)
    )
    data = b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body
    check(file, data)
    assert decode_file(file).shape == (canvas[1], canvas[0], 3)


def test_chunks_beside_the_image(file: Path) -> None:
    """Protects files with a profile and metadata; an orientation is not applied."""
    exif = Image.Exif()
    exif[0x0112] = 6
    data = webp(picture(20, 31, 8), exif=exif, icc_profile=b"profile", xmp=b"<x/>")
    check(file, data)
    assert decode_file(file).shape == (20, 31, 3)


def test_library_is_that_of_pillow() -> None:
    """Protects the claim that one library makes both: the same release of libwebp."""
    from PIL import features

    assert _native.build_info()["libwebp"] == features.version_module("webp")
