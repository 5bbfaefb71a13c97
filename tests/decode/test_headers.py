"""Headers of images: what they tell before anything is decoded, and formats beyond the
specification's."""

from __future__ import annotations

import importlib.util
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from biobench.decode import formats
from biobench.decode.headers import more_formats, read_headers
from biobench.decode.native import decode_file
from biobench.decode.recipe import Recipe
from biobench.errors import DataError
from biobench.models.recipes import image_recipe
from biobench.native import ImageLoader
from biobench.spec.generator import Stream

SPECIFIED = {"JPEG": "jpg", "PNG": "png", "WebP": "webp", "GIF": "gif", "BMP": "bmp", "TIFF": "tif"}
MORE = {"AVIF": "avif", "JPEG 2000": "jp2", "PPM": "ppm"}


def picture() -> Image.Image:
    values = Stream(3, "vectors/headers").integers(256, 40 * 48 * 3).reshape(40, 48, 3)
    return Image.fromarray(values.astype(np.uint8))


def written(folder: Path, name: str, suffix: str) -> str:
    path = folder / f"{name}.{suffix}"
    picture().save(path)
    return str(path)


@pytest.fixture
def recipe() -> Recipe:
    return image_recipe(size=32, crop=32, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))


def test_good_files_of_every_format(tmp_path: Path) -> None:
    """Protects: no file that can be decoded is called bad, and further formats are named once."""
    paths = [written(tmp_path, "a", suffix) for suffix in SPECIFIED.values()]
    assert read_headers(paths) == read_headers(paths[::-1])
    assert read_headers(paths).bad == {}
    assert read_headers(paths).formats == ()
    more = [written(tmp_path, name, suffix) for name in "ab" for suffix in MORE.values()]
    found = read_headers([*paths, *more])
    assert found.bad == {}
    assert found.formats == tuple(sorted(MORE))


def test_bad_files_have_the_reason_of_the_decoder(tmp_path: Path) -> None:
    """Protects: a file that no decoder takes is named with what is wrong, without its path."""
    good = Path(written(tmp_path, "a", "png")).read_bytes()
    size = struct.pack(">II", 300_000, 300_000)
    for name, data in {
        "empty.jpg": b"",
        "text.jpg": b"hello",
        "head.png": good[:20],
        "bomb.bmp": b"BM" + bytes(16) + struct.pack("<ii", 1 << 20, 1 << 20) + bytes(40),
        "wide.png": good[:16] + size + good[24:],
    }.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "folder.jpg").mkdir()
    names = [path.name for path in sorted(tmp_path.iterdir())]
    found = read_headers([str(tmp_path / name) for name in names] + [str(tmp_path / "none.jpg")])
    bad = {[*names, "none.jpg"][place]: reason for place, reason in found.bad.items()}
    assert set(bad) == {*names, "none.jpg"} - {"a.png"}
    assert bad["empty.jpg"] == "the file is empty"
    assert "not an image that is known" in bad["text.jpg"]
    assert not any(str(tmp_path) in reason for reason in bad.values())


def test_a_jpeg_of_several_images_is_a_jpeg(tmp_path: Path) -> None:
    """Protects: what cameras write beside the photograph makes it no further format."""
    path = tmp_path / "a.jpg"
    picture().save(path, "MPO", save_all=True, append_images=[picture()])
    assert read_headers([str(path)]) == read_headers([written(tmp_path, "b", "jpg")])


def test_progress_is_told(tmp_path: Path) -> None:
    """Protects: a long reading shows that it goes on."""
    steps: list[int] = []
    read_headers([written(tmp_path, name, "png") for name in "abc"], steps.append)
    assert steps == [1, 1, 1]


@pytest.mark.parametrize("suffix", MORE.values())
def test_further_formats_are_decoded_where_they_are_asked_for(
    tmp_path: Path, recipe: Recipe, suffix: str
) -> None:
    """Protects: a person's own images give Pillow's pixels, and the specification's tasks refuse
    the same file."""
    path = written(tmp_path, "a", suffix)
    pixels = decode_file(path, decoder=more_formats())
    assert (pixels == np.asarray(Image.open(path).convert("RGB"))).all()
    with ImageLoader([path], recipe, batch_size=1, more_formats=True) as loader:
        assert next(loader).failures == []
    with pytest.raises(DataError, match="is not read"):
        next(ImageLoader([path], recipe, batch_size=1))


@pytest.mark.skipif(
    importlib.util.find_spec("pillow_heif") is not None, reason="the plugin is installed"
)
def test_a_missing_plugin_is_named_by_a_result() -> None:
    """Protects: a result of photographs of a telephone says elsewhere which library it needs."""
    (lacking,) = formats.missing_formats(["HEIC", "PPM"])
    assert lacking.package == "pillow-heif"


@pytest.mark.skipif(
    importlib.util.find_spec("pillow_heif") is not None, reason="the plugin is installed"
)
def test_a_missing_plugin_is_named(tmp_path: Path) -> None:
    """Protects: a photograph of a telephone says what to install."""
    path = tmp_path / "IMG_0001.HEIC"
    path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40))
    (reason,) = read_headers([str(path)]).bad.values()
    assert (
        reason == "HEIC is read by pillow-heif, which is not installed: `pip install pillow-heif`"
    )


@pytest.mark.skipif(
    importlib.util.find_spec("pillow_heif") is None, reason="pillow-heif is not installed"
)
def test_a_plugin_that_is_installed_reads(tmp_path: Path) -> None:
    """Protects: with pillow-heif beside Pillow, HEIC is decoded, and its version is recorded."""
    assert "HEIF" in {format.name for format in formats.available()}
    path = written(tmp_path, "a", "heic")
    assert read_headers([path]).formats == ("HEIC",)
    assert decode_file(path, decoder=more_formats()).shape == (40, 48, 3)
    assert any(line.startswith("pillow-heif ") for line in formats.plugin_versions())
