"""Batches: order, independence of workers, bad files by name, digests, limits, interrupts."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import time
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from biobench import _native, native
from biobench.decode.native import NO_DIGEST, decode_batch
from biobench.decode.recipe import Recipe
from biobench.errors import DataError, UsageError

RECIPE = Recipe(
    mode="shortest",
    size=(20, 20),
    long_side="floor",
    filter="bicubic",
    crop=(16, 18),
    crop_rounding="floor",
    pad=(0, 0, 0),
    mean=(0.0, 0.0, 0.0),
    std=(1.0, 1.0, 1.0),
    table_bytes=np.linspace(-2, 2, 768, dtype="<f4").tobytes(),
)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Thirty images of many sizes, so that threads finish in another order than they start."""
    folder = tmp_path_factory.mktemp("files")
    random = np.random.Generator(np.random.PCG64(7))
    paths = []
    for index in range(30):
        side = int(random.integers(1, 400)) if index % 3 else 2
        pixels = random.integers(0, 256, (side, side + index, 3), dtype=np.uint8)
        path = folder / f"{index:02}.{'png' if index % 2 else 'jpg'}"
        Image.fromarray(pixels).save(path)
        paths.append(path)
    return paths


def test_order_and_workers(files: list[Path]) -> None:
    """Protects input order, whatever the number of workers and the size of an image."""
    one = [decode_batch([path], RECIPE, workers=1) for path in files]
    for workers in (1, 2, 3, 7):
        batch = decode_batch(files, RECIPE, workers=workers)
        assert batch.pixels.shape == (30, 16, 18, 3)
        assert batch.pixels.dtype == np.uint8
        np.testing.assert_array_equal(batch.pixels, np.concatenate([b.pixels for b in one]))
        assert batch.digests == [b.digests[0] for b in one]


def test_digest_of_known_bytes(tmp_path: Path) -> None:
    """Protects the kind of digest: the published BLAKE3 vector for the bytes 0, 1, 2."""
    path = tmp_path / "pixel.png"
    Image.new("RGB", (1, 1), (0, 1, 2)).save(path)
    recipe = replace(RECIPE, mode="none", crop=(1, 1))
    (digest,) = decode_batch([path], recipe, workers=1).digests
    assert digest.hex() == "e1be4d7a8ab5560aa4199eea339849ba8e293d55ca0a81006726d184519e647f"


def test_bad_files_lose_no_others(files: list[Path], tmp_path: Path) -> None:
    """Protects the rest of a batch from its bad files, each named with its kind."""
    whole = files[0].read_bytes()
    contents = {
        "truncated": files[20].read_bytes()[:-400],
        "corrupt": b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + bytes(17),
        "empty": b"",
        "unsupported-format": b"8BPS" + bytes(20),
        "unknown-format": b"just text",
    }
    bad = {}
    for kind, content in contents.items():
        bad[kind] = tmp_path / f"{kind}.jpg"
        bad[kind].write_bytes(content)
    bad["not-found"] = tmp_path / "missing.jpg"
    bad["io"] = tmp_path
    good = tmp_path / "good.gif"
    good.write_bytes(whole)
    paths = [path for item in bad.values() for path in (item, good)]
    batch = decode_batch(paths, RECIPE, workers=3)
    assert [(f.index, f.kind, f.path) for f in batch.failures] == [
        (2 * i, kind, str(path)) for i, (kind, path) in enumerate(bad.items())
    ]
    expected = decode_batch([files[0]], RECIPE, workers=1)
    for index in range(len(paths)):
        if index % 2:
            np.testing.assert_array_equal(batch.pixels[index], expected.pixels[0])
            assert batch.digests[index] == expected.digests[0]
        else:
            assert not batch.pixels[index].any()
            assert batch.digests[index] == NO_DIGEST


def test_no_permission_is_named(tmp_path: Path) -> None:
    """Protects the kind of a file that may not be read."""
    path = tmp_path / "locked.png"
    Image.new("RGB", (4, 4)).save(path)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read every file")
    assert decode_batch([path], RECIPE, workers=1).failures[0].kind == "permission"


def test_pipe_is_refused(tmp_path: Path) -> None:
    """Protects against waiting for ever on a pipe that no one writes."""
    path = tmp_path / "pipe.jpg"
    os.mkfifo(path)
    (failure,) = decode_batch([path], RECIPE, workers=1).failures
    assert "not a regular file" in failure.message


def test_pixel_limit(tmp_path: Path) -> None:
    """Protects memory: a header that promises too many pixels is refused before decoding."""
    path = tmp_path / "bomb.png"
    Image.new("1", (30, 30)).save(path)
    whole = path.read_bytes()
    header = b"IHDR" + struct.pack(">II", 30_000, 30_000) + whole[24:29]
    path.write_bytes(whole[:12] + header + struct.pack(">I", zlib.crc32(header)) + whole[33:])
    (failure,) = decode_batch([path], RECIPE, workers=1).failures
    assert failure.kind == "too-large"
    assert "900000000" in failure.message
    small = tmp_path / "small.png"
    Image.new("RGB", (10, 10)).save(small)
    assert _native.decode(small, max_pixels=100).shape == (10, 10, 3)
    with pytest.raises(ValueError, match="bomb"):
        _native.decode(small, max_pixels=99)


def test_scan_limit(tmp_path: Path) -> None:
    """Protects time: a small JPEG that paints its pixels over and over is refused."""
    path = tmp_path / "scans.jpg"
    Image.effect_noise((16, 16), 64).save(path, progressive=True)
    whole = path.read_bytes()
    last = whole.rindex(b"\xff\xda")
    for more in (0, 2000):
        path.write_bytes(whole[:-2] + whole[last:-2] * more + b"\xff\xd9")
        failures = decode_batch([path], RECIPE, workers=1).failures
        assert [failure.kind for failure in failures] == ["too-large"] * bool(more)
        assert all("scans 1001 exceeds the limit of 1000" in f.message for f in failures)


def test_empty_batch() -> None:
    """Protects the shape of nothing."""
    assert decode_batch([], RECIPE, workers=2).pixels.shape == (0, 16, 18, 3)


def test_single_image_errors(tmp_path: Path) -> None:
    """Protects built-in exceptions where one fits, with the file's name."""
    with pytest.raises(FileNotFoundError, match=r"nowhere\.jpg"):
        _native.decode(tmp_path / "nowhere.jpg")
    with pytest.raises(ValueError, match="one of nearest, box"):
        _native.resize(np.zeros((4, 4, 3), np.uint8), 2, 2, "cubic")
    with pytest.raises(ValueError, match="at least 1"):
        _native.resize(np.zeros((4, 4, 3), np.uint8), 0, 2, "box")
    with pytest.raises(ValueError, match="shape"):
        _native.resize(np.zeros((4, 4, 1), np.uint8), 2, 2, "box")


def test_load_batch_names_the_bad_files(files: list[Path], tmp_path: Path) -> None:
    """Protects the public call's error: the count, ten names, and what to do."""
    bad = [tmp_path / f"bad{index:02}.jpg" for index in range(12)]
    for path in bad:
        path.write_bytes(b"no image")
    with pytest.raises(DataError) as caught:
        native.load_batch([files[0], *bad])
    text = str(caught.value)
    assert text.startswith("12 images cannot be read")
    assert all(path.name in text for path in bad[:10])
    assert "bad10" not in text
    assert "and 2 more" in text
    assert "\n" not in text


@pytest.mark.slow
def test_load_batch_defaults_are_torchvision(files: list[Path]) -> None:
    """Protects the defaults: Resize(224, BICUBIC) and CenterCrop(224) of torchvision."""
    from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Resize

    transform = Compose([Resize(224, InterpolationMode.BICUBIC), CenterCrop(224)])
    pixels = native.load_batch(files[:8])
    for path, ours in zip(files, pixels, strict=False):
        with Image.open(path) as image:
            np.testing.assert_array_equal(ours, np.asarray(transform(image.convert("RGB"))))


@pytest.mark.parametrize(
    "arguments",
    [{"resize": "fit"}, {"filter": "cubic"}, {"crop": 0}, {"size": (1, 70_000)}, {"workers": 0}],
)
def test_load_batch_refuses_arguments(arguments: dict) -> None:
    """Protects against silent defaults for values that cannot be."""
    with pytest.raises(UsageError):
        native.load_batch([], **arguments)


def test_build_info() -> None:
    """Protects what a result records about its decoder."""
    info = native.build_info()
    assert info["libjpeg_turbo"].startswith("3.")
    assert isinstance(info["libjpeg_turbo_simd"], bool)


@pytest.mark.slow
def test_interrupt_ends_soon(tmp_path: Path) -> None:
    """Protects Ctrl-C: a long batch ends within a second or two, with KeyboardInterrupt."""
    path = tmp_path / "large.png"
    Image.new("RGB", (4000, 4000)).save(path)
    program = (
        "import sys\n"
        "from biobench import native\n"
        "print('started', flush=True)\n"
        "try:\n"
        f"    native.load_batch([{str(path)!r}] * 2000, workers=1)\n"
        "except KeyboardInterrupt:\n"
        "    sys.exit(42)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    time.sleep(0.5)
    before = time.monotonic()
    child.send_signal(signal.SIGINT)
    assert child.wait(timeout=20) == 42
    child.stdout.close()
    assert time.monotonic() - before < 5
