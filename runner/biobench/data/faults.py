"""Structural faults of a data set, gathered so that one message shows them all.

In: faults, in the order in which a layout meets them. Out: one DataError, exit 3.
"""

from __future__ import annotations

from biobench.errors import DataError

SHOWN = 10
"""How many faults a message lists; the rest are counted."""


def shown(name: str) -> str:
    """A name fit for a one-line message: control characters and undecodable bytes are escaped."""
    if name.isprintable():
        return name
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name)


class Faults:
    """Faults of one data set. Each is ``name: what is wrong``; ``remedy`` is what to do."""

    def __init__(self, remedy: str = "repair the folder, or unpack the data set again") -> None:
        self._remedy = remedy
        self._listed: list[str] = []
        self._count = 0

    def add(self, name: str, what: str) -> None:
        """Record one fault of the file, folder or item ``name``."""
        self._count += 1
        if self._count <= SHOWN:
            self._listed.append(f"{shown(name)}: {what}")

    @property
    def count(self) -> int:
        """How many there are."""
        return self._count

    def raise_if_any(self, where: str) -> None:
        """Raise DataError with the first ten faults and their count; do nothing without a fault."""
        if not self._count:
            return
        heading = "1 fault" if self._count == 1 else f"{self._count} faults"
        if self._count > SHOWN:
            heading += f", the first {SHOWN} are"
        raise DataError(
            f"{heading}: " + "; ".join(self._listed),
            where=shown(where),
            remedy=self._remedy,
        )
