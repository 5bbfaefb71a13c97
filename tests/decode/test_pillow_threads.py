"""Loader threads that decode with Pillow: no deadlock over the interpreter, whatever ends the work.

What could hang or kill is run in a program of its own.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from loader_programs import FORK, interrupted, run
from PIL import Image

pytestmark = pytest.mark.slow


def write_run_lengths(path: Path, side: int) -> None:
    """A BMP of runs of one pixel, which Pillow reads in Python: a thread that decodes it wants the
    interpreter all the time, about 0.6 us a pixel."""
    row = b"\x01\x07\x01\x09" * (side // 2) + b"\0\0"
    pixels = row * side + b"\0\1"
    palette = np.random.Generator(np.random.PCG64(1)).bytes(1024)
    start = 54 + len(palette)
    header = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 8, 1, len(pixels), 0, 0, 256, 0)
    head = struct.pack("<2sIHHI", b"BM", start + len(pixels), 0, 0, start)
    path.write_bytes(head + header + palette + pixels)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Small images of the formats that Pillow decodes; the first one takes a third of a second."""
    folder = tmp_path_factory.mktemp("pillow")
    random = np.random.Generator(np.random.PCG64(4))
    paths = [folder / "large.bmp"]
    write_run_lengths(paths[0], 800)
    for index in range(9):
        kind = ("webp", "gif", "bmp", "tiff")[index % 4]
        paths.append(folder / f"{index}.{kind}")
        pixels = random.integers(0, 256, (30, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(paths[-1])
    return paths


@pytest.mark.parametrize(
    "loads", [pytest.param("files[:1] * 9", marks=pytest.mark.depth), "small * 500"]
)
def test_exit_of_the_interpreter(files: list[Path], loads: str) -> None:
    """Protects the end of a program whose threads are inside of Pillow: they come back before the
    interpreter is gone, and no other goes in."""
    text = (
        f"loader = ImageLoader({loads}, RECIPE, batch_size=4, workers=4)\n"
        "threading.Thread(target=lambda: next(loader), daemon=True).start()\n"
        "time.sleep(0.3)\n"
        "print('end')\n"
    )
    for _ in range(3):
        assert run(files, text) == (0, "end\n", "")


def test_what_ends_last(files: list[Path]) -> None:
    """Protects functions of ``atexit`` that come after ours: their images are reported."""
    text = (
        "import atexit\n"
        "def last():\n"
        "    with ImageLoader(small, RECIPE, batch_size=9, on_error='report') as loader:\n"
        "        print(sorted({f.kind for batch in loader for f in batch.failures}))\n"
        "import biobench._native\n"
        "atexit.unregister(biobench._native.leave_interpreter)\n"
        "atexit.register(last)\n"
        "atexit.register(biobench._native.leave_interpreter)\n"
    )
    assert run(files, text) == (0, "['cancelled']\n", "")


def test_close_while_pillow_decodes(files: list[Path]) -> None:
    """Protects a close by the thread that holds the interpreter, which the others need to end."""
    text = (
        "for _ in range(3):\n"
        "    loader = ImageLoader(files[:1] * 20, RECIPE, batch_size=20, workers=3)\n"
        "    time.sleep(0.1)\n"
        "    before = time.monotonic()\n"
        "    loader.close()\n"
        "    assert time.monotonic() - before < 20\n"
        "loader = ImageLoader(files * 2, RECIPE, batch_size=20, workers=3)\n"
        "del loader\n"
        "print('end')\n"
    )
    assert run(files, text) == (0, "end\n", "")


def test_a_finalizer_on_a_thread_of_the_loader(files: list[Path]) -> None:
    """Protects a program whose garbage holds a loader: it may be collected on a thread of that very
    loader, which then must not wait for itself."""
    text = (
        "import gc\n"
        "from biobench.decode import pillow\n"
        "class Holder:\n"
        "    def __del__(self):\n"
        "        where.append(threading.get_ident() != threading.main_thread().ident)\n"
        "        self.loader.close()\n"
        "where = []\n"
        "plain = pillow.PillowImage.decode\n"
        "def collecting(image):\n"
        "    gc.collect()\n"
        "    return plain(image)\n"
        "gc.disable()\n"
        "holder = Holder()\n"
        "holder.itself = holder\n"
        "holder.loader = ImageLoader(files[:1] + small * 5, RECIPE, batch_size=3, workers=2)\n"
        "core = holder.loader\n"
        "del holder\n"
        "pillow.PillowImage.decode = collecting\n"
        "other = list(ImageLoader(small, RECIPE, batch_size=3, workers=1))\n"
        "rest = list(core)\n"
        "print(where, len(other))\n"
    )
    assert run(files, text) == (0, "[True] 3\n", "")


def test_interrupt(files: list[Path]) -> None:
    """Protects Ctrl-C while all threads are inside of Pillow: ``next`` ends, and loses no batch."""
    text = (
        "loader = ImageLoader(files[:1] * 8 + small, RECIPE, batch_size=8, workers=2)\n"
        "starts, told = [], []\n"
        "while len(starts) < len(loader):\n"
        "    try:\n"
        # Within: on a busy machine the signal may arrive before the next statement.
        "        told or told.append(print('started', flush=True))\n"
        "        starts.append(next(loader).start)\n"
        "    except KeyboardInterrupt:\n"
        "        assert not starts\n"
        "        print('interrupted', flush=True)\n"
        "print(starts)\n"
    )
    assert interrupted(files, text) == (0, "[0, 8, 16]\n", "")


def test_forked_children(files: list[Path]) -> None:
    """Protects children that are forked while threads of the parent are inside of Pillow: they load
    and end, with ``atexit`` too, and the parent goes on."""
    text = FORK + (
        "loader = ImageLoader(files[:1] + small * 300, RECIPE, batch_size=3, workers=2)\n"
        "codes = []\n"
        "for round in range(8):\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        count = sum(len(batch) for batch in ImageLoader(small, RECIPE, batch_size=2))\n"
        "        sys.exit(count) if round % 2 else os._exit(count)\n"
        "    codes.append(wait(child))\n"
        "    next(loader)\n"
        "print(codes == [9] * 8 or codes, sum(len(batch) for batch in loader))\n"
    )
    code, out, err = run(files, text)
    assert (code, out) == (0, "True 2677\n"), err


def test_the_consumer_works_meanwhile(files: list[Path]) -> None:
    """Protects a consumer that computes in Python, and calls the loader, while Pillow decodes."""
    text = (
        "count = 0\n"
        "with ImageLoader(small * 60, RECIPE, batch_size=7, workers=4) as loader:\n"
        "    for batch in loader:\n"
        "        count += len(batch)\n"
        "        sum(range(20_000))\n"
        "print(count)\n"
    )
    assert run(files, text) == (0, "540\n", "")
