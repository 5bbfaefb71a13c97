"""The exact engine with as many threads as are asked for."""

from __future__ import annotations

import os

from biobench._native import Engine
from biobench.errors import UsageError

VARIABLE = "BIOBENCH_ENGINE_ISA"
"""Lowers the choice of the instruction set, for tests; empty is as if it were not set."""


def engine(threads: int = 1) -> Engine:
    """An engine of ``threads`` threads, or of one where the system gives no more.

    Raises:
        ValueError: No threads are asked for.
        UsageError: The environment variable names an instruction set that this processor lacks.
    """
    try:
        return Engine(threads)
    except OSError:
        return Engine(1)
    except ValueError as error:
        if not os.environ.get(VARIABLE):  # no threads
            raise
        raise UsageError(str(error), where=VARIABLE, remedy="unset it") from error
