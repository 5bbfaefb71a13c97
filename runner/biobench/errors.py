"""The errors that a user can meet, each with the exit code of the command line.

Every message is one line: what is wrong, where (file, item, pointer), and what to do. What comes
from data is escaped here, so whoever prints a message need not think of it.
"""

from __future__ import annotations

from typing import ClassVar

from biobench._common.text import LONGEST, shown


def counted(count: int, singular: str, plural: str | None = None) -> str:
    """A number with its noun: 1 fault, 2 faults."""
    return f"{count} {singular if count == 1 else plural or singular + 's'}"


class BiobenchError(Exception):
    """Base of all expected errors. ``exit_code`` is the status of the command line."""

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, where: str | None = None, remedy: str | None = None) -> None:
        self.what = shown(what, LONGEST)
        self.where = None if where is None else shown(where, LONGEST)
        self.remedy = None if remedy is None else shown(remedy, LONGEST)
        parts = [f"{self.where}: {self.what}" if self.where else self.what]
        if self.remedy:
            parts.append(self.remedy)
        super().__init__("; ".join(parts))


class UsageError(BiobenchError):
    """The arguments of a command or call do not fit together (exit 2)."""

    exit_code = 2


class ArgumentError(UsageError, ValueError):
    """An argument of an estimator or a metric has a value that is not allowed; a ValueError too,
    which is what users of scikit-learn catch."""


class DataError(BiobenchError):
    """Images or label files are missing, unreadable or inconsistent (exit 3)."""

    exit_code = 3


class SpecError(BiobenchError):
    """A specification document is not valid (exit 4)."""

    exit_code = 4


class ModelError(BiobenchError):
    """A model is unknown, cannot be loaded, or gives unusable features (exit 5)."""

    exit_code = 5


class VerificationError(BiobenchError):
    """A claim of a result does not hold (exit 6)."""

    exit_code = 6
