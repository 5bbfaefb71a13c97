"""Every constant of every protocol matters: taken away it is missed, changed it moves a vector.

A constant that no vector depends on could be read wrongly by a port, or changed, without a trace.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from biobench.conformance.run import run
from biobench.conformance.vectors import Vectors, read_vectors
from biobench.spec.check import check_library
from biobench.spec.library import Library
from biobench.spec.load import Spec, load_spec

SPEC = load_spec()
VECTORS = read_vectors(SPEC)
ONLY_IN_THE_DOCUMENT = {
    # How many candidates are looked at first: a search that is proven exact gives the same rows.
    ("knn", "constants", "candidate_margin"),
}
"""Constants that only the vector of the resolved document depends on, each with its reason."""

Place = tuple[str, str, str]
"""Protocol, ``constants`` or ``compat``, and the constant's name."""


def constants() -> Iterator[Place]:
    for protocol in SPEC.protocol_ids():
        value = SPEC.library.by_id["protocol"][protocol].value
        for part in ("constants", "compat"):
            for name in value[part]:
                yield protocol, part, name


CONSTANTS = list(constants())


def changed(place: Place, edit: Any) -> Library:
    """The library with one constant edited: ``edit`` gets the mapping and the name."""
    protocol, part, name = place
    library = SPEC.library
    document = library.by_id["protocol"][protocol]
    value = copy.deepcopy(document.value)
    edit(value[part], name)
    mutant = replace(document, source=replace(document.source, value=value))
    by_id = {**library.by_id["protocol"], protocol: mutant}
    return replace(
        library,
        documents={**library.documents, document.path: mutant},
        by_id={**library.by_id, "protocol": by_id},
    )


def another(value: Any, schema: Mapping[str, Any]) -> Any:
    """Another value: one that the schema allows where it lists some, else one of the same type.

    Where the schema allows no other value, no implementation has one: the probe refuses it.
    """
    for allowed in schema.get("enum", ()):
        if allowed != value:
            return allowed
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return value + "-not"
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value * 0.875 if value else 0.25
    if isinstance(value, list):
        return [*value[:-1], another(value[-1], {})] if value else ["x"]
    raise TypeError(f"no other value for {value!r}")


def names(given: Any, protocol: str) -> bool:
    """Whether an input names a protocol, at any depth."""
    if isinstance(given, dict):
        return given.get("protocol") == protocol or any(names(v, protocol) for v in given.values())
    return isinstance(given, list) and any(names(item, protocol) for item in given)


def concerned(place: Place, *, documents: bool) -> list[Vectors]:
    """Vectors of the protocol in the divisions that have the constant, quick ones first."""
    protocol, part, name = place
    overridden = name in SPEC.library.by_id["protocol"][protocol].value["compat"]
    divisions = {"compat"} if part == "compat" else {"official", "open"}
    divisions |= set() if overridden else {"compat"}
    found = []
    for vectors in VECTORS:
        if vectors.operation.startswith("documents.") is documents:
            cases = tuple(
                case
                for case in vectors.cases
                if names(case.input, protocol) and case.input.get("division") in divisions
            )
            found += [replace(vectors, cases=(case,)) for case in cases]
    return sorted(found, key=lambda v: (v.level == "T", len(str(v.cases[0].input))))


def missed_by(place: Place, *, documents: bool) -> bool:
    """Whether no vector is wrong when the constant has another value."""

    kind = SPEC.library.by_id["protocol"][place[0]].value["kind"]
    schema = SPEC.schema(f"protocol-{kind}")["properties"][place[2]]

    def edit(mapping: dict[str, Any], name: str) -> None:
        mapping[name] = another(mapping[name], schema)

    mutant = Spec(changed(place, edit))
    return all(
        run([vectors], mutant)[0].wrong is None for vectors in concerned(place, documents=documents)
    )


@pytest.mark.parametrize("place", CONSTANTS, ids=".".join)
def test_a_constant_that_is_taken_away_is_missed(place: Place) -> None:
    """Validation names it."""
    found = check_library(changed(place, lambda mapping, name: mapping.pop(name)))
    assert [problem.error for problem in found] == ["missing-key"]
    assert place[2] in found[0].message


@pytest.mark.parametrize("place", CONSTANTS, ids=".".join)
def test_a_constant_that_changes_moves_a_vector(place: Place) -> None:
    """One of behaviour, but for the constants that are listed above."""
    assert missed_by(place, documents=False) is (place in ONLY_IN_THE_DOCUMENT)
    if place in ONLY_IN_THE_DOCUMENT:
        assert not missed_by(place, documents=True)


def test_the_list_names_constants_that_are_there() -> None:
    """A constant that went away leaves the list."""
    assert set(CONSTANTS) >= ONLY_IN_THE_DOCUMENT
