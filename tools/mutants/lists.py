"""The lists of wrong implementations: lists/*.toml, read and checked.

A list has the defaults ``target`` and ``sections`` and the tables ``[[mutant]]``, each with what it
changes of them:

    id        what is wrong, in a few words joined by ``-``
    rules     the rules of SPEC.md that it breaks, such as ``["7.2-3"]``
    target    the file that is changed, below the repository
    sections  the vectors that are answered: folders, or files as ``folder/name``
    find      a text that occurs exactly once in the file
    replace   what stands there instead
    equal     only where no case can tell: why
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LISTS = Path(__file__).resolve().parent / "lists"
PORT = Path("spec/ports/javascript")
RUNNER = Path("runner/biobench")

KEYS = {"id", "rules", "target", "sections", "find", "replace", "equal"}
ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
RULE = re.compile(r"[0-9]+(\.[0-9]+)?-[0-9]+")


class ListError(Exception):
    """A list that cannot be used, said in one line."""


@dataclass(frozen=True)
class Mutant:
    """One wrong implementation; ``name`` is its list and id."""

    name: str
    rules: tuple[str, ...]
    target: Path
    sections: tuple[str, ...]
    find: str
    replace: str
    equal: str | None

    @property
    def is_port(self) -> bool:
        """True for the JavaScript port, False for the Python runner."""
        return self.target.is_relative_to(PORT)

    def source(self) -> str:
        """The changed text of the file; raises ListError where ``find`` is not there once."""
        text = (ROOT / self.target).read_text(encoding="utf-8")
        count = text.count(self.find)
        if count != 1:
            raise ListError(
                f"{self.name}: its text to find occurs {count} times in {self.target}; "
                "write the mutant anew"
            )
        return text.replace(self.find, self.replace)


def _mutant(stem: str, value: dict[str, Any], defaults: dict[str, Any]) -> Mutant:
    value = {**defaults, **value}
    where = f"{stem}/{value.get('id')}"
    missing = KEYS - {"equal"} - value.keys()
    if missing or value.keys() - KEYS:
        wrong = ", ".join(sorted(missing | (value.keys() - KEYS)))
        raise ListError(f"{where}: missing or unknown keys: {wrong}")
    if not ID.fullmatch(value["id"]):
        raise ListError(f"{where}: an id has lower-case letters, digits and '-'")
    if not value["rules"] or not all(RULE.fullmatch(rule) for rule in value["rules"]):
        raise ListError(f"{where}: rules are a list such as ['7.2-3']")
    if value["find"] == value["replace"]:
        raise ListError(f"{where}: it changes nothing")
    target = Path(value["target"])
    if not (target.is_relative_to(PORT) or target.is_relative_to(RUNNER)):
        raise ListError(f"{where}: {target} is neither the port's nor the runner's")
    return Mutant(
        where,
        tuple(value["rules"]),
        target,
        tuple(value["sections"]),
        value["find"],
        value["replace"],
        value.get("equal"),
    )


def read_list(path: Path) -> list[Mutant]:
    """The mutants of one file, in its order; raises ListError."""
    value = tomllib.loads(path.read_text(encoding="utf-8"))
    defaults = {key: value[key] for key in ("target", "sections") if key in value}
    unknown = value.keys() - {"about", "target", "sections", "mutant"}
    if unknown:
        raise ListError(f"{path.name}: unknown keys: {', '.join(sorted(unknown))}")
    found = [_mutant(path.stem, each, defaults) for each in value.get("mutant", [])]
    names = [mutant.name for mutant in found]
    for name in names:
        if names.count(name) > 1:
            raise ListError(f"{name} is there twice")
    return found


def read_lists(folder: Path = LISTS) -> dict[str, list[Mutant]]:
    """The mutants of every list, lists by name; raises ListError."""
    return {path.stem: read_list(path) for path in sorted(folder.glob("*.toml"))}
