"""Counts while lists of images are read: rows of tables, items made of them, files in folders.

In: whoever reads says how much it has read. Out: a listener hears of it, who is set by whoever
waits; the stages between them need not pass it on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

Unit = Literal["rows", "items", "files"]
Listener = Callable[[int, Unit], None]

OFTEN = 1024
"""Units between two counts: a count a unit would take longer than some units do."""

_LISTENER: ContextVar[Listener | None] = ContextVar("reading", default=None)


def note_read(count: int, unit: Unit) -> None:
    """Say that ``count`` more units were read."""
    listener = _LISTENER.get()
    if listener is not None:
        listener(count, unit)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Have a listener hear of what is read in this context."""
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)
