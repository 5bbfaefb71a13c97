"""Errors of one address, by what to do about them."""

from __future__ import annotations


class TransferError(Exception):
    """One try failed. ``what`` is for people."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class TransientError(TransferError):
    """May be over soon: try the same address again after a while.

    wait: seconds that the host asks for. ``weight`` is how many tries it counts for.
    """

    weight = 1

    def __init__(self, what: str, *, wait: float | None = None) -> None:
        super().__init__(what)
        self.wait = wait


class Unreachable(TransientError):
    """There is no connection to the host: no network, no such name, nobody listening."""

    weight = 2


class ContentChanged(TransferError):
    """The kept part belongs to other bytes than what is there now: begin this file anew."""


class PermanentError(TransferError):
    """The address does not give the file: go on with the next one."""
