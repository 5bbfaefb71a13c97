"""Progress of a long stage: a bar on a terminal, plain lines in a log, nothing when quiet."""

from __future__ import annotations

import sys
import time
from types import TracebackType

LOG_EVERY_S = 10.0


class Progress:
    """Counts images of one task. Writes to standard error, so that results can be piped."""

    def __init__(
        self, title: str, total: int, *, unit: str = "images", quiet: bool = False
    ) -> None:
        self._title = title
        self._total = total
        self._unit = unit
        self._quiet = quiet or total == 0
        self._done = 0
        self._skipped = 0
        self._started = self._logged = time.monotonic()
        self._bar: object | None = None

    def __enter__(self) -> Progress:
        if not self._quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            self._bar = Bar(
                TextColumn("{task.description}"),
                BarColumn(bar_width=None),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]}"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task(self._title, total=self._total, rate="")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()  # type: ignore[attr-defined]

    def skip(self, count: int) -> None:
        """Count units that were known already: done, but no measure of speed."""
        self._done += count
        self._skipped += count
        if self._bar is not None:
            self._bar.update(self._task, advance=count)  # type: ignore[attr-defined]

    def advance(self, count: int) -> None:
        """Count ``count`` more units as done."""
        self._done += count
        if self._quiet:
            return
        now = time.monotonic()
        rate = (self._done - self._skipped) / max(now - self._started, 1e-9)
        text = f"{rate:.0f} {self._unit}/s"
        if self._bar is not None:
            self._bar.update(self._task, advance=count, rate=text)  # type: ignore[attr-defined]
        elif now - self._logged >= LOG_EVERY_S:
            self._logged = now
            left = (self._total - self._done) / max(rate, 1e-9)
            done = f"{self._done}/{self._total} {self._unit}"
            print(f"{self._title}: {done}, {text}, {left:.0f} s left", file=sys.stderr, flush=True)
