"""`evaluate()` in processes of Python's own making: spawned, forked, and beside a live loader."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness import NET, Bench, environment, times

pytestmark = [pytest.mark.slow, pytest.mark.faults]
Tally = Callable[[str, int, int], None]

COMMON = """
import json, multiprocessing, os, sys
from biobench import evaluate
from biobench.errors import BiobenchError

def score(out=None):
    found = evaluate("py:small_net:SmallNet", "classes.yaml", data="data", device="cpu", out=out)
    return found.tasks["classes"]["digests"]

def scores(_):
    return score()
"""

SPAWNED = """
if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    with multiprocessing.Pool(3) as pool:
        print(json.dumps(pool.map(scores, range(6), chunksize=1)))
"""

DAEMON = """
if __name__ == "__main__":
    from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
    context = multiprocessing.get_context(sys.argv[1])
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        first = list(pool.map(scores, range(4)))
    with ThreadPoolExecutor(3) as pool:
        print(json.dumps(first + list(pool.map(scores, range(6)))))
"""

LIVE = """
from pathlib import Path
from biobench.native import ImageLoader
from small_net import SmallNet

def inherited(loader):
    try:
        next(loader)
        return "no error"
    except BiobenchError as error:
        return str(error)

if __name__ == "__main__":
    paths = sorted(map(str, Path("data").rglob("*.png")))
    loader = ImageLoader(paths, SmallNet().recipe, batch_size=2, workers=3, prefetch=4)
    next(loader)
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(writer, json.dumps([score(), inherited(loader)]).encode())
        os._exit(0)
    rest = 1 + sum(1 for _ in loader)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        child, said = json.loads(pipe.read())
    status = os.waitpid(pid, 0)[1]
    print(json.dumps({"scores": [score(), child], "said": said, "batches": rest, "status": status,
                      "images": len(paths)}))
"""


def program(bench: Bench, tmp_path: Path, source: str, *arguments: str) -> Any:
    """Return what a program prints, as JSON; one that hangs fails."""
    path = bench.root / f"{tmp_path.name}.py"
    path.write_text(COMMON + source)
    done = subprocess.run(
        [sys.executable, path.name, *arguments], cwd=bench.root, capture_output=True, text=True,
        env=environment(BIOBENCH_STORE=str(tmp_path / "store")), check=False, timeout=200,
    )  # fmt: skip
    path.unlink()
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def expected(bench: Bench) -> Any:
    return bench.expected[NET]["classes"][0]


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_a_pool_of_processes(method: str, bench: Bench, tmp_path: Path, tally: Tally) -> None:
    """Three processes evaluate at once, twice each, on one store."""
    assert program(bench, tmp_path, SPAWNED, method) == [expected(bench)] * 6
    tally("evaluate() in processes of multiprocessing", 6, 0)


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_executors(method: str, bench: Bench, tmp_path: Path, tally: Tally) -> None:
    """Processes first, then threads of the process that started them."""
    assert program(bench, tmp_path, DAEMON, method) == [expected(bench)] * 10
    tally("evaluate() in processes of multiprocessing", 10, 0)


def test_a_fork_with_a_live_loader(bench: Bench, tmp_path: Path, tally: Tally) -> None:
    """A forked process evaluates while its parent's loader runs, and is told not to use that."""
    count = times(1, 20)
    for _ in range(count):
        found = program(bench, tmp_path, LIVE)
        assert found["scores"] == [expected(bench)] * 2
        assert found["status"] == 0
        assert found["batches"] == found["images"] // 2
        assert "fork" in found["said"]
    tally("evaluate() in a fork beside a live loader", count, 0)
