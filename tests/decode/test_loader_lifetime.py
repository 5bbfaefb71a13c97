"""The loader's threads: they end, whatever ends the iteration, and never hang a program.

What could hang or kill is run in a program of its own.
"""

from __future__ import annotations

import gc
import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from loader_programs import FORK, SECONDS, interrupted, run
from PIL import Image
from test_native_batch import RECIPE

from biobench.native import ImageLoader

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Small images, the first one large: it is decoded for a while."""
    folder = tmp_path_factory.mktemp("lifetime")
    random = np.random.Generator(np.random.PCG64(4))
    paths = [folder / f"{index:02}.png" for index in range(10)]
    for path in paths:
        Image.fromarray(random.integers(0, 256, (30, 40, 3), dtype=np.uint8)).save(path)
    Image.new("RGB", (6000, 6000), (1, 2, 3)).save(paths[0])
    return paths


def native_threads() -> int:
    """Threads of this process that load images."""
    count = 0
    for task in Path("/proc/self/task").iterdir():
        try:
            count += (task / "comm").read_text().startswith("biobench-pixels")
        except OSError:
            continue  # it ended meanwhile
    return count


def threads_end() -> bool:
    """Return whether the threads are gone within moments."""
    deadline = time.monotonic() + SECONDS
    while native_threads() and time.monotonic() < deadline:
        time.sleep(0.01)
    return native_threads() == 0


def test_threads_end_with_the_iteration(files: list[Path]) -> None:
    """Protects against threads that are left behind: at the end, on a break, when it is dropped."""
    list(ImageLoader(files[1:], RECIPE, batch_size=2))
    assert threads_end()
    with ImageLoader(files[1:] * 50, RECIPE, batch_size=2) as loader:
        next(loader)
    assert threads_end()
    loader.close()
    assert list(loader) == []
    loader = ImageLoader(files[1:] * 50, RECIPE, batch_size=2)
    batch = next(loader)
    before = batch.array.copy()
    del loader
    gc.collect()
    assert threads_end()
    np.testing.assert_array_equal(batch.array, before)


def test_close_while_a_batch_is_awaited(files: list[Path]) -> None:
    """Protects a consumer inside ``next`` with nothing ready: a close ends the iteration, soon."""
    loader = ImageLoader(files[:1] * 100, RECIPE, batch_size=100, workers=1)
    taken: list[object] = []
    consumer = threading.Thread(target=lambda: taken.extend(loader), daemon=True)
    consumer.start()
    time.sleep(0.1)
    before = time.monotonic()
    loader.close()
    assert time.monotonic() - before < 5
    consumer.join(timeout=5)
    assert not consumer.is_alive()
    assert taken == []


def test_several_consumers(files: list[Path]) -> None:
    """Protects batches from being given twice or never where threads share a loader."""
    loader = ImageLoader(files[1:] * 20, RECIPE, batch_size=3)
    starts: list[int] = []
    consumers = [
        threading.Thread(target=lambda: starts.extend(batch.start for batch in loader))
        for _ in range(4)
    ]
    for consumer in consumers:
        consumer.start()
    for consumer in consumers:
        consumer.join(timeout=SECONDS)
    assert sorted(starts) == list(range(0, 180, 3))


def test_exit_of_the_interpreter(files: list[Path]) -> None:
    """Protects the end of a program that forgot its loader: no hang, no crash."""
    text = "loader = ImageLoader(small * 500, RECIPE, batch_size=2)\nprint(next(loader).start)\n"
    assert run(files, text) == (0, "0\n", "")


def test_exit_while_a_daemon_awaits_a_batch(files: list[Path]) -> None:
    """Protects the end of a program whose forgotten thread is inside ``next``."""
    text = (
        "loader = ImageLoader(files[:1] * 200, RECIPE, batch_size=200, workers=1)\n"
        "threading.Thread(target=lambda: next(loader), daemon=True).start()\n"
        "time.sleep(0.3)\n"
        "print('end')\n"
    )
    assert run(files, text) == (0, "end\n", "")


def test_iteration_after_the_main_thread(files: list[Path]) -> None:
    """Protects another thread that iterates when the main one has ended: it comes to the end."""
    text = (
        "loader = ImageLoader(small * 9, RECIPE, batch_size=2)\n"
        "def consume():\n"
        "    count = 0\n"
        "    for batch in loader:\n"
        "        count += len(batch)\n"
        "        time.sleep(0.01)\n"
        "    print(threading.main_thread().is_alive(), count)\n"
        "threading.Thread(target=consume).start()\n"
    )
    assert run(files, text) == (0, "False 81\n", "")


def test_interrupt(files: list[Path]) -> None:
    """Protects Ctrl-C: ``next`` ends within moments, no batch is lost, and the program may end."""
    text = (
        "loader = ImageLoader(files[:1] * 12 + small, RECIPE, batch_size=6, workers=1)\n"
        "print('started', flush=True)\n"
        "interrupted = False\n"
        "starts = []\n"
        "while len(starts) < len(loader):\n"
        "    try:\n"
        "        starts.append(next(loader).start)\n"
        "    except KeyboardInterrupt:\n"
        "        assert not starts\n"
        "        interrupted = True\n"
        "        print('interrupted', flush=True)\n"
        "print(starts)\n"
    )
    assert interrupted(files, text) == (0, "[0, 6, 12, 18]\n", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_gets_one_clear_error(files: list[Path]) -> None:
    """Protects a child that goes on with its parent's loader: an error, never a hang; the parent's
    loader is as before, and the child's end, its closing and its garbage do no harm."""
    text = FORK + (
        "loader = ImageLoader(files[:1] + small * 30, RECIPE, batch_size=3, workers=2)\n"
        "batches = []\n"
        "codes = []\n"
        "for round in range(12):\n"
        "    batches.append(next(loader))\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        try:\n"
        "            next(loader)\n"
        "        except Exception as error:\n"
        "            clear = 'make the loader in the process that iterates' in str(error)\n"
        "        loader.close()\n"
        "        del loader, batches[:]\n"
        "        if round % 2:\n"
        "            sys.exit(clear)\n"
        "        os._exit(clear)\n"
        "    codes.append(wait(child))\n"
        "count = sum(len(batch) for batch in batches) + sum(len(batch) for batch in loader)\n"
        "print(codes == [1] * 12 or codes, count)\n"
    )
    code, out, _ = run(files, text)
    assert (code, out) == (0, "True 271\n")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_can_make_its_own(files: list[Path]) -> None:
    """Protects a child that makes a loader while its parent's is at work."""
    text = FORK + (
        "loader = ImageLoader(small * 300, RECIPE, batch_size=3, workers=2)\n"
        "codes = []\n"
        "for round in range(8):\n"
        "    next(loader)\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        os._exit(sum(len(batch) for batch in ImageLoader(small, RECIPE, batch_size=2)))\n"
        "    codes.append(wait(child))\n"
        "print(codes == [9] * 8 or codes)\n"
    )
    code, out, _ = run(files, text)
    assert (code, out) == (0, "True\n")
