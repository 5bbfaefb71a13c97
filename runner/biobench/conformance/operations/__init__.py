"""The operations that vectors name, each done by this implementation (SPEC.md, "Conformance").

A module here has functions ``(given, spec) -> JSON value`` and ``OPERATIONS``, which maps the name
of an operation to its function. A function calls the implementation that runs use, takes constants
from the documents of ``spec``, and raises :class:`biobench.conformance.errors.Invalid` for input
that the specification calls an error.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from biobench.spec.load import Spec

Operation = Callable[[Mapping[str, Any], Spec], Any]
"""The input of a case and the specification -> the case's output, a JSON value."""


@cache
def operations() -> Mapping[str, Operation]:
    """Collect every operation by name, of all modules of this package in the order of their names.

    Raises ValueError where two modules have an operation of one name.
    """
    merged: dict[str, Operation] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda found: found.name):
        found: Mapping[str, Operation] = importlib.import_module(
            f"{__name__}.{module.name}"
        ).OPERATIONS
        for name, operation in found.items():
            if name in merged:
                raise ValueError(f"two operations are named {name}, one in {module.name}.py")
            merged[name] = operation
    return MappingProxyType(merged)
