"""The answer of an operation to input that the specification calls an error."""

from __future__ import annotations


class Invalid(Exception):
    """The input is an error by the specification; ``error`` is its id, such as ``value``.

    The answer to the case is then ``{"error": "<error id>"}``.
    """

    def __init__(self, error: str) -> None:
        self.error = error
        super().__init__(error)
