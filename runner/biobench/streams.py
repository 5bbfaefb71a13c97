"""Standard streams: those that the caller has closed (``2>&-``), and characters that one lacks."""

from __future__ import annotations

import codecs
import io
import json
import os
import sys

ESCAPED = "biobench-escaped"
"""Name of the error handler that :func:`escape_what_is_lacking` registers."""


def open_closed_streams() -> None:
    """Let standard streams that are closed lead to the null device.

    A file that is opened later would get their number, and what a library writes to standard error
    would land in it.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            # The lowest number that is free, which is this one.
            os.open(os.devnull, os.O_RDWR)
        if getattr(sys, name) is None:
            # It is there as long as the process.
            stream = open(number, mode, closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)


def escape_what_is_lacking() -> None:
    """Let standard output and standard error write characters that their encoding lacks as JSON
    escapes: an ASCII terminal, or a name that is not UTF-8, must not end a run.

    JSON that is printed stays the same JSON.
    """
    codecs.register_error(ESCAPED, _escape)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=ESCAPED)


def _escape(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


def as_text(argument: str) -> str:
    """An argument or a variable as text that a document can hold: bytes that are not UTF-8 become
    escapes such as ``\\\\udcff``."""
    return argument.encode("utf-8", "backslashreplace").decode()
