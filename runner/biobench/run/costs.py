"""Costs of a run: seconds by stage, and memory."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Stopwatch:
    """Wall and processor time since it was made, and wall time by stage, in seconds."""

    stages: dict[str, float] = field(default_factory=dict)
    _wall: float = field(default_factory=time.perf_counter)
    _cpu: float = field(default_factory=time.process_time)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time one stage."""
        started = time.perf_counter()
        yield
        self.stages[name] = time.perf_counter() - started

    def wall(self) -> float:
        """Seconds of wall time."""
        return time.perf_counter() - self._wall

    def cpu(self) -> float:
        """Seconds of processor time, all threads."""
        return time.process_time() - self._cpu


def peak_memory_bytes() -> int:
    """The largest resident size of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
