"""TIFF files give the pixels that Pillow's convert("RGB") gives, byte for byte."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from images import picture, pillow_of
from PIL import Image
from tiffs import DEFLATE, JPEG, LZW, NONE, OLD_DEFLATE, PACK_BITS, Samples, tiff

from biobench.decode.native import decode_file

SIDES = st.one_of(st.integers(1, 20), st.integers(1, 90))
LOSSLESS = [NONE, LZW, DEFLATE, OLD_DEFLATE, PACK_BITS]

GRAY, RGB, PALETTE, CMYK, YCBCR, CIELAB = 1, 2, 3, 5, 6, 8
INVERTED = 0

KINDS: list[dict[str, Any]] = [
    *[{"photometric": p, "bits": b} for p in (INVERTED, GRAY) for b in (1, 2, 4, 8)],
    *[{"photometric": GRAY, "bits": bits} for bits in (12, 16, 32)],
    {"photometric": INVERTED, "bits": 16},
    *[{"photometric": GRAY, "bits": bits, "sample_format": 2} for bits in (8, 16, 32)],
    *[{"photometric": p, "bits": 32, "sample_format": 3} for p in (INVERTED, GRAY)],
    *[{"photometric": GRAY, "bits": 8, "extra": (meaning,)} for meaning in (0, 2)],
    *[{"photometric": PALETTE, "bits": bits} for bits in (1, 2, 4, 8)],
    *[{"photometric": PALETTE, "bits": 8, "extra": (meaning,)} for meaning in (0, 2)],
    *[{"photometric": RGB, "bits": bits} for bits in (8, 16)],
    *[{"photometric": RGB, "bits": b, "extra": (m,)} for b in (8, 16) for m in (0, 1, 2)],
    {"photometric": RGB, "bits": 8, "extra": (999,)},
    *[{"photometric": RGB, "bits": 8, "extra": (m, 0)} for m in (0, 1, 2)],
    *[{"photometric": RGB, "bits": 8, "extra": (m, 0, 0)} for m in (0, 1, 2)],
    *[{"photometric": CMYK, "bits": bits} for bits in (8, 16)],
    *[{"photometric": CMYK, "bits": 8, "extra": extra} for extra in ((0,), (0, 0))],
]
"""Every kind of samples that Pillow reads in one plane, but what is refused by name."""

NAMED = ["CIELAB", "YCbCr", "separate planes", "high byte first", "lowest bit first"]
"""Files that Pillow reads, or misreads, and we refuse by name."""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tiff") / "image.tif"


def ours_of(file: Path) -> tuple[np.ndarray | None, str]:
    try:
        return decode_file(file), ""
    except ValueError as error:
        return None, str(error)


def check(file: Path, data: bytes) -> None:
    """A file that both read."""
    file.write_bytes(data)
    expected = pillow_of(data)
    assert expected is not None
    np.testing.assert_array_equal(decode_file(file), expected)


def check_odd(file: Path, data: bytes) -> None:
    """A file that one may refuse: we where Pillow does, and what we know by name."""
    file.write_bytes(data)
    expected = pillow_of(data)
    found, message = ours_of(file)
    if found is None:
        assert expected is None or any(name in message for name in NAMED)
    else:
        assert expected is not None
        np.testing.assert_array_equal(found, expected)


def drawn(kind: dict[str, Any], size: tuple[int, int], seed: int) -> Samples:
    """Samples of a kind. Small values of wide ones are the interesting ones: gray is clipped."""
    colours = {RGB: 3, CMYK: 4, YCBCR: 3, CIELAB: 3}.get(kind["photometric"], 1)
    shape = (*size, colours + len(kind.get("extra", ())))
    random = np.random.Generator(np.random.PCG64(seed))
    if kind.get("sample_format") == 3:
        return random.normal(100, 150, shape).astype(np.float32)
    if kind["bits"] == 8:
        return picture(*shape[:2], seed, shape[2]).astype(np.int64)
    values = random.integers(0, 1 << kind["bits"], shape, dtype=np.int64)
    return values >> random.integers(0, max(1, kind["bits"] - 7))


def colour_map(bits: int, seed: int) -> list[int]:
    random = np.random.Generator(np.random.PCG64(seed))
    return [int(value) for value in random.integers(0, 1 << 16, 3 << bits)]


def written(kind: dict[str, Any], size: tuple[int, int], seed: int, **options: Any) -> bytes:
    tags = dict(options.pop("tags", {}))
    if kind["photometric"] == PALETTE:
        tags[320] = colour_map(kind["bits"], seed)
    return tiff(drawn(kind, size, seed), **kind, tags=tags, **options)


@settings(max_examples=250 * settings.default.max_examples // 100)
@given(
    kind=st.sampled_from(KINDS),
    size=st.tuples(SIDES, SIDES),
    seed=st.integers(0, 2**32),
    options=st.fixed_dictionaries(
        {
            "compression": st.sampled_from([NONE, *LOSSLESS]),
            "order": st.sampled_from("<>"),
            "big": st.booleans(),
            "separate": st.sampled_from([False, False, True]),
            "fill_order": st.sampled_from([1, 1, 1, 2]),
            "backwards": st.booleans(),
        },
        optional={
            "tile": st.tuples(st.integers(1, 40), st.sampled_from([16, 32, 48, 20, 7])),
            "rows_per_strip": st.integers(1, 40),
        },
    ),
    orientation=st.sampled_from([None, None, *range(10)]),
    differences=st.booleans(),
)
def test_any_combination(
    file: Path,
    kind: dict[str, Any],
    size: tuple[int, int],
    seed: int,
    options: dict[str, Any],
    orientation: int | None,
    differences: bool,
) -> None:
    """Protects all that may come together: Pillow's pixels, or its refusal, or a named one."""
    if options["compression"] in {LZW, DEFLATE, OLD_DEFLATE} and kind.get("sample_format") != 3:
        options["differences"] = differences
    tags = {} if orientation is None else {274: [orientation]}
    check_odd(file, written(kind, size, seed, tags=tags, **options))


@pytest.mark.parametrize("compression", [LZW, DEFLATE])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("separate", [False, True])
def test_differences(file: Path, separate: bool, bits: int, order: Any, compression: int) -> None:
    """Protects rows of differences: apart by the samples of a pixel, in the order of the file."""
    kind = {"photometric": RGB, "bits": bits}
    options = {"differences": True, "separate": separate, "order": order}
    for layout in ({"rows_per_strip": 5}, {"tile": (16, 16)}):
        check(file, written(kind, (19, 23), 3, compression=compression, **options, **layout))


def jpeg_of(mode: str, **options: Any) -> Callable[[Samples], bytes]:
    """Makes the JPEG of a strip or tile."""

    def encode(part: Samples) -> bytes:
        out = io.BytesIO()
        height, width, _ = part.shape
        image = Image.frombytes(mode, (width, height), part.astype(np.uint8).tobytes())
        image.save(out, "JPEG", **options)
        return out.getvalue()

    return encode


@settings(max_examples=150 * settings.default.max_examples // 100)
@given(
    photometric=st.sampled_from([INVERTED, GRAY, RGB, CMYK, YCBCR, YCBCR]),
    size=st.tuples(SIDES, SIDES),
    seed=st.integers(0, 2**32),
    layout=st.one_of(
        st.fixed_dictionaries({"rows_per_strip": st.sampled_from([8, 16, 40])}),
        st.fixed_dictionaries({"tile": st.sampled_from([(16, 16), (32, 48), (16, 64)])}),
    ),
    subsampling=st.sampled_from([0, 1, 2]),
    quality=st.sampled_from([10, 60, 95]),
    separate=st.booleans(),
    shared_tables=st.booleans(),
    progressive=st.sampled_from([False, False, False, True]),
)
def test_jpeg(
    file: Path,
    photometric: int,
    size: tuple[int, int],
    seed: int,
    layout: dict[str, Any],
    subsampling: int,
    quality: int,
    separate: bool,
    shared_tables: bool,
    progressive: bool,
) -> None:
    """Protects JPEG in strips and tiles: what its components mean, subsampling, shared tables."""
    mode = {RGB: "RGB", CMYK: "CMYK", YCBCR: "RGB"}.get(photometric, "L")
    separate = separate and photometric != YCBCR
    options: dict[str, Any] = {"quality": quality, "progressive": progressive}
    if mode == "RGB" and not separate:
        options |= {"subsampling": subsampling} if photometric == YCBCR else {"keep_rgb": True}
    data = tiff(
        drawn({"photometric": photometric, "bits": 8}, size, seed),
        8,
        photometric,
        compression=JPEG,
        separate=separate,
        encode=jpeg_of("L" if separate else mode, **options),
        shared_tables=shared_tables and not progressive,
        **layout,
    )
    # With fewer rows or columns than a sample of colour covers libtiff refuses the file.
    check_odd(file, data)
    if min(size) > 1:
        check(file, data)


@pytest.mark.parametrize("orientation", range(10))
@pytest.mark.parametrize("where", ["tag", "packet", "element"])
@pytest.mark.parametrize("compression", [NONE, LZW])
def test_orientation_is_applied(file: Path, orientation: int, where: str, compression: int) -> None:
    """Protects Pillow's rule for TIFF alone: the image is turned, by the tag or by XMP."""
    spelling = "<tiff:Orientation>%d<" if where == "element" else '<x tiff:Orientation="%d"/>'
    tags = {274: [orientation]} if where == "tag" else {700: (spelling % orientation).encode()}
    kind = {"photometric": RGB, "bits": 8}
    check(file, written(kind, (5, 7), 4, tags=tags, compression=compression, rows_per_strip=2))
    turned = orientation in {5, 6, 7, 8}
    assert decode_file(file).shape == ((7, 5, 3) if turned else (5, 7, 3))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "I;16", "F"])
@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_as_pillow_writes(file: Path, mode: str, compression: str | None) -> None:
    """Protects the files that Pillow itself writes; of several pages the first counts."""
    pages = [Image.fromarray(picture(33, 47, seed)) for seed in (1, 2)]
    if mode == "I;16":
        pages = [page.convert("L").convert("I").convert(mode) for page in pages]
    else:
        pages = [page.convert(mode) for page in pages]
    out = io.BytesIO()
    pages[0].save(out, "TIFF", compression=compression, save_all=True, append_images=pages[1:])
    check(file, out.getvalue())


@pytest.mark.parametrize("order", ["<", ">"])
def test_header_with_exchanged_bytes(file: Path, order: Any) -> None:
    """Protects files that Pillow reads in spite of their header, and libtiff does not."""
    kind = {"photometric": RGB, "bits": 8}
    for compression in (NONE, LZW):
        data = written(kind, (5, 7), 4, order=order, compression=compression)
        check_odd(file, data[:2] + data[3:1:-1] + data[4:])


@pytest.mark.parametrize("left_out", [258, 262, 266, 277, 278, 279, 284])
@pytest.mark.parametrize("compression", [NONE, DEFLATE])
def test_missing_tags(file: Path, left_out: int, compression: int) -> None:
    """Protects what is taken where a tag is missing. libtiff estimates lengths, we do not."""
    for kind in ({"photometric": GRAY, "bits": 8}, {"photometric": GRAY, "bits": 1}):
        data = written(kind, (9, 11), 5, compression=compression, tags={left_out: None})
        if left_out == 279 and compression != NONE:
            file.write_bytes(data)
            with pytest.raises(ValueError, match="lengths of strips or tiles are missing"):
                decode_file(file)
        else:
            check_odd(file, data)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"compression": 2}, "TIFF that is compressed with tiff_ccitt is not read"),
        ({"compression": 4}, "with group4"),
        ({"compression": 6}, "with tiff_jpeg"),
        ({"compression": 34925}, "with lzma"),
        ({"compression": 50000}, "with zstd"),
        ({"compression": 50001}, "with webp"),
        ({"compression": 9999}, "Pillow cannot read it"),
        ({"photometric": YCBCR}, "YCbCr that is not compressed with JPEG"),
        ({"photometric": CIELAB}, "in the colours of CIELAB"),
        ({"separate": True, "bits": 16}, "in separate planes"),
        ({"compression": LZW, "tags": {317: [3]}}, "the predictor of floating point"),
    ],
)
def test_refused_by_name(file: Path, changes: dict[str, Any], message: str) -> None:
    """Protects the messages for what Pillow reads and we do not."""
    kind = {"photometric": RGB, "bits": 8} | changes
    file.write_bytes(tiff(drawn(kind, (8, 8), 1), **kind))
    with pytest.raises(ValueError, match=message):
        decode_file(file)


def test_signed_samples_that_pillow_misreads(file: Path) -> None:
    """Protects the refusal: compressed, with the high byte first, Pillow turns the bytes twice."""
    kind = {"photometric": GRAY, "bits": 16, "sample_format": 2}
    data = written(kind, (8, 8), 1, order=">", compression=LZW)
    file.write_bytes(data)
    with pytest.raises(ValueError, match="high byte first is not read"):
        decode_file(file)
    assert not np.array_equal(pillow_of(data), np.clip(drawn(kind, (8, 8), 1), 0, 255))


def test_missing_strips_are_not_black(file: Path) -> None:
    """Protects complete images: Pillow fills what has no strip, we refuse the file."""
    data = written({"photometric": GRAY, "bits": 8}, (8, 8), 1, rows_per_strip=4)
    directory = data.index(b"\x11\x01\x04\0\x02\0\0\0")
    file.write_bytes(data[: directory + 4] + b"\x01" + data[directory + 5 :])
    with pytest.raises(ValueError, match="1 strips or tiles where 2 are expected"):
        decode_file(file)


def test_tile_much_larger_than_the_image(file: Path) -> None:
    """Protects time and memory: tiles of a small image must not be huge."""
    kind = {"photometric": GRAY, "bits": 8}
    data = written(kind, (8, 8), 1, compression=DEFLATE, tile=(16, 16))
    huge = data.replace(
        b"\x42\x01\x04\0\x01\0\0\0\x10\0\0\0", b"\x42\x01\x04\0\x01\0\0\0\0\0\0\x10"
    )
    assert huge != data
    file.write_bytes(huge)
    with pytest.raises(ValueError, match="the number of pixels of all tiles"):
        decode_file(file)


def test_strips_over_each_other(file: Path) -> None:
    """Protects time: a small file may not have its strips read over and over."""
    rows = 9_000
    # PackBits takes this byte for nothing.
    nothing = bytes([0x80]) * (1 << 20)
    tags = {273: [80_000] * rows, 279: [len(nothing)] * rows}
    values = {**tags, 256: [1], 257: [rows], 258: [8], 259: [PACK_BITS], 262: [GRAY], 278: [1]}
    file.write_bytes(directory_of(values) + nothing)
    with pytest.raises(ValueError, match="the number of bytes of all strips or tiles"):
        decode_file(file)


@pytest.mark.parametrize(("side", "message"), [(8_000, "Pillow cannot"), (15_008, "of a tile")])
def test_tile_of_a_jpeg(file: Path, side: int, message: str) -> None:
    """Protects memory: a JPEG is no larger in a TIFF than by itself."""
    values = {256: [8_000], 257: [8_000], 258: [8], 259: [JPEG], 262: [GRAY], 277: [1]}
    file.write_bytes(directory_of({**values, 322: [side], 323: [side], 324: [0], 325: [4]}))
    with pytest.raises(ValueError, match=message):
        decode_file(file)


def directory_of(values: dict[int, list[int]]) -> bytes:
    """Header and directory of a TIFF, without pixels."""
    start = 8 + 2 + 12 * len(values) + 4
    entries, behind = b"", b""
    for tag, numbers in sorted(values.items()):
        stored = struct.pack(f"<{len(numbers)}I", *numbers)
        if len(stored) > 4:
            place = struct.pack("<I", start + len(behind))
            behind, stored = behind + stored, place
        entries += struct.pack("<HHI", tag, 4, len(numbers)) + stored
    return struct.pack("<2sHIH", b"II", 42, 8, len(values)) + entries + bytes(4) + behind
