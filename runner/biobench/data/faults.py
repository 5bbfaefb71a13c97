"""Structural faults of a data set, gathered so that one message shows them all.

In: faults, in the order in which a layout meets them. Out: one DataError, exit 3.
"""

from __future__ import annotations

from biobench.errors import DataError, counted

SHOWN = 10
"""How many kinds of fault a message lists; the rest are counted."""
NAMED = 3
"""How many faults of a kind are listed before they are counted."""


def shown(name: str) -> str:
    """A name fit for a one-line message: control characters and undecodable bytes are escaped."""
    if name.isprintable():
        return name
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name)


class Faults:
    """Faults of one data set. Each is ``name: what is wrong``; ``remedy`` is what to do.

    More than three of the same kind are one entry, with the first name and a count.
    """

    def __init__(self, remedy: str = "repair the folder") -> None:
        self._remedy = remedy
        self._listed: dict[str, list[str]] = {}
        self._counts: dict[str, int] = {}
        self._count = 0
        self._more = False

    def add(self, name: str, what: str) -> None:
        """Record one fault of the file, folder or item ``name``."""
        self._count += 1
        if what not in self._listed and len(self._listed) == SHOWN:
            self._more = True
            return
        names = self._listed.setdefault(what, [])
        self._counts[what] = self._counts.get(what, 0) + 1
        if len(names) < NAMED:
            names.append(shown(name))

    @property
    def count(self) -> int:
        """How many there are."""
        return self._count

    def _entry(self, what: str) -> str:
        names, count = self._listed[what], self._counts[what]
        if count > len(names):
            return f"{names[0]} and {count - 1} more: {what}"
        return "; ".join(f"{name}: {what}" for name in names)

    def raise_if_any(self, where: str) -> None:
        """Raise DataError with the first ten kinds of fault and the number of faults, if any."""
        if not self._count:
            return
        heading = counted(self._count, "fault")
        if self._more:
            heading += f", the first {SHOWN} are"
        raise DataError(
            f"{heading}: " + "; ".join(map(self._entry, self._listed)),
            where=shown(where),
            remedy=self._remedy,
        )
