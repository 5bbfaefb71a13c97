"""Every constant of every protocol matters: taken away it is missed, moved a little it moves a
vector.

A constant that no vector depends on could be read wrongly by a port, or changed, without a trace.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from biobench.conformance.own_answers import run
from biobench.conformance.vectors import Vectors, read_vectors
from biobench.spec.check import check_library
from biobench.spec.library import Library
from biobench.spec.load import Spec, load_spec
from biobench.spec.schema_errors import flaws

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
    """Of the protocol that a kind is named after; the others of the kind have vectors of their own
    documents alone, and tests/spec/test_documents.py says in what they may differ."""
    for protocol in SPEC.protocol_ids():
        value = SPEC.library.by_id["protocol"][protocol].value
        if value["kind"] != protocol:
            continue
        for part in ("constants", "compat"):
            for name in value[part]:
                yield protocol, part, name


CONSTANTS = list(constants())


def changed(place: Place, edit: Any, library: Library = SPEC.library) -> Library:
    """The library with one constant edited: ``edit`` gets the mapping and the name."""
    protocol, part, name = place
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


SHARE = 0.01
"""The share by which a number is changed, up and down: a port may have misread its last digits."""


def others(value: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
    """Other values that the schema allows: numbers a little above and below, of a list the last.

    Where the schema allows no other value, no implementation has one: the probe refuses it.
    """
    for allowed in schema.get("enum", ()):
        if allowed != value:
            yield allowed
            return
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, str):
        yield value + "-not"
    elif isinstance(value, list):
        for last in others(value[-1], {}) if value else ["x"]:
            yield [*value[:-1], last]
    else:
        step = 1 if isinstance(value, int) else abs(value) * SHARE or SHARE
        found = [v for v in (value + step, value - step) if not flaws(v, schema)]
        yield from found or [value + step]


def names(given: Any, protocol: str) -> bool:
    """Return whether an input names a protocol, at any depth."""
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
    """Return whether no vector is wrong when the constant has another value, whichever it is."""
    document = SPEC.library.by_id["protocol"][place[0]].value
    schema = SPEC.schema(f"protocol-{document['kind']}")["properties"][place[2]]
    missed = []
    for value in others(document[place[1]][place[2]], schema):
        mutant = Spec(
            changed(place, lambda mapping, name, value=value: mapping.update({name: value}))
        )
        files = concerned(place, documents=documents)
        missed.append(all(run([vectors], mutant)[0].wrong is None for vectors in files))
    assert missed
    assert len(set(missed)) == 1, "one direction is noticed and the other is not"
    return missed[0]


def test_a_constant_that_is_taken_away_is_missed() -> None:
    """Validation names each, all of them taken away at once, and no other."""
    library = SPEC.library
    for place in CONSTANTS:
        library = changed(place, lambda mapping, name: mapping.pop(name), library)
    found = check_library(library)
    assert {problem.error for problem in found} == {"missing-key"}
    named = [(Path(p.file).stem, p.pointer[1:], p.message.split("'")[1]) for p in found]
    assert sorted(named) == sorted(CONSTANTS)


@pytest.mark.slow
@pytest.mark.parametrize("place", CONSTANTS, ids=".".join)
def test_a_constant_that_changes_moves_a_vector(place: Place) -> None:
    """One of behaviour, but for the constants that are listed above."""
    assert missed_by(place, documents=False) is (place in ONLY_IN_THE_DOCUMENT)
    if place in ONLY_IN_THE_DOCUMENT:
        assert not missed_by(place, documents=True)


def test_the_list_names_constants_that_are_there() -> None:
    """A constant that went away leaves the list."""
    assert set(CONSTANTS) >= ONLY_IN_THE_DOCUMENT
