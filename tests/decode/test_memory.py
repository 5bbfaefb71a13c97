"""Memory of the native layer: hostile sizes end in an error of one item, never in a dead process.

Each program runs in a child whose address space is limited.
"""

from __future__ import annotations

import resource
import struct
import subprocess
import sys
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_native_batch import RECIPE

from biobench.decode.definition import decode_reference
from biobench.decode.native import decode_batch
from biobench.decode.recipe import Filter
from biobench.errors import DataError

pytestmark = pytest.mark.slow

GIB = 1 << 30


def write_gray(path: Path, width: int, height: int) -> None:
    """A black PNG of 1 bit a pixel, made without holding its pixels."""

    def chunk(name: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)

    compress = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    rows = max(1, (1 << 20) // len(row))
    stream = b"".join(
        compress.compress(row * min(rows, height - y)) for y in range(0, height, rows)
    )
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
        + chunk(b"IDAT", stream + compress.flush())
        + chunk(b"IEND", b"")
    )


def limited(body: str, memory: int) -> subprocess.CompletedProcess[str]:
    """Runs ``body`` with ``memory`` bytes of address space above what the imports took."""
    program = (
        "import resource\n"
        "import numpy\n"
        "from biobench import _native, native\n"
        "with open('/proc/self/statm') as file:\n"
        "    taken = int(file.read().split()[0]) * resource.getpagesize()\n"
        f"resource.setrlimit(resource.RLIMIT_AS, (taken + {memory},) * 2)\n"
    )
    return subprocess.run(
        [sys.executable, "-c", program + body],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def outcome(path: Path, memory: int, arguments: str = "") -> str:
    """Output of a program that loads one file: ``loaded``, or class and text of the error."""
    done = limited(
        "try:\n"
        f"    native.load_batch([{str(path)!r}], workers=1{arguments})\n"
        "    print('loaded')\n"
        "except BaseException as error:\n"
        "    print(type(error).__name__, error)\n",
        memory,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_column_with_nearest(tmp_path: Path) -> None:
    """Protects the process from a small file whose target has billions of rows."""
    path = tmp_path / "column.png"
    write_gray(path, 1, 1_000_000)
    assert path.stat().st_size < 200_000
    printed = outcome(path, GIB, ", filter='nearest'")
    assert printed.startswith("DataError 1 image cannot be read:")
    assert "after the resize 50176000000 exceeds the limit of 178956970" in printed


@pytest.mark.parametrize("filter_name", ["bicubic", "nearest"])
def test_target_over_the_limit(tmp_path: Path, filter_name: Filter) -> None:
    """Protects memory: the target of a narrow image counts, not only the image."""
    path = tmp_path / "narrow.png"
    write_gray(path, 16, 60_000)
    printed = outcome(path, GIB // 4, f", filter={filter_name!r}")
    assert "after the resize 188160000 exceeds" in printed
    recipe = replace(RECIPE, filter=filter_name, size=(224, 224))
    with pytest.raises(DataError, match="after the resize 188160000 exceeds"):
        decode_reference(path, recipe)


@pytest.mark.parametrize("filter_name", ["bicubic", "nearest", "lanczos"])
@pytest.mark.parametrize("shape", [(16, 50_000), (50_000, 16)])
def test_only_the_crop_is_resized(tmp_path: Path, shape: tuple[int, int], filter_name: str) -> None:
    """Protects memory under the limit: a target of 157 million pixels takes only its crop."""
    path = tmp_path / "narrow.png"
    write_gray(path, *shape)
    assert outcome(path, GIB // 4, f", filter={filter_name!r}") == "loaded\n"


@pytest.mark.parametrize("resize", ["squash", "longest"])
@pytest.mark.parametrize("filter_name", ["bicubic", "nearest", "lanczos"])
@pytest.mark.parametrize("shape", [(1, 1_000_000), (1_000_000, 1)])
def test_strips_are_shrunk_in_little_memory(
    tmp_path: Path, shape: tuple[int, int], filter_name: str, resize: str
) -> None:
    """Protects memory where the sides are as different as the limits permit."""
    path = tmp_path / "strip.png"
    write_gray(path, *shape)
    arguments = f", filter={filter_name!r}, resize={resize!r}"
    assert outcome(path, GIB // 4, arguments) == "loaded\n"


@pytest.mark.parametrize("shape", [(1, 1_000_001), (1_000_001, 1)])
def test_longer_strips_are_refused(tmp_path: Path, shape: tuple[int, int]) -> None:
    """Protects time: the weights of a resize grow with the sides, whatever the pixels."""
    path = tmp_path / "strip.png"
    write_gray(path, *shape)
    message = "the longer side in pixels 1000001 exceeds the limit of 1000000"
    assert message in outcome(path, GIB // 4, "")
    with pytest.raises(DataError, match=message):
        decode_reference(path, RECIPE)


@pytest.mark.parametrize("filter_name", ["bicubic", "nearest", "box"])
@pytest.mark.parametrize("shape", [(5, 700), (700, 5), (61, 60), (40, 40), (20, 33)])
@pytest.mark.parametrize("mode", ["none", "shortest", "longest", "squash"])
def test_part_of_the_target_is_exact(
    tmp_path: Path, filter_name: Filter, shape: tuple[int, int], mode: str
) -> None:
    """Protects the bytes: the crop is that of Pillow's whole target."""
    path = tmp_path / "image.png"
    random = np.random.Generator(np.random.PCG64(11))
    Image.fromarray(random.integers(0, 256, (*shape, 3), dtype=np.uint8)).save(path)
    for crop in [(16, 18), (40, 3), (3, 40), (1, 1)]:
        recipe = replace(RECIPE, mode=mode, filter=filter_name, size=(20, 20), crop=crop)
        np.testing.assert_array_equal(
            decode_batch([path], recipe, workers=1).pixels[0], decode_reference(path, recipe)
        )


def test_batch_without_memory_is_a_memory_error(tmp_path: Path) -> None:
    """Protects callers from an exception that ``except Exception`` does not catch."""
    path = tmp_path / "image.png"
    write_gray(path, 4, 4)
    done = limited(
        "try:\n"
        f"    native.load_batch([{str(path)!r}] * 64, crop=65535)\n"
        "except Exception as error:\n"
        "    print(isinstance(error, MemoryError))\n",
        GIB,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\n", "")


def test_single_image_without_memory_is_a_memory_error() -> None:
    """Protects the process when neither the copy of an image nor its target finds memory."""
    done = limited(
        "image = numpy.zeros((1, 1, 3), numpy.uint8)\n"
        "strided = numpy.broadcast_to(image, (30_000, 30_000, 3))\n"
        "for arguments in [(image, 30_000, 30_000, 'box'), (strided, 1, 1, 'box'),\n"
        "                  (image, 2**62, 1, 'nearest'), (image, 2**62, 1, 'box')]:\n"
        "    try:\n"
        "        _native.resize(*arguments)\n"
        "    except Exception as error:\n"
        "        print(type(error).__name__)\n",
        GIB,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "MemoryError\n" * 4, "")


def test_limit_is_on() -> None:
    """Protects these tests: without a limit they would show nothing."""
    done = limited("numpy.zeros(2**30, numpy.uint8)\n", GIB // 2)
    assert "MemoryError" in done.stderr
    assert resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY


PEAK = """
from biobench import native
def peak():  # not ru_maxrss, which begins with that of the parent
    with open('/proc/self/status') as file:
        return next(int(line.split()[1]) for line in file if line.startswith('VmHWM:'))
native.load_batch({small!r}, workers={workers})
before = peak()
native.load_batch({large!r}, workers={workers})
print((peak() - before) // 1024)
"""


def peak_above_small_images(folder: Path, **options: object) -> int:
    """MiB that images of 24 million pixels take at the peak beyond images of one million."""
    noise = Image.effect_noise((600, 400), 60).convert("RGB")
    paths = []
    for name, size in (("small", (1224, 816)), ("large", (6000, 4000))):
        paths.append(folder / f"{name}.jpg")
        noise.resize(size, Image.Resampling.BILINEAR).save(paths[-1], **options)
    return peak_above(*paths)


def peak_above(small: Path, large: Path, workers: int = 2) -> int:
    """MiB that one image takes at the peak beyond another, six of each."""
    program = PEAK.format(small=[str(small)] * 6, large=[str(large)] * 6, workers=workers)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return int(done.stdout)


def test_baseline_images_are_not_held(tmp_path: Path) -> None:
    """Protects memory: two workers would hold 137 MiB of pixels, but rows are enough."""
    assert peak_above_small_images(tmp_path, quality=75) < 24


def test_large_progressive_images_take_turns(tmp_path: Path) -> None:
    """Protects memory: the coefficients of one image, 69 MiB, are held at a time, not of two."""
    assert peak_above_small_images(tmp_path, quality=75, progressive=True) < 130


@pytest.mark.parametrize(
    ("kind", "options", "most"),
    [
        pytest.param("webp", {}, 500, marks=pytest.mark.depth),
        pytest.param("tiff", {"compression": "tiff_lzw"}, 500, marks=pytest.mark.depth),
        ("bmp", {}, 600),
    ],
)
def test_large_images_of_pillow_take_turns(
    tmp_path: Path, kind: str, options: dict[str, object], most: int
) -> None:
    """Protects memory: Pillow holds up to 16 bytes a pixel, here 366 MiB, of one image at a time;
    what the allocator keeps for one thread does not stay beside the image of the next. Four threads
    took 1,000 MiB without that."""
    noise = Image.effect_noise((600, 400), 60).convert("RGB")
    paths = [tmp_path / f"{name}.{kind}" for name in ("small", "large")]
    for path, size in zip(paths, [(1224, 816), (6000, 4000)], strict=True):
        noise.resize(size, Image.Resampling.BILINEAR).save(path, **options)
    assert peak_above(*paths, workers=4) < most
