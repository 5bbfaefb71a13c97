"""BMP files give the pixels that Pillow's convert("RGB") gives, byte for byte."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bitmaps import BITFIELDS, RLE4, RLE8, Bmp, run_lengths, stride
from hypothesis import given, settings
from hypothesis import strategies as st
from images import picture, pillow_rgb
from PIL import Image

from biobench.decode.native import decode_file

SIDES = st.one_of(st.integers(1, 12), st.integers(1, 70))
HEADERS = [40, 52, 56, 64, 108, 124]
MASKS = [
    (32, (0xFF0000, 0xFF00, 0xFF, 0)),
    (32, (0xFF000000, 0xFF0000, 0xFF00, 0)),
    (32, (0xFF000000, 0xFF00, 0xFF, 0)),
    (32, (0xFF000000, 0xFF0000, 0xFF00, 0xFF)),
    (32, (0xFF, 0xFF00, 0xFF0000, 0xFF000000)),
    (32, (0xFF0000, 0xFF00, 0xFF, 0xFF000000)),
    (32, (0xFF000000, 0xFF00, 0xFF, 0xFF0000)),
    (32, (0, 0, 0, 0)),
    (24, (0xFF0000, 0xFF00, 0xFF, 0)),
    (16, (0xF800, 0x7E0, 0x1F, 0)),
    (16, (0x7C00, 0x3E0, 0x1F, 0x8000)),
]
"""Bits a pixel, and masks that Pillow knows."""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bmp") / "image.bmp"


def pillow_of(data: bytes) -> np.ndarray | None:
    """Pillow raises anything at all for odd files; every exception means: refused."""
    try:
        return pillow_rgb(data)
    except Exception:  # noqa: BLE001
        return None


def check(file: Path, image: Bmp, *, good: bool = True) -> None:
    """Pillow's pixels; where not all are good, refused where Pillow refuses."""
    data = image.data()
    file.write_bytes(data)
    expected = pillow_of(data)
    if good:
        assert expected is not None
    if expected is None:
        with pytest.raises(ValueError, match=r"BMP|damaged|truncated|run-length"):
            decode_file(file)
    else:
        np.testing.assert_array_equal(decode_file(file), expected)


def some(count: int, seed: int) -> bytes:
    return np.random.Generator(np.random.PCG64(seed)).bytes(count)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA"])
def test_as_pillow_writes(file: Path, mode: str) -> None:
    """Protects the files that Pillow itself writes, mode by mode."""
    out = io.BytesIO()
    Image.fromarray(picture(37, 41, 9)).convert(mode).save(out, "BMP")
    file.write_bytes(out.getvalue())
    np.testing.assert_array_equal(decode_file(file), pillow_rgb(out.getvalue()))


@settings(max_examples=200)
@given(
    height=SIDES,
    width=SIDES,
    bits=st.sampled_from([1, 4, 8, 16, 24, 32]),
    header=st.sampled_from([12, *HEADERS]),
    top_down=st.booleans(),
    gap=st.integers(0, 5),
    seed=st.integers(0, 2**32),
)
def test_every_depth(
    file: Path, height: int, width: int, bits: int, header: int, top_down: bool, gap: int, seed: int
) -> None:
    """Protects every number of bits and every header, those of OS/2 too, either way up."""
    colour = 3 if header == 12 else 4
    image = Bmp(
        width,
        height,
        bits,
        pixels=some(stride(width, bits) * height, seed),
        header=header,
        top_down=top_down,
        palette=some(colour << bits, seed + 1) if bits <= 8 else b"",
        gap=bytes(gap),
    )
    check(file, image)


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize(("bits", "masks"), MASKS)
def test_bit_fields(file: Path, bits: int, masks: tuple[int, int, int, int], header: int) -> None:
    """Protects the masks that Pillow knows. Some need a header that has one for alpha."""
    pixels = some(stride(19, bits) * 7, 5)
    image = Bmp(19, 7, bits, pixels=pixels, header=header, compression=BITFIELDS, masks=masks)
    check(file, image, good=False)
    if header >= 56 or not masks[3]:
        check(file, image)


@settings(max_examples=150)
@given(
    height=SIDES,
    width=SIDES,
    nibbles=st.booleans(),
    top_down=st.booleans(),
    gap=st.integers(0, 1),
    seed=st.integers(0, 2**32),
    more=st.binary(max_size=6),
)
def test_run_lengths(
    file: Path,
    height: int,
    width: int,
    nibbles: bool,
    top_down: bool,
    gap: int,
    seed: int,
    more: bytes,
) -> None:
    """Protects run-length coding: every command, padding by the place in the file, odd ends."""
    random = np.random.Generator(np.random.PCG64(seed))
    bits = 4 if nibbles else 8
    pixels = run_lengths(random, width, height, nibbles)
    image = Bmp(
        width,
        height,
        bits,
        pixels=pixels,
        compression=RLE4 if nibbles else RLE8,
        top_down=top_down,
        palette=some(4 << bits, seed),
        gap=bytes(gap),
    )
    check(file, image, good=False)
    # Bytes at some place that were no part of the picture.
    at = int(random.integers(0, len(pixels)))
    check(file, replace(image, pixels=pixels[:at] + more + pixels[at:]), good=False)


def test_complete_run_lengths(file: Path) -> None:
    """Protects the test above: a file without an early end is read."""
    pixels = b"\x05\x07\0\0\0\x03\x01\x02\x03\0\x02\x04\0\0\x01\x09\0\x02\x03\0\x01\x08\0\1"
    image = Bmp(5, 3, 8, pixels=pixels, compression=RLE8, palette=some(1024, 3))
    check(file, image)


@pytest.mark.parametrize("header", [12, 40])
@pytest.mark.parametrize("bits", [1, 4, 8])
@pytest.mark.parametrize("colours", [0, 1, 2, 5, 16, 256, 257, 300])
@pytest.mark.parametrize("kind", ["gray", "ends", "scaled", "colour"])
def test_palettes(file: Path, header: int, bits: int, colours: int, kind: str) -> None:
    """Protects palettes that Pillow takes for gray or for black and white, short and long ones."""
    step = {"gray": 1, "ends": 255, "scaled": 17, "colour": 0}[kind]
    count = 1 << bits if header == 12 or not colours else colours
    entries = [bytes([step * index % 256] * 3) for index in range(count)]
    if kind == "colour":
        entries = [some(3, index) for index in range(count)]
    for width in (3, 4, 21):
        image = Bmp(
            width,
            6,
            bits,
            pixels=some(stride(width, bits) * 6, colours),
            header=header,
            colours=colours,
            palette=b"".join(entry + bytes(header // 40) for entry in entries),
        )
        check(file, image, good=False)
        # The offset may not count the palette, or say nothing.
        for offset in (0, 14 + header):
            check(file, replace(image, offset=offset), good=False)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"compression": 4}, "compressed with JPEG is not read"),
        ({"compression": 5}, "compressed with PNG is not read"),
        ({"compression": 11}, "compressed with method 11 is not read"),
        ({"bits": 2}, "2 bits a pixel is not read"),
        ({"bits": 16, "compression": BITFIELDS, "masks": (0xF00, 0xF0, 0xF, 0)}, "masks"),
        ({"header": 80}, "header of 80 bytes is not read"),
    ],
)
def test_refused_by_name(file: Path, changes: dict, message: str) -> None:
    """Protects the messages for what Pillow refuses too."""
    data = replace(Bmp(3, 3, 24, pixels=bytes(36)), **changes).data()
    file.write_bytes(data)
    assert pillow_of(data) is None
    with pytest.raises(ValueError, match=message):
        decode_file(file)
