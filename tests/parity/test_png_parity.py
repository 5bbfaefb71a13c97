"""PNG files give the pixels that Pillow's convert("RGB") gives, byte for byte."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from images import CHANNELS, DEPTHS, chunk, picture, pillow_rgb, png
from PIL import Image

from biobench import _native

LAYOUTS = st.sampled_from([(c, b) for c, depths in DEPTHS.items() for b in depths])
SIDES = st.one_of(st.integers(1, 10), st.integers(1, 70))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("png") / "image.png"


def check(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = pillow_rgb(data)
    np.testing.assert_array_equal(_native.decode(file), expected)


def samples(height: int, width: int, colour: int, bits: int, seed: int) -> np.ndarray:
    random = np.random.Generator(np.random.PCG64(seed))
    values = random.integers(0, 1 << bits, (height, width, CHANNELS[colour]), dtype=np.uint16)
    # Small 16-bit values are the interesting ones: gray is clipped above 255.
    return values >> random.integers(0, bits) if bits == 16 else values


@settings(
    max_examples=250 * settings.default.max_examples // 100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    height=SIDES,
    width=SIDES,
    layout=LAYOUTS,
    interlaced=st.booleans(),
    filters=st.binary(min_size=1, max_size=5).map(lambda b: bytes(v % 5 for v in b)),
    split=st.sampled_from([7, 100, 1 << 20]),
    seed=st.integers(0, 2**32),
)
def test_every_layout(
    file: Path,
    height: int,
    width: int,
    layout: tuple[int, int],
    interlaced: bool,
    filters: bytes,
    split: int,
    seed: int,
) -> None:
    """Protects every colour type and depth, with every row filter, interlaced or not."""
    colour, bits = layout
    values = samples(height, width, colour, bits, seed)
    palette = picture(1, 1 << min(bits, 8), seed).tobytes()
    data = png(
        values, colour, bits, interlaced=interlaced, palette=palette, filters=filters, split=split
    )
    check(file, data)


PALETTES = st.sampled_from([1, 2, 4, 8]).flatmap(
    lambda bits: st.tuples(st.just(bits), st.integers(1, 1 << bits))
)
"""Bits a pixel, and at most as many colours as they can name."""


@settings(max_examples=60, deadline=None)
@given(palette=PALETTES, seed=st.integers(0, 999))
def test_short_palette(file: Path, palette: tuple[int, int], seed: int) -> None:
    """Protects palettes that do not define every index of the image."""
    bits, colours = palette
    values = samples(9, 11, 3, bits, seed)
    check(file, png(values, 3, bits, palette=picture(1, colours, seed).tobytes()))


@pytest.mark.parametrize(
    ("colour", "bits", "transparency"),
    [
        (0, 1, b"\0\1"),
        (0, 8, b"\0\7"),
        (0, 16, b"\0\7"),
        (2, 8, b"\0\1\0\2\0\3"),
        (2, 16, b"\0\1\0\2\0\3"),
        (3, 8, b"\xff\x00\x80"),
        (3, 4, b"\x00"),
    ],
)
def test_transparency_is_dropped(file: Path, colour: int, bits: int, transparency: bytes) -> None:
    """Protects the rule that transparency is dropped, not blended."""
    values = samples(12, 13, colour, bits, 5)
    palette = picture(1, 1 << min(bits, 8), 5).tobytes()
    check(file, png(values, colour, bits, palette=palette, transparency=transparency))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_as_pillow_writes(file: Path, mode: str) -> None:
    """Protects the files that Pillow itself writes, mode by mode."""
    image = Image.fromarray(picture(37, 41, 9))
    image = image.convert("L").convert("I").convert(mode) if mode == "I;16" else image.convert(mode)
    image.save(file, "PNG")
    check(file, file.read_bytes())


def test_animation(file: Path) -> None:
    """Protects animated files: the default image counts."""
    frames = [Image.fromarray(picture(20, 20, seed)) for seed in (1, 2, 3)]
    frames[0].save(file, "PNG", save_all=True, append_images=frames[1:], default_image=True)
    check(file, file.read_bytes())
    frames[0].save(file, "PNG", save_all=True, append_images=frames[1:])
    check(file, file.read_bytes())


def test_ancillary_chunks(file: Path) -> None:
    """Protects files with text, profiles and unknown chunks around the image data."""
    data = png(samples(5, 6, 2, 8, 1), 2, 8)
    extra = (
        chunk(b"tEXt", b"Comment\0hello")
        + chunk(b"gAMA", b"\0\0\xb1\x8f")
        + chunk(b"abCd", b"x" * 70)
    )
    at = data.index(b"IDAT") - 4
    end = data.index(b"IEND") - 4
    check(file, data[:at] + extra + data[at:end] + chunk(b"tEXt", b"A\0b") + data[end:])
