"""System errors that no part of the program expects, explained for people.

In: an exception. Out: the error to show in its place, where it is known what to do.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator

from biobench._common.files import NO_MORE_FILES
from biobench.errors import BiobenchError, UsageError

EXTENSION = "biobench._native"
MOST_SHOWN = 120
"""Characters of a path that is too long."""


def explained(error: BaseException) -> BiobenchError | None:
    """The error that says what to do, where ``error`` or one of its causes is a known one; else
    None."""
    for one in _chain(error):
        if _old_extension(one):
            return BiobenchError(
                f"the native extension is of another version than the package ({one})",
                remedy="install biobench again; in a checkout: make setup",
            )
        if _no_thread(one):
            return BiobenchError(
                "the system gives this process no more threads",
                remedy="give a smaller --workers, or raise the limit: ulimit -u, and --pids-limit "
                "of a container",
            )
        if _no_memory(one):
            return BiobenchError(
                "there is not enough memory",
                remedy="give a smaller --workers, or raise the limit: ulimit -v, and --memory of a "
                "container",
            )
        if _no_descriptor(one):
            return BiobenchError(
                "this process may open no more files",
                remedy="give a smaller --workers, or raise the limit: ulimit -n, and --ulimit "
                "nofile of a container",
            )
        if isinstance(one, OSError) and one.errno == errno.ENAMETOOLONG:
            path = os.fsdecode(one.filename or "")
            return UsageError(
                "a name or a path is too long for this disk",
                where=path if len(path) <= MOST_SHOWN else f"{path[:MOST_SHOWN]}...",
                remedy="give a shorter path",
            )
    return None


def without_descriptors(error: BaseException) -> bool:
    """True where an error says of a file what is true of the process: it may open no more."""
    return any(_no_descriptor(one) for one in _chain(error))


def require_working_folder() -> None:
    """Raise UsageError where the working folder has been removed: libraries fail without one, each
    in its own way."""
    try:
        os.getcwd()
    except OSError as error:
        raise UsageError(
            f"the working folder is not there any more ({error.strerror})",
            remedy="change to another folder (cd) and give the command again",
        ) from error


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and its causes, the latest first."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _old_extension(error: BaseException) -> bool:
    """True where the extension is there and lacks a name, as after an update of one of the two."""
    named = isinstance(error, ImportError) and error.name == EXTENSION
    return named and "cannot import name" in str(error)


def _no_descriptor(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.errno in NO_MORE_FILES


def _no_memory(error: BaseException) -> bool:
    if isinstance(error, ImportError):
        # A library that is there and cannot be mapped, in the words of the linker.
        return "failed to map segment" in str(error) or "cannot allocate memory" in str(error)
    return isinstance(error, MemoryError) or (
        isinstance(error, OSError) and error.errno == errno.ENOMEM
    )


def _no_thread(error: BaseException) -> bool:
    if isinstance(error, RuntimeError):
        return "can't start new thread" in str(error)
    # The errors of the native extension and of a fork; with a file name they mean something else.
    again = isinstance(error, OSError) and error.filename is None
    return again and os.strerror(errno.EAGAIN) in str(error)
