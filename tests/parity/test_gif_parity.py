"""GIF files give the pixels that Pillow's convert("RGB") gives, byte for byte."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from bitmaps import gif
from hypothesis import given, settings
from hypothesis import strategies as st
from images import picture, pillow_rgb
from PIL import Image

from biobench.decode.native import decode_file

SIDES = st.one_of(st.integers(1, 12), st.integers(1, 90))
SWALLOWING = b"!\xf9\0"
"""An extension that ends where it begins: Pillow then takes what comes next for its content."""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gif") / "image.gif"


def check(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    np.testing.assert_array_equal(decode_file(file), pillow_rgb(data))


@settings(max_examples=100)
@given(
    height=SIDES,
    width=SIDES,
    seed=st.integers(0, 2**32),
    colours=st.sampled_from([2, 3, 16, 100, 256]),
    options=st.fixed_dictionaries(
        {"interlace": st.integers(0, 1)},
        optional={"transparency": st.integers(0, 3), "comment": st.binary(max_size=600)},
    ),
)
def test_as_pillow_writes(
    file: Path, height: int, width: int, seed: int, colours: int, options: dict
) -> None:
    """Protects the files that Pillow itself writes."""
    out = io.BytesIO()
    image = Image.fromarray(picture(height, width, seed)).quantize(colours)
    image.save(out, "GIF", **options)
    check(file, out.getvalue())


@pytest.mark.parametrize("disposal", [0, 1, 2, 3])
@pytest.mark.parametrize("mode", ["P", "L", "RGB", "RGBA"])
def test_animation(file: Path, mode: str, disposal: int) -> None:
    """Protects animated files: the first image counts."""
    frames = [Image.fromarray(picture(20, 30, seed)).convert(mode) for seed in (1, 2, 3)]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], disposal=disposal, loop=0)
    check(file, out.getvalue())


def palette(bits: int, seed: int) -> bytes:
    """Colours of a seed; of every third one the gray scale, which counts as no palette."""
    if seed % 3 == 0:
        return bytes(value for value in range(1 << bits) for _ in range(3))
    return picture(1, 1 << bits, seed).tobytes()


@settings(max_examples=200)
@given(
    size=st.tuples(SIDES, SIDES),
    corner=st.tuples(st.integers(0, 6), st.integers(0, 6)),
    screen=st.tuples(st.integers(0, 100), st.integers(0, 100)),
    bits=st.integers(1, 8),
    interlaced=st.booleans(),
    palettes=st.tuples(st.integers(0, 8), st.integers(0, 8)),
    clears=st.sampled_from([0, 0, 1, 50]),
    extensions=st.lists(
        st.sampled_from(
            [
                b"!\xf9\x04\x01\0\0\x02\0",
                b"!\xf9\x04\0\0\0\x03\0",
                b"!\xfe\x02hi\0",
                b"!\xfe\0",
                b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0",
                b"!\x01\x03abc\x01d\0",
                b"\0",
            ]
        ),
        max_size=3,
    ),
    seed=st.integers(0, 2**32),
)
def test_every_layout(
    file: Path,
    size: tuple[int, int],
    corner: tuple[int, int],
    screen: tuple[int, int],
    bits: int,
    interlaced: bool,
    palettes: tuple[int, int],
    clears: int,
    extensions: list[bytes],
    seed: int,
) -> None:
    """Protects the place of the image on the screen, which palette counts, passes and blocks."""
    random = np.random.Generator(np.random.PCG64(seed))
    pixels = random.integers(0, 1 << bits, size[0] * size[1]) // random.integers(1, 4)
    data = gif(
        [int(value) for value in pixels],
        (*corner, *size),
        screen=screen,
        bits=bits,
        interlaced=interlaced,
        global_palette=palette(palettes[0], seed) if palettes[0] else b"",
        local_palette=palette(palettes[1], seed + 1) if palettes[1] else b"",
        extensions=b"".join(extensions),
        clears=clears,
    )
    check(file, data)


@pytest.mark.parametrize(
    "extension",
    [
        SWALLOWING + b"\x02ab\0",
        SWALLOWING + b"\0",
        b"!\x07\0\x03abc\0",
        b"!\xff\x0bNETSCAPE2.0\0\x02ab\0",
    ],
)
def test_extensions_that_swallow(file: Path, extension: bytes) -> None:
    """Protects Pillow's reading of an extension that has no content, or has ended already."""
    data = gif(
        [0, 1, 2, 3] * 6,
        (0, 0, 6, 4),
        screen=(6, 4),
        bits=2,
        global_palette=palette(2, 1),
        extensions=extension,
    )
    check(file, data)


def test_end_before_the_image_is_complete(file: Path) -> None:
    """Protects complete images: what is missing is not filled."""
    data = gif([1] * 20, (0, 0, 5, 5), screen=(5, 5), bits=2, global_palette=palette(2, 1))
    file.write_bytes(data)
    with pytest.raises(ValueError, match="truncated"):
        decode_file(file)
    with pytest.raises(OSError, match="truncated"):
        pillow_rgb(data)
