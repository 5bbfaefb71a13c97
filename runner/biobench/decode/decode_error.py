"""The reason for which a file gives no pixels, with a stable name."""

from __future__ import annotations


class DecodeError(Exception):
    """A file that is not decoded.

    kind: ``unreadable`` (Pillow refuses it), ``truncated``, ``unsupported-feature`` or
        ``too-large``; the native layer reports it as the kind of the item's error.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
