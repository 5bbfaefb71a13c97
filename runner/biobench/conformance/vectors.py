"""The vectors of a specification (SPEC.md, "Conformance").

In: a specification. Out: its vector files, each with its cases. They are read only when they are
asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from biobench.errors import UsageError
from biobench.spec.bundle import vector_values
from biobench.spec.load import Spec
from biobench.spec.problems import Problem, choose
from biobench.spec.schema_errors import flaws

Level = Literal["S", "D", "F", "P"]


@dataclass(frozen=True)
class Vector:
    """One case: the input of an operation and the output that it must have."""

    id: str
    input: Mapping[str, Any]
    output: Any


@dataclass(frozen=True)
class Vectors:
    """One vector file: the cases of one operation.

    Attributes:
        path: Path below ``conformance/``.
        folder: The section that an implementation claims.
        section: The section of SPEC.md that is checked.
        source: What the outputs were compared with, if anything.
    """

    path: str
    folder: str
    section: str
    level: Level
    operation: str
    about: str
    source: str | None
    cases: tuple[Vector, ...]


def read_vectors(spec: Spec, folders: Sequence[str] = ()) -> tuple[Vectors, ...]:
    """Read vector files in path order; only those of the sections ``folders``, where any is named.

    Raises:
        SpecError: A file is not valid, a case id occurs twice, or a section has two levels.
        UsageError: A section does not exist.
    """
    values = vector_values(spec.library)
    for problem in vector_problems(values, spec.schema("vectors")):
        raise problem.exception()
    places = {path: path.removeprefix("conformance/") for path in values}
    found = [_vectors(place, place.split("/")[1], values[path]) for path, place in places.items()]
    known = list(dict.fromkeys(vectors.folder for vectors in found))
    for name in folders:
        if name not in known:
            raise UsageError(f"there is no section {name!r}", remedy=choose(name, known))
    return tuple(v for v in found if not folders or v.folder in folders)


def vector_problems(
    values: Mapping[str, Any], schema: Mapping[str, Any], shown: str = ""
) -> Iterator[Problem]:
    """Find what is wrong with vector files.

    Args:
        values: The files by their path below ``v1/``.
        schema: The schema of vector files.
        shown: Prefix of a path in messages.
    """
    seen: dict[str, str] = {}
    levels: dict[str, str] = {}
    for path, value in values.items():
        found = list(_file_problems(path, value, schema, shown))
        yield from found
        if found:
            continue
        _, _, folder, _ = path.split("/")
        level = value["level"]
        if levels.setdefault(folder, level) != level:
            message = f"the section {folder} has level {levels[folder]}, and this file {level}"
            remedy = "give each level a folder of its own"
            yield Problem(f"{shown}{path}", None, "/level", message, remedy, "value")
        for i, case in enumerate(value["cases"]):
            if case["id"] in seen:
                message = f"the case {case['id']} is in {seen[case['id']]} already"
                remedy = "give every case its own id"
                yield Problem(
                    f"{shown}{path}", None, f"/cases/{i}/id", message, remedy, "duplicate-id"
                )
            seen.setdefault(case["id"], path)


def _file_problems(
    path: str, value: Any, schema: Mapping[str, Any], shown: str
) -> Iterator[Problem]:
    file, parts = f"{shown}{path}", path.split("/")
    if len(parts) != 4 or parts[1] not in ("required", "optional"):
        message = "a vector file lies in <section>/ below required/ or optional/"
        yield Problem(file, None, "", message, "move it", "wrong-name")
        return
    for flaw in flaws(value, schema):
        yield Problem(file, None, flaw.pointer, flaw.message, flaw.remedy, flaw.error)


def _vectors(path: str, folder: str, value: Mapping[str, Any]) -> Vectors:
    return Vectors(
        path=path,
        folder=folder,
        section=value["section"],
        level=value["level"],
        operation=value["operation"],
        about=value["about"],
        source=value["source"],
        cases=tuple(Vector(c["id"], c["input"], c["output"]) for c in value["cases"]),
    )
