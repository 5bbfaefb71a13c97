"""Parts of every benchmark: two clocks, alternating rounds, drawn features, a Markdown table.

A machine is seldom idle, so quote ratios: the ways alternate, and a ratio is the median of the
rounds' own. CPU time is that of the process and its children, and says more than wall time where
others compute.
"""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from peers.protocol import cpu_seconds

Times = tuple[Any, float, float]
"""The value that work returned, its CPU time and its wall time in seconds."""


def timed(work: Callable[[], Any]) -> Times:
    """Do the work in this process."""
    cpu, wall = cpu_seconds(), time.perf_counter()
    result = work()
    return result, cpu_seconds() - cpu, time.perf_counter() - wall


@dataclass
class Way:
    """One way of doing the work and what its rounds took, in seconds."""

    name: str
    clock: Callable[[], Times]
    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)

    @classmethod
    def here(cls, name: str, work: Callable[[], Any]) -> Way:
        """In this process, its libraries as they come."""
        return cls(name, lambda: timed(work))

    def run(self) -> Any:
        """Do the work once and keep its times."""
        result, cpu, wall = self.clock()
        self.cpu.append(cpu)
        self.wall.append(wall)
        return result


def alternate(ways: Sequence[Way], rounds: int) -> list[Any]:
    """Every way in turn, ``rounds`` times; their last results."""
    results: list[Any] = []
    for _ in range(rounds):
        results = [way.run() for way in ways]
    return results


def ratio(theirs: Sequence[float], ours: Sequence[float]) -> float:
    """The ratio of their time to ours: the median of the rounds' ratios."""
    return statistics.median(a / b for a, b in zip(theirs, ours, strict=True))


def table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table."""
    for row in (heading, ["---"] * len(heading), *rows):
        print(f"| {' | '.join(row)} |" if row[0] != "---" else f"|{'|'.join(row)}|")
    print(flush=True)


def processor() -> str:
    """Number and name of the processors."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.machine()


def versions(*packages: str) -> str:
    """The machine, Python and the versions of packages, biobench the last."""
    found = ", ".join(f"{name} {version(name)}" for name in (*packages, "biobench"))
    return f"{processor()}; Python {platform.python_version()}, {found}"


def drawn_features(
    rows: int, features: int, classes: int, separation: float
) -> tuple[np.ndarray, np.ndarray]:
    """Features float32 (rows, features) and class ids, equally many of each.

    The i-th principal axis has variance 1 / i, as those of frozen backbones about have; classes
    differ by ``separation`` deviations along every axis.
    """
    random = np.random.Generator(np.random.PCG64(1))
    ids = random.permutation(np.arange(rows) % classes)
    deviations = np.arange(1, features + 1) ** -0.5
    axes, _ = np.linalg.qr(random.normal(size=(features, features)))
    turned = (axes * deviations[:, None]).astype(np.float32)
    points = random.standard_normal((rows, features), dtype=np.float32)
    points += separation * random.standard_normal((classes, features), dtype=np.float32)[ids]
    return points @ turned, ids
