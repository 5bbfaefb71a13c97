"""Error of an archive that holds what it must not."""

from __future__ import annotations


class ArchiveError(Exception):
    """An archive, or an entry of it, that is not unpacked; the text says what and why.

    remedy: what to do where a new copy or the publisher would not help.
    """

    def __init__(self, what: str, remedy: str | None = None) -> None:
        self.remedy = remedy
        super().__init__(what)
