"""Escaping of text that comes from data, for screens.

In: names, keys, values and messages from any source. Out: text without control characters,
invisible characters and characters that change the direction of others. Escaping is idempotent, so
a text may pass through here more than once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from biobench.errors import is_visible, shown

VALUE = 60
"""Characters of a value in a message."""
FEW = 3
"""Names that fit in one line for people."""
# Characters that begin a formula in a spreadsheet, and two that Japanese spreadsheets treat alike.
_FORMULA = re.compile(r"[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


def shown_lines(text: str) -> str:
    """Escape each line of ``text`` as :func:`shown` does and keep the ends of lines."""
    return "\n".join(map(shown, text.split("\n")))


def short(value: object) -> str:
    """Any value as text for a message of one line."""
    words = shown(" ".join(repr(value).split()))
    return words if len(words) <= VALUE else f"{words[:VALUE]}..."


def first_of(names: Sequence[str], most: int = FEW) -> str:
    """The first few names, escaped, and how many more there are, for a message of one line."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(shown, names[:most])) + more


def joined(text: object) -> str:
    """The lines of a library's message as one line."""
    return " ".join(str(text).split())


def json_shown(value: object) -> str:
    """A value as indented JSON for standard output; see :func:`json_text_shown`."""
    return json_text_shown(json.dumps(value, indent=2, ensure_ascii=False))


def json_text_shown(text: str) -> str:
    """JSON text of the same value, with unprintable characters escaped as JSON does."""
    return "\n".join(line if is_visible(line) else _json_escaped(line) for line in text.split("\n"))


def cells_shown(row: Mapping[str, object]) -> dict[str, object]:
    """A row of a CSV table for spreadsheets: a text that could be a formula gets an apostrophe
    before it. Numbers stay as they are."""
    return {name: _cell(value) if isinstance(value, str) else value for name, value in row.items()}


def _cell(text: str) -> str:
    return f"'{shown(text)}" if _FORMULA.match(text) else shown(text)


def _json_escaped(line: str) -> str:
    # Outside of strings JSON has nothing to escape, so json's own escapes are right everywhere.
    return "".join(c if is_visible(c) else json.dumps(c)[1:-1] for c in line)


def as_text(argument: str) -> str:
    """An argument or a variable as text that a document can hold: bytes that are not UTF-8 become
    escapes such as ``\\\\udcff``."""
    return argument.encode("utf-8", "backslashreplace").decode()


def millions(count: int) -> str:
    """A number of parameters as people write it: 86.6 M."""
    return f"{count / 1e6:.1f} M" if count >= 100_000 else str(count)
