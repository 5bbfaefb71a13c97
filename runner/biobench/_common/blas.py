"""Matrix products on one thread (SPEC.md, section "Levels").

Their sums then have one order on a machine, whatever the number of its cores.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep NumPy's and SciPy's matrix library to one thread a call, in the whole process.

    Where several threads compute side by side, their caller enters this before them: the first to
    leave would otherwise give the threads back to the others.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped,unused-ignore]

    with threadpool_limits(1, user_api="blas"):
        yield
