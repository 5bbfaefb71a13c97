"""The line in which a program differs from the one that the same weights gave before.

In: a model's program, and a store that keeps the lines of its last one. Out: one line for people
where they differ, and the store with the new lines. A library's other version may build a model in
another way, and its features are then others too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np

from biobench._common.store import Store
from biobench.repro.software import MOVE_FEATURES, code_digest, package_versions
from biobench.spec.canonical import sha256_json

if TYPE_CHECKING:
    from biobench._native import Program
    from biobench.models.base import Backbone

KIND = "program-lines"
LINES, MADE_BY = "lines", "made_by"
"""The lines of :func:`lines_of`, and the versions of what made the program, as JSON."""
_LONGEST = 300
"""Characters of a line of a program in a message."""
_OWN = "biobench"


def lines_of(program: Program) -> list[str]:
    """The input, the operations, the output and the constants of a program, one a line."""
    first, *operations = program.explain().splitlines()
    constants = json.loads(program.text)["constants"]
    return [
        f"input {first.partition(' ')[2]}",
        *operations,
        *(
            f"c{place} {one['shape']} = {one['type']} {one['digest']}"
            for place, one in enumerate(constants)
        ),
    ]


def changed_program(backbone: Backbone, program: Program, store: Store) -> str | None:
    """A line that says where the program differs from the last one of these weights in the store,
    and which versions made each; None where there is none, or it is the same."""
    key = sha256_json(
        {
            "kind": KIND,
            "model": backbone.info.resolved,
            "weights": backbone.info.weights,
            "feature": backbone.info.feature,
            "crop": list(backbone.recipe.crop),
        }
    )
    now = lines_of(program)
    before, their_versions = _kept(store, key)
    if before == now:
        return None
    versions = {_OWN: code_digest(), **package_versions(MOVE_FEATURES)}
    texts = {LINES: "\n".join(now), MADE_BY: json.dumps(versions)}
    store.put(KIND, key, {name: np.frombuffer(t.encode(), np.uint8) for name, t in texts.items()})
    if before is None:
        return None
    pairs = zip_longest(before, now, fillvalue="no line")
    number, (old, new) = next(
        (place, pair) for place, pair in enumerate(pairs, 1) if pair[0] != pair[1]
    )
    by = _differing(their_versions, versions)
    return (
        f"model {backbone.info.name!r}: these weights gave another program before, so their "
        f"features are computed again; line {number} was {_cut(old)!r} and is {_cut(new)!r}; {by}"
    )


def _kept(store: Store, key: str) -> tuple[list[str] | None, dict[str, str]]:
    """The lines of the last program, None where none can be read, and the versions that made it."""
    kept = store.get(KIND, key)
    try:
        if kept is None:
            return None, {}
        versions = json.loads(bytes(kept[MADE_BY]))
        lines = bytes(kept[LINES]).decode().split("\n")
        return lines, {str(name): str(value) for name, value in versions.items()}
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        # Whole and not ours: anyone may have written to a shared store.
        return None, {}


def _differing(theirs: Mapping[str, str], ours: Mapping[str, str]) -> str:
    """The versions that differ, those of before first."""
    names = [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
    if not names:
        return "all versions are equal"

    def stated(versions: Mapping[str, str], name: str) -> str:
        found = versions.get(name, "none")
        return found.removeprefix("sha256:")[:12] if name == _OWN else found

    parts = (f"{name} {stated(theirs, name)}, now {stated(ours, name)}" for name in names)
    return f"made by {'; '.join(parts)}"


def _cut(line: str) -> str:
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."
