"""Progress of a long stage: a bar on a terminal, plain lines in a log, nothing when quiet."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType

LOG_EVERY_S = 10.0
DRAW_EVERY_S = 0.1


class Progress:
    """Counts images of one task. Writes to standard error, so that results can be piped.

    ``total`` is null where nobody knows it. ``show`` writes an amount for people; without it, it
    is a number of ``unit``.
    """

    def __init__(
        self,
        title: str,
        total: int | None,
        *,
        unit: str = "images",
        show: Callable[[float], str] | None = None,
        quiet: bool = False,
    ) -> None:
        self._title = title
        self._total = total
        self._number = show or (lambda amount: f"{amount:.0f}")
        self._unit = "" if show else f" {unit}"
        self._quiet = quiet or total == 0
        self._done = 0
        self._skipped = 0
        self._started = self._logged = time.monotonic()
        self._drawn = 0.0
        self._bar: object | None = None

    def __enter__(self) -> Progress:
        if not self._quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            self._bar = Bar(
                TextColumn("{task.description}"),
                BarColumn(bar_width=None),
                TextColumn("{task.fields[done]}"),
                TextColumn("{task.fields[rate]}"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task(self._title, total=self._total, rate="", done="")
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

    def restart(self, total: int | None, done: int) -> None:
        """Begin anew with ``done`` of ``total`` units known already."""
        self._total = total
        self._done = self._skipped = done
        self._started = time.monotonic()
        if self._bar is not None:
            self._bar.update(self._task, total=total, completed=done)  # type: ignore[attr-defined]

    def advance(self, count: int) -> None:
        """Count ``count`` more units as done."""
        self._done += count
        if self._quiet:
            return
        now = time.monotonic()
        if self._bar is not None:
            if now - self._drawn >= DRAW_EVERY_S or self._done == self._total:
                self._drawn = now
                self._bar.update(  # type: ignore[attr-defined]
                    self._task, completed=self._done, rate=self._rate(now)[1], done=self._amount()
                )
        elif now - self._logged >= LOG_EVERY_S:
            self._logged = now
            rate, text = self._rate(now)
            line = f"{self._title}: {self._amount()}, {text}"
            if self._total is not None:
                line += f", {(self._total - self._done) / max(rate, 1e-9):.0f} s left"
            print(line, file=sys.stderr, flush=True)

    def _rate(self, now: float) -> tuple[float, str]:
        rate = (self._done - self._skipped) / max(now - self._started, 1e-9)
        return rate, f"{self._number(rate)}{self._unit}/s"

    def _amount(self) -> str:
        done = self._number(self._done)
        if self._total is not None:
            done += f" of {self._number(self._total)}"
        return done + self._unit
