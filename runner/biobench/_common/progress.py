"""Progress of a long stage: a bar on a terminal, in a notebook a line that updates itself, plain
lines in a log, nothing when quiet."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

from biobench._common.notebook_line import NotebookLine, notebook_line
from biobench._common.output import console, print_note
from biobench.errors import shown

if TYPE_CHECKING:
    from rich.progress import ProgressColumn

LOG_EVERY_S = 10.0
DRAW_EVERY_S = 0.1
NOTEBOOK_EVERY_S = 0.5
AMOUNT, LEFT, RATE, BAR = 22, 10, 11, 8
"""Characters: an amount of an unknown total, the time left, a rate beside its unit, a bar of use;
with the spaces before them."""


class Progress:
    """Progress of the images of one task, on standard error, so that results can be piped.

    Args:
        title: Name of the work.
        total: Units to count; None where it is not known.
        unit: Name of a unit, in the plural.
        show: Formats an amount for people; without it, an amount is a number of ``unit``.
        quiet: Show nothing.
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
        self._title = shown(title)
        self._total = total
        self._number = show or (lambda amount: f"{amount:.0f}")
        self._unit = "" if show else f" {unit}"
        self._quiet = quiet or total == 0
        self._done = 0
        self._skipped = 0
        self._started = self._logged = time.monotonic()
        self._drawn = 0.0
        self._bar: object | None = None
        self._line: NotebookLine | None = None

    def __enter__(self) -> Progress:
        self._line = None if self._quiet else notebook_line()
        if self._line is not None:
            self._line.show(f"{self._title}: {self._amount(self._done)}")
        elif not self._quiet and sys.stderr.isatty():
            from rich.progress import Progress as Bar

            screen = console(stderr=True)
            self._bar = Bar(*self._columns(screen.width), console=screen, transient=True)
            self._bar.start()
            self._task = self._bar.add_task(self._title, total=self._total, rate="", done="")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._line is not None:
            self._line.show(f"{self._title}: {self._amount(self._done)}")
        if self._bar is not None:
            self._bar.stop()  # type: ignore[attr-defined]

    def _columns(self, width: int) -> list[ProgressColumn]:
        """Columns that fit a terminal of ``width`` characters: the amount and the time left, then
        the title, the rate, and last the bar."""
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.table import Column

        most = AMOUNT if self._total is None else len(self._amount(self._total))
        room = width - most - LEFT
        narrow = Column(no_wrap=True, max_width=max(room, 1))
        columns: list[ProgressColumn] = [
            TextColumn("{task.description}", markup=False, table_column=narrow),
            TextColumn("{task.fields[done]}", markup=False),
            TimeRemainingColumn(),
        ]
        room -= len(self._title) + 1 + RATE + len(self._unit)
        if room >= 0:
            columns.insert(2, TextColumn("{task.fields[rate]}", markup=False))
        if room > BAR:
            columns.insert(1, BarColumn(bar_width=None))
        return columns

    def skip(self, count: int) -> None:
        """Count units that were known already: done, but not part of the rate."""
        self._done += count
        self._skipped += count

    def restart(self, total: int | None, done: int) -> None:
        """Start again with ``done`` of ``total`` units known already."""
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
                    self._task,
                    completed=self._done,
                    rate=self._rate(now)[1],
                    done=self._amount(self._done),
                )
        elif self._line is not None and now - self._drawn >= NOTEBOOK_EVERY_S:
            self._drawn = now
            self._line.show(self._report(now))
        elif self._line is None and now - self._logged >= LOG_EVERY_S:
            self._logged = now
            print_note(self._report(now))

    def _report(self, now: float) -> str:
        rate, text = self._rate(now)
        line = f"{self._title}: {self._amount(self._done)}, {text}"
        if self._total is not None:
            line += f", {(self._total - self._done) / max(rate, 1e-9):.0f} s left"
        return line

    def _rate(self, now: float) -> tuple[float, str]:
        rate = (self._done - self._skipped) / max(now - self._started, 1e-9)
        return rate, f"{self._number(rate)}{self._unit}/s"

    def _amount(self, done: float) -> str:
        text = self._number(done)
        if self._total is not None:
            text += f" of {self._number(self._total)}"
        return text + self._unit
