"""Processor time that means the same on machines of different speed, and on a busy one.

Other work on a core, a slower clock and a shared cache make a second of work longer, by a factor of
four on the machines that these tests run on. A bound in plain seconds therefore fails where nothing
is wrong, or is so wide that it protects nothing. So a fixed piece of work is timed beside what is
bounded, and what that took is stated in seconds of the machine that the bounds are written for.
"""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

REFERENCE_S = 0.0100
"""What :func:`work` takes on the machine that CONTRIBUTING states times of, with nothing else
running: two cores of an AMD EPYC, CPython 3.11."""
TEXT = json.dumps({f"key {i}": [i, i / 7, str(i)] for i in range(10_000)})


def work() -> None:
    """The fixed piece of work."""
    total = 0
    for value in json.loads(TEXT).values():
        total += sum(len(str(part)) for part in value)
    assert total > 0


def reference() -> float:
    """Seconds of processor time that :func:`work` takes now, the least of three."""
    times = []
    for _ in range(3):
        began = time.thread_time()
        work()
        times.append(time.thread_time() - began)
    return min(times)


def slowness() -> float:
    """How many times longer work takes now than on the machine of the bounds."""
    return reference() / REFERENCE_S


def delay() -> float:
    """As :func:`slowness`, by the clock on the wall: other work that has the cores counts too. For
    bounds on what a person waits for; a fifth of a second of work is looked at."""
    began = time.perf_counter()
    for _ in range(20):
        work()
    return max(1.0, (time.perf_counter() - began) / 20 / REFERENCE_S)


@dataclass
class Spent:
    """``seconds``: processor time of this process and of the ended ones that it started, within the
    block, in the bounds' seconds."""

    seconds: float = float("nan")


def _used() -> float:
    """Processor time so far, in seconds."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


@contextmanager
def processor_time() -> Iterator[Spent]:
    """Measure the block, with the reference before and after it."""
    spent, before, began = Spent(), slowness(), _used()
    yield spent
    used = _used() - began
    spent.seconds = used / max(before, slowness())
