"""All formats through the loader: their crops, their refusals, and who decodes them."""

from __future__ import annotations

import hashlib
import io
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from images import picture, pillow_of, recipe
from PIL import Image, ImageFile
from tiffs import LZW, tiff

from biobench.decode import pillow
from biobench.decode.definition import decode_reference
from biobench.decode.native import NO_DIGEST, decode_batch, decode_file
from biobench.decode.pillow import FORMATS
from biobench.errors import DataError
from biobench.native import ImageLoader

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


@pytest.mark.slow
@settings(max_examples=150 * settings.default.max_examples // 100)
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


OWN_FILES = sorted(
    path
    for path in (Path(__file__).parents[2] / "tools" / "vectors" / "images").iterdir()
    if path.suffix in {".webp", ".gif", ".bmp", ".tif"}
)
"""Files of every kind that the vectors have: palettes, run lengths, planes, animations, damage."""


def odd_modes() -> dict[str, bytes]:
    """Files as Pillow writes them, of modes, tags and numbers of frames that are seldom."""
    colour = Image.fromarray(picture(33, 47, 3, 4))
    frames = [Image.fromarray(picture(33, 47, seed)) for seed in (5, 6)]
    turned = Image.Exif()
    turned[0x0112] = 6
    wanted: list[tuple[str, str, dict[str, object]]] = [
        *[("TIFF", m, {}) for m in ("1", "L", "LA", "P", "PA", "RGBA", "CMYK", "I;16", "I", "F")],
        *[("TIFF", m, {"compression": "tiff_lzw"}) for m in ("1", "P", "CMYK", "I;16")],
        ("TIFF", "RGB", {"exif": turned}),
        ("TIFF", "RGB", {"compression": "jpeg"}),
        ("TIFF", "RGB", {"save_all": True, "append_images": frames}),
        ("WEBP", "RGB", {"exif": turned, "quality": 60}),
        ("WEBP", "RGBA", {"lossless": True, "exact": True}),
        ("WEBP", "RGBA", {"save_all": True, "append_images": frames}),
        *[("GIF", m, {}) for m in ("1", "L", "P", "RGB", "RGBA")],
        *[
            ("GIF", m, {"save_all": True, "append_images": frames, "disposal": d})
            for m in ("L", "P", "RGB", "RGBA")
            for d in (1, 2, 3)
        ],
        *[("BMP", m, {}) for m in ("1", "L", "P", "RGB", "RGBA")],
    ]
    files = {}
    for number, (kind, mode, options) in enumerate(wanted):
        out = io.BytesIO()
        if mode == "I;16":
            colour.convert("L").convert("I").convert(mode).save(out, kind, **options)
        else:
            colour.convert(mode).save(out, kind, **options)
        files[f"{number:02} {kind} {mode}"] = out.getvalue()
    return files


def plain_crop(data: bytes) -> np.ndarray | None:
    """The crop of :data:`SMALL` by Pillow alone, without a line of ours."""
    pixels = pillow_of(data)
    if pixels is None:
        return None
    image = Image.fromarray(pixels).resize((16, 16), Image.Resampling.BICUBIC)
    return np.asarray(image)


SMALL = recipe(mode="squash", size=(16, 16), crop=(16, 16))


@pytest.mark.parametrize("path", OWN_FILES, ids=lambda path: path.name)
def test_files_of_the_vectors(path: Path) -> None:
    """Protects equality with Pillow for every kind of file, and the refusal of those it refuses."""
    batch = decode_batch([path], SMALL, workers=1)
    expected = plain_crop(path.read_bytes())
    if expected is None or path.name.startswith("refused-"):
        assert len(batch.failures) == 1
    else:
        np.testing.assert_array_equal(batch.pixels[0], expected)


def test_odd_modes(tmp_path: Path) -> None:
    """Protects odd modes, orientation (of TIFF alone) and the first of several frames, in one batch
    of several threads."""
    files = odd_modes()
    paths = [tmp_path / name for name in files]
    for path, data in zip(paths, files.values(), strict=True):
        path.write_bytes(data)
    batch = decode_batch(paths, SMALL, workers=2)
    assert batch.failures == []
    for path, data, crop in zip(paths, files.values(), batch.pixels, strict=True):
        np.testing.assert_array_equal(crop, plain_crop(data), err_msg=path.name)
    turned = next(path for path in paths if files[path.name].startswith(b"RIFF"))
    assert decode_file(turned).shape == (33, 47, 3)


def test_damaged_files_are_as_the_definition_says(tmp_path: Path) -> None:
    """Protects the one rule for damage: the loader refuses just what the definition refuses, and
    gives the same pixels otherwise. 400 files, cut or changed."""
    random = np.random.Generator(np.random.PCG64(19))
    whole = [path.read_bytes() for path in OWN_FILES]
    paths = []
    for number in range(400):
        data = bytearray(whole[number % len(whole)])
        if number % 3 == 0:
            data = data[: int(random.integers(1, len(data)))]
        else:
            for place in random.integers(0, len(data), int(random.integers(1, 4))):
                data[place] ^= 1 << int(random.integers(8))
        paths.append(tmp_path / f"{number:03}")
        paths[-1].write_bytes(data)
    batch = decode_batch(paths, SMALL, workers=2)
    reasons = {failure.index: failure for failure in batch.failures}
    assert 100 < len(reasons) < 300
    for index, path in enumerate(paths):
        try:
            expected = decode_reference(path, SMALL)
        except DataError:
            expected = None
        if expected is None:
            assert reasons[index].kind not in {"internal", "memory", "cancelled"}
        else:
            assert index not in reasons, reasons[index]
            np.testing.assert_array_equal(batch.pixels[index], expected)


def test_a_mixed_folder(tmp_path: Path) -> None:
    """Protects order, digests and reports of formats that are decoded by different hands, with one
    worker and with several; and that the bytes which are hashed are those that are decoded."""
    paths = []
    for number in range(48):
        kind = FORMATS[number % len(FORMATS)]
        paths.append(tmp_path / f"{number:02}.{kind.lower()}")
        Image.fromarray(picture(20 + number, 90 - number, number)).save(paths[-1], kind)
    paths[9].write_bytes(b"GIF89a")
    paths[16].write_bytes(paths[16].read_bytes()[:300])
    found = []
    for workers, batch_size in ((1, 48), (4, 5), (4, 48)):
        options = {"workers": workers, "batch_size": batch_size, "hash_files": True}
        batches = list(ImageLoader(paths, SMALL, on_error="report", **options))
        found.append(
            (
                np.concatenate([batch.array for batch in batches]).tobytes(),
                [digest for batch in batches for digest in batch.digests],
                [failure for batch in batches for failure in batch.failures],
                [file for batch in batches for file in batch.files],
            )
        )
    assert found[0] == found[1] == found[2]
    _, digests, failures, files = found[0]
    assert [failure.index for failure in failures] == [9, 16]
    assert digests[9] == NO_DIGEST
    for path, file in zip(paths, files, strict=True):
        assert file is not None
        assert file[0] == hashlib.sha256(path.read_bytes()).digest()
    with pytest.raises(DataError, match="2 images cannot be read"):
        list(ImageLoader(paths, SMALL, batch_size=48))


def test_warnings_of_pillow_stay_inside(tmp_path: Path) -> None:
    """Protects verdicts from a program that turns warnings into errors, and the program's own
    warnings from us."""
    path = tmp_path / "image.tif"
    # A tag with two values where one is expected: Pillow warns of it and reads on.
    path.write_bytes(tiff(picture(9, 9, 1), 8, 2, tags={278: [9, 9]}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decode_batch([path] * 8, SMALL, workers=2).failures == []
        with pytest.raises(UserWarning, match="of our own"):
            warnings.warn("of our own", UserWarning, stacklevel=1)
        with pytest.raises(UserWarning), Image.open(path) as image:
            image.load()


@pytest.mark.parametrize(
    ("module", "name", "value"),
    [(ImageFile, "LOAD_TRUNCATED_IMAGES", True), (Image, "MAX_IMAGE_PIXELS", 10)],
)
def test_settings_of_pillow_that_decide_pixels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: object, name: str, value: object
) -> None:
    """Protects what is defined from a program that has Pillow fill truncated files, as many do."""
    path = tmp_path / "image.gif"
    write(path, picture(9, 9, 1), "GIF")
    assert decode_batch([path], SMALL, workers=1).failures == []
    monkeypatch.setattr(module, name, value)
    (failure,) = decode_batch([path], SMALL, workers=1).failures
    assert name in failure.message
    # Whatever the program says of larger images, ours have a limit.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", False)
    assert decode_batch([path], SMALL, workers=1).failures == []


def test_a_fault_of_the_decoder_is_an_internal_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects the rest of a batch from a fault of our own, and its name from Pillow's."""
    path, good = tmp_path / "image.gif", tmp_path / "image.png"
    write(path, picture(9, 9, 1), "GIF")
    write(good, picture(9, 9, 1), "PNG")

    def broken(*_: object) -> bytes:
        raise KeyError("broken")

    for name, kind, fault in (
        ("open", "internal", broken),
        ("open", "internal", lambda *_: None),
        ("open", "memory", lambda *_: (_ for _ in ()).throw(MemoryError())),
    ):
        monkeypatch.setattr(pillow.PillowDecoder, name, fault)
        batch = decode_batch([good, path, good], SMALL, workers=2)
        assert [(failure.index, failure.kind) for failure in batch.failures] == [(1, kind)]
    monkeypatch.undo()
    for fault in (broken, lambda *_: b"", lambda *_: "text"):
        monkeypatch.setattr(pillow.PillowImage, "rows", fault)
        batch = decode_batch([good, path, good], SMALL, workers=2)
        assert [(failure.index, failure.kind) for failure in batch.failures] == [(1, "internal")]


def test_limits_of_the_other_formats(tmp_path: Path) -> None:
    """Protects time and memory: bombs are refused by what their headers say."""
    chunks = b"RIFF\0\0\0\x01WEBPVP8X\x0a\0\0\0" + bytes(10) + bytes(8 * ((1 << 20) + 1))
    comments = b"GIF89a\1\0\1\0\0\0\0!\xfe" + (b"\xff" + bytes(255)) * 5000
    canvas = b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0" + b"\xff" * 6
    side = b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\1\0\1\0\0\2\2L\1\0;"
    strip = tiff(np.zeros((1, 8, 1), np.int64), 8, 1, tags={256: [1_000_001]})
    for number, (data, message) in enumerate(
        [
            (chunks, "the number of chunks 1048577 exceeds the limit of 1048576"),
            (comments, "bytes before the first image"),
            (canvas, "bomb"),
            (side, "bomb"),
            (strip, "the longer side in pixels 1000001 exceeds the limit of 1000000"),
        ]
    ):
        path = tmp_path / str(number)
        path.write_bytes(data)
        (failure,) = decode_batch([path], SMALL, workers=1).failures
        assert message in failure.message
        with pytest.raises(DataError, match=message):
            decode_reference(path, SMALL)
