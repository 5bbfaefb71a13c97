"""What an archive must not hold."""

from __future__ import annotations


class Refused(Exception):
    """An archive, or an entry of it, that is not unpacked; the text says what and why."""
