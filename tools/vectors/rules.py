"""The rules of SPEC.md that each case is about, by the patterns of rules.yaml."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import yaml

FILE = Path(__file__).resolve().parent / "rules.yaml"
RULE = re.compile(r"\[([1-9][0-9]*(?:\.[1-9][0-9]*)?-[1-9][0-9]*)\](?=\s|$)")
"""A rule's number where the text of SPEC.md has it."""

Families = Mapping[str, Sequence[str]]
"""Rules by patterns of case ids."""


@cache
def cases() -> Mapping[str, Families]:
    """Families of cases by ``section/name`` of their vector file."""
    found: Mapping[str, Families] = yaml.safe_load(FILE.read_text(encoding="utf-8"))["cases"]
    return found


def reasons() -> Mapping[str, str]:
    """The reasons why rules have no case, by rules and ranges of them."""
    found: Mapping[str, str] = yaml.safe_load(FILE.read_text(encoding="utf-8"))["without_case"]
    return found


def place(path: str) -> str:
    """``section/name`` of a vector file's path below conformance/."""
    return path.split("/", 1)[1].removesuffix(".json")


def pattern_of(path: str, case: str) -> str | None:
    """The first entry of rules.yaml that matches a case; None where none does."""
    name = case.split("/", 1)[1]
    for patterns in cases().get(place(path), {}):
        if any(fnmatchcase(name, pattern) for pattern in patterns.split()):
            return patterns
    return None


def rules_of(path: str, case: str) -> list[str] | None:
    """Rules of a case, or None where rules.yaml has no entry that matches it."""
    patterns = pattern_of(path, case)
    return None if patterns is None else list(cases()[place(path)][patterns])


def expanded(entry: str) -> Iterator[str]:
    """``7.2-3`` and ``21.1-1 to 5``, parted by commas, as single rules."""
    for part in entry.split(", "):
        first, _, last = part.partition(" to ")
        section, _, number = first.rpartition("-")
        for n in range(int(number), int(last or number) + 1):
            yield f"{section}-{n}"
