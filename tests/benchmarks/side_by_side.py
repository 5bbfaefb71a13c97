"""What the benchmarks share: two clocks, alternating rounds, drawn features, a Markdown table.

A machine is seldom idle, so quote ratios: the ways alternate, and a ratio is the median of the
rounds' own. CPU time is that of the process and its children, and says more than wall time where
others compute.
"""

from __future__ import annotations

import platform
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np


def cpu_seconds() -> float:
    """CPU time used by this process and its children."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


@dataclass
class Way:
    """One way of doing the work and what its rounds took, in seconds."""

    name: str
    work: Callable[[], Any]
    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)

    def run(self) -> Any:
        """Do the work once and keep its times."""
        cpu, wall = cpu_seconds(), time.perf_counter()
        result = self.work()
        self.wall.append(time.perf_counter() - wall)
        self.cpu.append(cpu_seconds() - cpu)
        return result


def alternate(ways: Sequence[Way], rounds: int) -> list[Any]:
    """Every way in turn, ``rounds`` times; their last results."""
    results: list[Any] = []
    for _ in range(rounds):
        results = [way.run() for way in ways]
    return results


def ratio(theirs: Sequence[float], ours: Sequence[float]) -> float:
    """How many times longer theirs took: the median of the rounds' ratios."""
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
