"""The order of a program's operations, which its data flow alone decides.

In: a program as a document. Out: the same program, with its operations and constants in one order,
and without those that the output does not need. Two versions of a library compute the same values
in different orders, as when keys come before queries, and both then give one document.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

INPUTS = (
    "x", "a", "b", "q", "k", "v", "parts", "mean", "variance", "weight", "bias", "residual",
    "indices",
)  # fmt: skip
"""Names of an operation's inputs, in the order in which what they read is computed."""


def ordered(document: dict[str, Any]) -> dict[str, Any]:
    """The program from its output backwards: before each operation stands what gives its inputs,
    those that depend on an image first and then the constants, each in order of :data:`INPUTS`.
    Operations and constants are numbered as they are met."""
    given: Sequence[dict[str, Any]] = document["operations"]
    depends = _depending(given)
    names = {"input": "input"}
    operations: list[dict[str, Any]] = []
    constants: list[Any] = []
    # Not recursive: a deep model is a chain of thousands.
    pending = [(document["output"], False)]
    while pending:
        name, entered = pending.pop()
        if name in names:
            continue
        if name.startswith("c"):
            names[name] = f"c{len(constants)}"
            constants.append(document["constants"][int(name[1:])])
            continue
        operation = given[int(name[1:])]
        if entered:
            names[name] = f"v{len(operations)}"
            operations.append(operation)
            continue
        pending.append((name, True))
        reads = sorted(_reads(operation), key=lambda read: read not in depends)
        pending += [(read, False) for read in reversed(reads)]

    def renamed(value: str | list[str]) -> str | list[str]:
        return [names[name] for name in value] if isinstance(value, list) else names[value]

    return {
        **document,
        "constants": constants,
        "operations": [
            {**operation, "inputs": {k: renamed(v) for k, v in operation["inputs"].items()}}
            for operation in operations
        ],
        "output": names[document["output"]],
    }


def _reads(operation: dict[str, Any]) -> Iterator[str]:
    """Names of the values that an operation reads, in order of :data:`INPUTS`."""
    for key in sorted(operation["inputs"], key=INPUTS.index):
        value = operation["inputs"][key]
        yield from value if isinstance(value, list) else [value]


def _depending(operations: Sequence[dict[str, Any]]) -> set[str]:
    """Names of the values that depend on an image."""
    found = {"input"}
    for place, operation in enumerate(operations):
        if not found.isdisjoint(_reads(operation)):
            found.add(f"v{place}")
    return found
