"""The errors that a user can meet, each with the exit code of the command line.

Every message is one line: what is wrong, where (file, item, pointer), and what to do. What comes
from data is escaped here, so whoever prints a message need not think of it. Escaping is idempotent,
so a text may pass through it more than once.
"""

from __future__ import annotations

import re
from typing import ClassVar

LONGEST = 4_000
"""Characters of one part of a message; ten names of long paths take less."""
MARK = 36
"""Characters of the note that replaces the middle of a long text."""
# Characters that Unicode counts as printable and that draw nothing: fillers, the joiner of
# graphemes, selectors of variants, and the blank of Braille.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)


def counted(count: int, singular: str, plural: str | None = None) -> str:
    """A number with its noun: 1 fault, 2 faults."""
    return f"{count} {singular if count == 1 else plural or singular + 's'}"


def is_visible(text: str) -> bool:
    """True where every character of ``text`` is printed, draws something and leaves others as they
    are."""
    return text.isprintable() and _INVISIBLE.search(text) is None


def shown(text: str, most: int | None = None) -> str:
    """Escape ``text`` to one line; a character that is not visible is written as Python escapes it.

    These are controls (C0, C1), characters that turn or join text (bidi, zero width), separators of
    lines, lone surrogates, and spaces other than the plain one.

    Args:
        text: Any text.
        most: Characters of the result, about; the middle of a longer one is left out.
    """
    # Before it is escaped too, so that no time is spent on text that is then cut away.
    text = _cut(text, most)
    if is_visible(text):
        return text
    return _cut("".join(c if is_visible(c) else ascii(c)[1:-1] for c in text), most)


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


def _cut(text: str, most: int | None) -> str:
    if most is None or len(text) <= most:
        return text
    # With the note in the middle it is not longer than ``most``, and is not cut again.
    tail = (most - MARK) // 3
    head = most - MARK - tail
    return f"{text[:head]}...({len(text) - head - tail} characters)...{text[-tail:]}"
