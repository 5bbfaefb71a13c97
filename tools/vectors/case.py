"""Files of cases without their outputs, which a section module gives to tools/make_vectors.py."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Check = Callable[[Any, Any], str | bool | None]
"""``(input, output)`` against a source that is independent of biobench: raises AssertionError, or
returns False or what differs, where they disagree; returns None or True where they agree."""


@dataclass(frozen=True)
class Case:
    """One case. ``id`` begins with the section (``macro-f1/absent-class``); ``input`` is JSON."""

    id: str
    input: Mapping[str, Any]
    check: Check | None = None


@dataclass(frozen=True)
class VectorFile:
    """The cases of one operation.

    folder: the section that an implementation claims, one a subject. name: of the file, without
    ``.json``. section: of SPEC.md. level: S, D, F or P. source: the independent source of the
    cases' checks, None where no case has one. optional: whether an implementation may do without
    the section.
    """

    folder: str
    name: str
    section: str
    level: str
    operation: str
    about: str
    cases: Sequence[Case]
    source: str | None = None
    optional: bool = False

    @property
    def path(self) -> str:
        """Below spec/v1/conformance."""
        kind = "optional" if self.optional else "required"
        return f"{kind}/{self.folder}/{self.name}.json"


@dataclass(frozen=True)
class Section:
    """The common fields of a folder's files; ``operations`` is the operations' first part."""

    folder: str
    number: str
    level: str
    operations: str
    source: str | None = None
    optional: bool = False

    def file(
        self,
        name: str,
        about: str,
        cases: Iterable[Case],
        *,
        operation: str = "",
        number: str = "",
        source: str | None = None,
    ) -> VectorFile:
        """A file whose operation has its name, where no other is given."""
        return VectorFile(
            self.folder, name, number or self.number, self.level,
            f"{self.operations}.{operation or name}", about, list(cases),
            source or self.source, self.optional,
        )  # fmt: skip


def refused_with(error: str) -> Check:
    """The check of an input that has this error id."""
    return lambda given, output: bool(output == {"error": error})


refused = refused_with("value")
