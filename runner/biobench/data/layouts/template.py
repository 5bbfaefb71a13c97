"""Templates: text with the cells of a row in it (SPEC.md, section "Layouts", layout ``csv``).

``{column}`` is the cell, ``{column:name}`` what follows its last ``/``, and ``{column:stem}`` that
without its last extension.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter

_FIELD = re.compile(r"\{([^{}:]+)(?::(name|stem))?\}")
_LOWER = {capital: capital + 32 for capital in range(ord("A"), ord("Z") + 1)}
"""A to Z become a to z: names of files beyond ASCII have no one lower case on all systems."""


@dataclass(frozen=True)
class Template:
    """Literal text and fields in turn; ``fields`` are (column, part), part ``""`` for the cell."""

    literals: tuple[str, ...]
    fields: tuple[tuple[str, str], ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in order of their first use."""
        return tuple(dict.fromkeys(column for column, _ in self.fields))

    @cached_property
    def _whole(self) -> tuple[str, Callable[[Mapping[str, str]], str | tuple[str, ...]]] | None:
        """A template of whole cells as a ``%`` format and what takes its cells from a row: that is
        nearly every template, and there are millions of rows."""
        if not self.fields or any(part for _, part in self.fields):
            return None
        text = "%s".join(literal.replace("%", "%%") for literal in self.literals)
        return text, itemgetter(*(column for column, _ in self.fields))

    def fill(self, cells: Mapping[str, str], *, lower: bool = False) -> str:
        """The text for a row; ``lower`` writes A to Z of what is inserted as a to z."""
        if self._whole is not None and not lower:
            form, taken = self._whole
            return form % taken(cells)
        text = [self.literals[0]]
        for (column, part), literal in zip(self.fields, self.literals[1:], strict=True):
            value = cells[column]
            if part:
                value = value.rpartition("/")[2]
            if part == "stem" and value.rfind(".") > 0:
                value = value[: value.rfind(".")]
            text += (value.translate(_LOWER) if lower else value, literal)
        return "".join(text)


def parse_template(text: str) -> Template:
    """The template ``text``, of the form that the schema of the layout's options asks for."""
    pieces = _FIELD.split(text)
    fields = tuple(zip(pieces[1::3], (part or "" for part in pieces[2::3]), strict=True))
    return Template(tuple(pieces[::3]), fields)
