"""A claim that a process holds: a file that it touches as long as it works.

In: the file, open, and its text. Out: signs of life, and its end.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from biobench._common.files import read_regular

STILL_S = 900.0
"""Seconds after which a process that used next to no processor time gives no further sign: its work
stands still, as on a disk that does not answer."""
LEAST_SHARE = 0.002
"""Share of one core that a process uses at least while its work goes on."""
DONE = ".done"
"""End of the name of a file of what is done."""
MOST_BYTES = 1 << 16
"""Most bytes of a claim."""


class Claim:
    """A claim that this process holds; it is touched by a thread until it ends, as long as the
    process works.

    Attributes:
        inherited: True where it was taken over, so that some of the work may be done.
    """

    def __init__(
        self,
        path: Path,
        text: bytes,
        handle: int,
        interval_s: float,
        still_s: float,
        *,
        inherited: bool,
    ) -> None:
        self.inherited = inherited
        self._path = path
        self._text = text
        self._handle = handle
        self._still_s = still_s
        self._ended = threading.Event()
        self._thread = threading.Thread(
            target=self._beat, args=(interval_s,), name="claim", daemon=True
        )
        self._thread.start()

    @property
    def held(self) -> bool:
        """True while no other process has taken the claim over."""
        return holds_text(self._path, self._text)

    def finish(self) -> None:
        """End the claim, and note that the work is done."""
        self._end(lambda: os.rename(self._path, f"{self._path}{DONE}"))

    def release(self) -> None:
        """End the claim; the work is open again."""
        self._end(lambda: os.unlink(self._path))

    def _end(self, act: Callable[[], Any]) -> None:
        if self._ended.is_set():
            return
        self._ended.set()
        self._thread.join()
        with contextlib.suppress(OSError):
            if self.held:
                act()
        os.close(self._handle)

    def _beat(self, interval_s: float) -> None:
        since, before = time.monotonic(), _time_of_others()
        while not self._ended.wait(interval_s):
            # This thread goes on whatever the others wait for; what they do takes time.
            now, used = time.monotonic(), _time_of_others()
            if used - before >= LEAST_SHARE * self._still_s:
                since, before = now, used
            if now - since > self._still_s:
                continue
            with contextlib.suppress(OSError):
                # By the open file: after a takeover the path is another process's claim.
                os.utime(self._handle)


def _time_of_others() -> float:
    """Seconds of processor time of this process without the calling thread's own."""
    return time.process_time() - time.thread_time()


def holds_text(path: Path, text: bytes) -> bool:
    """True where a file has this content."""
    try:
        return read_regular(path, MOST_BYTES) == text
    except OSError:
        return False
