"""Structural faults of a data set, gathered so that one message shows them all.

In: faults, in the order in which a layout meets them. Out: one DataError, exit 3.
"""

from __future__ import annotations

from collections.abc import Iterator

from biobench.errors import DataError, counted, shown

SHOWN = 10
"""Most kinds of fault that a message lists, and most names in all; the rest are counted."""
MOST_SINGLE = 3
"""Most faults of a kind that are listed apart, each with its own words."""

MOST_NAME = 300
MOST_WORDS = 1500
"""Characters of a name, and of the description of its fault."""


class Faults:
    """Faults of one data set, each as ``name: fault``; ``remedy`` says what to do.

    More than three of the same kind are one entry, with the first names and a count.
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
        what = shown(what, MOST_WORDS)
        if what not in self._listed and len(self._listed) == SHOWN:
            self._more = True
            return
        names = self._listed.setdefault(what, [])
        self._counts[what] = self._counts.get(what, 0) + 1
        if len(names) < SHOWN:
            names.append(shown(name, MOST_NAME))

    def add_unlisted(self, count: int) -> None:
        """Count faults beside those of the :data:`SHOWN` kinds that were added."""
        self._count += count
        self._more = self._more or count > 0

    @property
    def count(self) -> int:
        """Number of faults."""
        return self._count

    def raise_if_any(self, where: str) -> None:
        """Raise DataError with the first ten names, ten kinds and the number of faults, if any."""
        if not self._count:
            return
        heading = counted(self._count, "fault")
        if self._more:
            heading += f", the first {SHOWN} are"
        raise DataError(
            f"{heading}: " + "; ".join(self._entries()),
            where=shown(where),
            remedy=self._remedy,
        )

    def _entries(self) -> Iterator[str]:
        """A text for each kind. Every kind has a name; the rest of the ten names go to the first
        kind."""
        spare = SHOWN - len(self._listed)
        for what, names in self._listed.items():
            count = self._counts[what]
            told = names[: 1 + spare]
            spare -= len(told) - 1
            if count == len(told) <= MOST_SINGLE:
                yield "; ".join(f"{name}: {what}" for name in told)
                continue
            rest = f" and {count - len(told)} more" if count > len(told) else ""
            yield f"{', '.join(told)}{rest}: {what}"
