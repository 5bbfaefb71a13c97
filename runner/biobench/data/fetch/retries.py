"""Number of tries, and the waits between them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


@dataclass(frozen=True)
class RetryPolicy:
    """Number of tries of an address, and the waits between them.

    Waits double from ``first_s`` to ``longest_s``. ``tries`` are those in a row that brought less
    than ``least_bytes``, and how often a file may begin anew; ``most_tries`` are those of one
    address whatever they brought. A host that asks for more than ``longest_asked_s`` is left alone,
    a connection that brings less than ``least_bytes`` in ``window_s`` is ended, and more than
    ``most_unsaid`` bytes are not taken where nobody says how many there are.
    """

    tries: int = 6
    least_bytes: int = 64 << 10
    most_tries: int = 1000
    most_unsaid: int = 256 << 30
    first_s: float = 1.0
    longest_s: float = 60.0
    longest_asked_s: float = 600.0
    connect_s: float = 20.0
    stall_s: float = 60.0
    window_s: float = 120.0
    sleep: Callable[[float], None] = time.sleep

    def wait_s(self, failures: int, asked: float | None) -> float:
        """Seconds before the next try after so many failures in a row."""
        own = min(self.longest_s, self.first_s * 2.0 ** min(failures - 1, 30))
        return own if asked is None else max(own, asked)


def asked_wait(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds of a ``Retry-After`` header (a number or a date), None where it says nothing."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])
    try:
        date = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - (now or datetime.now(UTC))).total_seconds())
