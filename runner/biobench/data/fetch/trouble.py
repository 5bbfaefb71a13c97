"""What can go wrong with one address, by what to do about it."""

from __future__ import annotations


class Trouble(Exception):
    """One try failed. ``what`` is for people."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class Passing(Trouble):
    """May be over soon: try the same address again after a while.

    wait: seconds that the host asks for; weight: how many tries it counts for.
    """

    def __init__(self, what: str, *, wait: float | None = None, weight: int = 1) -> None:
        super().__init__(what)
        self.wait = wait
        self.weight = weight


class Changed(Trouble):
    """What was kept belongs to other bytes than what is there now: begin this file anew."""


class Lasting(Trouble):
    """The address does not give the file: go on with the next one."""
