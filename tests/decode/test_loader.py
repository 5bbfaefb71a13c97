"""The loader: the same arrays whatever the settings, clean ends, errors where they are awaited."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_native_batch import RECIPE

from biobench.decode.native import NO_DIGEST, decode_batch
from biobench.errors import DataError, UsageError
from biobench.native import ImageLoader


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("loader")
    random = np.random.Generator(np.random.PCG64(3))
    paths = [folder / f"{index:02}.png" for index in range(21)]
    for path in paths:
        Image.fromarray(random.integers(0, 256, (30, 40, 3), dtype=np.uint8)).save(path)
    return paths


def loader_threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name == "biobench-loader"]


@pytest.mark.parametrize(("batch_size", "workers", "prefetch"), [(1, 1, 1), (4, 2, 2), (50, 3, 9)])
def test_order(files: list[Path], batch_size: int, workers: int, prefetch: int) -> None:
    """Protects the order of items, the starts, and independence of the settings."""
    expected = decode_batch(files, RECIPE, workers=1)
    with ImageLoader(
        files, RECIPE, batch_size=batch_size, workers=workers, prefetch=prefetch
    ) as loader:
        batches = list(loader)
        assert len(loader) == len(batches)
    assert [b.start for b in batches] == list(range(0, len(files), batch_size))
    np.testing.assert_array_equal(np.concatenate([b.array for b in batches]), expected.pixels)
    assert [d for b in batches for d in b.digests] == expected.digests
    assert loader_threads() == []


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_layouts(files: list[Path], layout: str, dtype: str) -> None:
    """Protects layout and value table: both are the recipe's own look-up, rearranged."""
    pixels = decode_batch(files, RECIPE, workers=1).pixels
    expected = pixels.transpose(0, 3, 1, 2) if dtype == "uint8" else RECIPE.normalise(pixels)
    with ImageLoader(files, RECIPE, batch_size=21, layout=layout, dtype=dtype) as loader:
        array = next(loader).array
    assert array.flags.c_contiguous
    assert array.dtype == dtype
    if layout == "NHWC":
        array = array.transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(array, expected)


def test_bad_file_reported(files: list[Path], tmp_path: Path) -> None:
    """Protects the report: the index counts from the loader's first item."""
    paths = [*files[:5], tmp_path / "missing.png", *files[5:8]]
    with ImageLoader(paths, RECIPE, batch_size=4, on_error="report") as loader:
        batches = list(loader)
    assert [(f.index, f.kind) for b in batches for f in b.failures] == [(5, "not-found")]
    assert batches[1].digests[1] == NO_DIGEST


def test_bad_file_raises_in_its_batch(files: list[Path], tmp_path: Path) -> None:
    """Protects the good batches before a bad one, and the name of the bad file."""
    paths = [*files[:5], tmp_path / "missing.png", *files[5:8]]
    with ImageLoader(paths, RECIPE, batch_size=4) as loader:
        assert next(loader).start == 0
        with pytest.raises(DataError, match=r"missing\.png: the file does not exist"):
            next(loader)
        with pytest.raises(StopIteration):
            next(loader)
    assert loader_threads() == []


def test_early_exit(files: list[Path]) -> None:
    """Protects against a thread that is left behind when the caller breaks off."""
    with ImageLoader(files * 50, RECIPE, batch_size=2, prefetch=1) as loader:
        next(loader)
    assert loader_threads() == []
    loader.close()
    assert list(loader) == []


def test_dropped_loader(files: list[Path]) -> None:
    """Protects against a thread that outlives a loader which no one closed."""
    loader = ImageLoader(files * 50, RECIPE, batch_size=2, prefetch=1)
    next(loader)
    del loader
    gc.collect()
    deadline = time.monotonic() + 5
    while loader_threads() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert loader_threads() == []


def test_prefetch_is_bounded(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects memory: no more batches are decoded than prefetch, plus one, and those taken."""
    from biobench.decode import loader as module

    started = []

    def counted(paths: list[str], *arguments: object, **options: object) -> object:
        started.append(len(paths))
        return decode_batch(paths, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "decode_batch", counted)
    with ImageLoader(files, RECIPE, batch_size=1, prefetch=2) as loader:
        next(loader)
        time.sleep(0.5)
        assert len(started) == 4


def test_exit_of_the_interpreter(files: list[Path], tmp_path: Path) -> None:
    """Protects the end of a program that forgot its loader: no hang, no crash."""
    program = (
        "import sys\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from test_native_batch import RECIPE\n"
        "from biobench.native import ImageLoader\n"
        f"loader = ImageLoader({[str(f) for f in files]!r} * 200, RECIPE, batch_size=2)\n"
        "print(next(loader).start)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "0\n", "")


CONSUMER = """
import sys, threading, time
sys.path.insert(0, {folder!r})
from test_native_batch import RECIPE
from biobench.native import ImageLoader
loader = ImageLoader({files!r} * 200, RECIPE, batch_size=2, prefetch=1)
def consume():
    try:
        for batch in loader:
            time.sleep(0.02)
        print("end")
    except Exception as error:
        print(type(error).__name__, error)
threading.Thread(target=consume).start()
"""


def consume(files: list[Path], ending: str) -> subprocess.CompletedProcess[str]:
    """A program whose second thread iterates a loader while the first one does ``ending``."""
    names = [str(path) for path in files]
    program = CONSUMER.format(folder=str(Path(__file__).parent), files=names) + ending
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False
    )


def test_end_of_the_main_thread_is_an_error(files: list[Path]) -> None:
    """Protects another thread that iterates from waiting for ever once the main one has ended."""
    done = consume(files, "")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("BiobenchError ")
    assert "main thread" in done.stdout


def test_close_from_another_thread(files: list[Path]) -> None:
    """Protects a thread that waits for a batch when another thread closes the loader."""
    done = consume(files, "time.sleep(0.3)\nloader.close()\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")


def test_close_while_a_batch_is_awaited(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects a consumer inside ``next`` with nothing ready: a close ends the iteration."""
    from biobench.decode import loader as module

    def slow(*arguments: object, **options: object) -> object:
        time.sleep(0.5)
        return decode_batch(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "decode_batch", slow)
    loader = ImageLoader(files, RECIPE, batch_size=2)
    taken: list[object] = []
    consumer = threading.Thread(target=lambda: taken.extend(loader), daemon=True)
    consumer.start()
    time.sleep(0.1)
    loader.close()
    consumer.join(timeout=5)
    assert not consumer.is_alive()
    assert taken == []


@pytest.mark.parametrize(
    "arguments",
    [
        {"batch_size": 0},
        {"batch_size": 1, "layout": "CHW"},
        {"batch_size": 1, "dtype": "float16"},
        {"batch_size": 1, "prefetch": 0},
        {"batch_size": 1, "workers": 0},
        {"batch_size": 1, "on_error": "skip"},
    ],
)
def test_arguments_are_checked(arguments: dict) -> None:
    """Protects against values that cannot be, before a thread starts."""
    with pytest.raises(UsageError):
        ImageLoader([], RECIPE, **arguments)
    assert loader_threads() == []
