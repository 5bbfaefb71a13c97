"""Reading a protocol document's constants into a probe (SPEC.md, section "Protocols").

In: the constants by name. Out: the values that a probe lets a document change; everything else must
be what the probe implements.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from biobench.errors import SpecError


def read_constants(
    constants: Mapping[str, Any],
    *,
    protocol: str,
    fixed: Mapping[str, Any],
    free: Mapping[str, Any],
) -> dict[str, Any]:
    """The values of the names in ``free``, each converted to the type of its default.

    Args:
        constants: Constants of a protocol document by name.
        protocol: Id of the protocol, for messages.
        fixed: Constants that the implementation embodies, with the only value it has.
        free: Constants that a document may set, with their defaults.

    Raises:
        SpecError: A name is missing or unknown, or a fixed constant has another value.
    """
    where = f"protocol {protocol}"
    for name in [*fixed, *free]:
        if name not in constants:
            raise SpecError(f"constant {name!r} is missing", where=where, remedy="add it")
    for name, value in constants.items():
        if name not in fixed and name not in free:
            raise SpecError(f"unknown constant {name!r}", where=where, remedy="remove it")
        if name in fixed and value != fixed[name]:
            raise SpecError(
                f"constant {name!r} is {value!r}, and this probe only does {fixed[name]!r}",
                where=where,
                remedy="change the value or take another protocol",
            )
    values: dict[str, Any] = {}
    for name, default in free.items():
        try:
            values[name] = type(default)(constants[name])
        except (TypeError, ValueError):
            raise SpecError(
                f"constant {name!r} is {constants[name]!r}",
                where=where,
                remedy=f"give a value such as {default!r}",
            ) from None
    return values
