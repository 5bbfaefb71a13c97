"""Work in a forked process: its time, the bytes that it reads, and the memory at its peak."""

from __future__ import annotations

import gc
import json
import os
import re
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """The cost of a piece of work.

    Attributes:
        seconds: Wall time.
        cpu: Seconds of processor time, of all threads.
        read: Bytes that it asked the system for, those in the cache of files too.
        memory: Bytes of the process at its peak beyond those at the start.
    """

    seconds: float
    cpu: float
    read: int
    memory: int


def measure(work: Callable[[], object]) -> Cost:
    """Do ``work`` in a process of its own, with the modules of this one.

    Raises:
        RuntimeError: The work fails; its traceback is on standard error.
    """
    source, target = os.pipe()
    gc.freeze()
    pid = os.fork()
    if not pid:
        try:
            os.close(source)
            beyond, read, began = reset_peak(), _read(), time.perf_counter()
            cpu = time.process_time()
            work()
            used = time.perf_counter() - began, time.process_time() - cpu
            cost = [*used, _read() - read, beyond()]
            os.write(target, json.dumps(cost).encode())
        except BaseException:  # noqa: BLE001 - as Python itself ends a process
            traceback.print_exc()
        os._exit(0)
    os.close(target)
    with open(source, "rb") as answer:
        text = answer.read()
    os.waitpid(pid, 0)
    if not text:
        raise RuntimeError("the work failed")
    return Cost(*json.loads(text))


def reset_peak() -> Callable[[], int]:
    """Forget the peak of this process; the function gives the bytes at the peak since then beyond
    those of now."""
    Path("/proc/self/clear_refs").write_text("5")
    before = _memory("VmRSS")
    return lambda: _memory("VmHWM") - before


def _memory(name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.M)
    assert found is not None
    return int(found[1]) << 10


def _read() -> int:
    return int(Path("/proc/self/io").read_text().split()[1])
