"""Problems of a document, as values (SPEC.md, section "Documents").

In: a document's file, line and JSON pointer. Out: one line for people, one error id for tools.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from biobench.errors import SpecError


@dataclass(frozen=True)
class Problem:
    """One flaw of a document.

    Attributes:
        line: Line from 1; None where the flaw is the whole file's or the file is JSON.
        pointer: An RFC 6901 pointer, empty for the document.
        error: One of the ids of SPEC.md, section "Documents" (``unknown-key``, ...).
    """

    file: str
    line: int | None
    pointer: str
    message: str
    remedy: str
    error: str

    @property
    def place(self) -> str:
        """File, line and pointer, as far as they exist."""
        line = "" if self.line is None else f":{self.line}"
        return f"{self.file}{line}" + (f" {self.pointer}" if self.pointer else "")

    def __str__(self) -> str:
        return f"{self.place}: {self.message}; {self.remedy}"

    def exception(self) -> SpecError:
        """The problem as the error that ends a command."""
        return SpecError(self.message, where=self.place, remedy=self.remedy)


def escape(key: str) -> str:
    """One reference token of a JSON pointer (RFC 6901, section 3)."""
    return key.replace("~", "~0").replace("/", "~1")


def unescape(token: str) -> str:
    """The key behind one reference token; the inverse of :func:`escape`."""
    return token.replace("~1", "/").replace("~0", "~")


def suggestion(word: str, known: Iterable[str]) -> str | None:
    """The known word nearest to ``word``, or None where none is near."""
    near = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return near[0] if near else None


def choose(word: str, known: Sequence[str]) -> str:
    """The remedy for a word that is not among the known ones."""
    near = suggestion(word, known)
    listed = ", ".join(known) if known else "none"
    return f"did you mean {near!r}?" if near else f"known: {listed}"
