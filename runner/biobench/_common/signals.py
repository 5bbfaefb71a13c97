"""Ctrl-C and SIGTERM as exceptions that unwind the command, wherever it is in its work."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import NoReturn

HANDLED = (signal.SIGINT, signal.SIGTERM)
_IMPORTING = "<frozen importlib._bootstrap>"
_AGAIN_S = 0.02
"""Seconds until it is tried again to raise."""
_PATIENCE_S = 5.0
"""Most seconds that a signal waits for an import."""


class Interrupted(BaseException):
    """Ctrl-C was pressed: unwind.

    No KeyboardInterrupt, of which Python itself takes note where it passes through code that a
    library made from text: the process would end by the signal, and not with our exit code.
    """


class Terminated(BaseException):
    """SIGTERM arrived: unwind, so that nothing is left half written."""


_asked: list[tuple[int, float]] = []
"""The signals that arrived, and when, in seconds of the monotonic clock."""


def handle_signals() -> None:
    """Raise Interrupted or Terminated in the main thread when Ctrl-C or SIGTERM arrives, from
    :func:`let_signals_in` on.

    Not while modules are imported: native code of libraries calls Python then, and aborts the
    process where that raises. After five seconds, or with a second signal, it does not wait for it.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
    for number in HANDLED:
        signal.signal(number, _ask)
    signal.signal(signal.SIGALRM, _raise_later)
    sys.unraisablehook = _unraisable


def ignore_signals() -> None:
    """Let a signal change nothing from here on."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    for number in HANDLED:
        signal.signal(number, signal.SIG_IGN)


def let_signals_in() -> None:
    """Let signals arrive, and those that were kept back."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)


@contextlib.contextmanager
def terminating_later(say: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Note the first SIGTERM instead of raising; gives a function that says whether it arrived.

    ``say`` is called when it does. A second one raises, as Ctrl-C does. Without
    :func:`handle_signals`, and outside the main thread, nothing is changed.
    """
    arrived: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if arrived:
            _ask(number, frame)
        arrived.append(number)
        say()

    handled = signal.getsignal(signal.SIGTERM) is _ask
    if handled:
        signal.signal(signal.SIGTERM, note)
    try:
        yield lambda: bool(arrived)
    finally:
        if handled and signal.getsignal(signal.SIGTERM) is note:
            signal.signal(signal.SIGTERM, _ask)


def terminate() -> NoReturn:
    """Raise Terminated, as for a SIGTERM that arrives now."""
    ignore_signals()
    raise Terminated


def raise_again() -> None:
    """Raise for a signal that arrived, where native code of a library has made an error of its own
    of what was raised for it."""
    if _asked:
        _raise()


def _ask(number: int, frame: FrameType | None) -> None:
    _asked.append((number, time.monotonic()))
    if len(_asked) == 1 and _is_import(frame):
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)
        return
    _raise()


def _raise_later(number: int, frame: FrameType | None) -> None:
    del number
    if _is_import(frame) and time.monotonic() - _asked[0][1] < _PATIENCE_S:
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)
        return
    _raise()


def _raise() -> NoReturn:
    # Unwinding takes until the running micro-batches end; a second signal must not break it off.
    ignore_signals()
    raise Terminated if _asked[-1][0] == signal.SIGTERM else Interrupted


def _is_import(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == _IMPORTING:
            return True
        frame = frame.f_back
    return False


def _unraisable(problem: sys.UnraisableHookArgs) -> None:
    """Try again where Python could not pass the exception on, as from a finaliser."""
    if problem.exc_type in (Interrupted, Terminated):
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)
    else:
        sys.__unraisablehook__(problem)
