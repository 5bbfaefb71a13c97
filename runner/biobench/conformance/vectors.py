"""The vectors of a specification (SPEC.md, "Conformance").

In: a specification. Out: its vector files, each with the cases that it holds. They are read only
when they are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from biobench.errors import SpecError, UsageError
from biobench.spec.bundle import vector_values
from biobench.spec.load import Spec
from biobench.spec.problems import choose
from biobench.spec.shape import flaws

Level = Literal["S", "D", "P", "T"]
Tolerance = Mapping[str, Mapping[str, float]]
"""JSON pointer into an output -> ``{"absolute": x}``, ``{"relative": x}`` or
``{"equal_share": x}``."""


@dataclass(frozen=True)
class Vector:
    """One case: the input of an operation and the output that it must have."""

    id: str
    input: Mapping[str, Any]
    output: Any


@dataclass(frozen=True)
class Vectors:
    """One vector file: the cases of one operation.

    path: below ``conformance/``. folder: the section that an implementation claims. section: the
    section of SPEC.md that is checked. source: what the outputs were compared with, if anything.
    """

    path: str
    folder: str
    section: str
    level: Level
    operation: str
    about: str
    source: str | None
    tolerance: Tolerance
    cases: tuple[Vector, ...]


def read_vectors(spec: Spec, folders: Sequence[str] = ()) -> tuple[Vectors, ...]:
    """Vector files in path order; only those of some sections, where ``folders`` names any.

    Raises SpecError for a file that is not valid, a case id that occurs twice or a section of two
    levels, and UsageError for a section that is not there.
    """
    found: list[Vectors] = []
    seen: dict[str, str] = {}
    levels: dict[str, str] = {}
    for path, value in vector_values(spec.library).items():
        place = path.removeprefix("conformance/")
        _check(path, value, spec)
        _, folder, _ = place.split("/")
        if levels.setdefault(folder, value["level"]) != value["level"]:
            raise SpecError(
                f"the section {folder} has level {levels[folder]}, and this file {value['level']}",
                where=path,
                remedy="give each level a folder of its own",
            )
        for case in value["cases"]:
            if case["id"] in seen:
                raise SpecError(
                    f"the case {case['id']} is in {seen[case['id']]} already",
                    where=path,
                    remedy="give every case its own id",
                )
            seen[case["id"]] = path
        found.append(_vectors(place, folder, value))
    for name in folders:
        if name not in levels:
            raise UsageError(f"there is no section {name!r}", remedy=choose(name, list(levels)))
    return tuple(v for v in found if not folders or v.folder in folders)


def _check(path: str, value: Any, spec: Spec) -> None:
    parts = path.split("/")
    if len(parts) != 4 or parts[1] not in ("required", "tolerance"):
        raise SpecError(
            "a vector file lies in required/<section>/ or tolerance/<section>/", where=path
        )
    for flaw in flaws(value, spec.schema("vectors")):
        raise SpecError(flaw.message, where=f"{path} {flaw.pointer}".rstrip(), remedy=flaw.remedy)
    if (parts[1] == "tolerance") is not ("tolerance" in value):
        raise SpecError(
            "the files below tolerance/ state a tolerance, and no other file does", where=path
        )
    if (value["level"] == "T") is not ("tolerance" in value):
        raise SpecError("level T is that of the files below tolerance/", where=path)


def _vectors(path: str, folder: str, value: Mapping[str, Any]) -> Vectors:
    return Vectors(
        path=path,
        folder=folder,
        section=value["section"],
        level=value["level"],
        operation=value["operation"],
        about=value["about"],
        source=value["source"],
        tolerance=value.get("tolerance", {}),
        cases=tuple(Vector(c["id"], c["input"], c["output"]) for c in value["cases"]),
    )
