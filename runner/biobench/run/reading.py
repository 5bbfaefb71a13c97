"""Progress of reading the list of images of a task, where that takes long.

In: the name of a task. Out: after half a second of reading a line with what was read so far, then
progress; nothing of a list that is read sooner.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from biobench._common.output import print_note
from biobench._common.progress import Progress
from biobench._common.reading import Unit, listening

AFTER_S = 0.5
"""Seconds of reading before anything is shown: most lists take less."""


@contextmanager
def shown_reading(task: str, *, quiet: bool) -> Iterator[None]:
    """Show what is read in this context; ``quiet``: show nothing."""
    if quiet:
        yield
        return
    with ExitStack() as stack, listening(_Reading(task, stack).note):
        yield


class _Reading:
    """Count of what was read so far, and the progress of the unit that is read now."""

    def __init__(self, task: str, stack: ExitStack) -> None:
        self._title = f"{task}: reading the list of images"
        self._stack = stack
        self._started = time.monotonic()
        self._read: Counter[str] = Counter()
        self._unit: Unit | None = None
        self._progress: Progress | None = None

    def note(self, count: int, unit: Unit) -> None:
        """Count, and show it once reading has taken long."""
        self._read[unit] += count
        if self._progress is not None and unit == self._unit:
            self._progress.advance(count)
        elif time.monotonic() - self._started >= AFTER_S:
            if self._progress is None:
                print_note(f"biobench: {self._title}: {self._read[unit]} {unit} so far")
            self._stack.pop_all().close()
            self._progress = Progress(self._title, None, unit=unit)
            self._progress.skip(self._read[unit])
            self._stack.enter_context(self._progress)
            self._unit = unit
