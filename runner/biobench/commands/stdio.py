"""Standard streams that the caller has closed (``2>&-``)."""

from __future__ import annotations

import os
import sys


def open_closed_streams() -> None:
    """Open standard streams that are closed on the null device.

    Otherwise a file that is opened later would get their number, and what a library writes to
    standard error would end up in it.
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
