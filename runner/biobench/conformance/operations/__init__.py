"""The operations that vectors name, each done by this implementation (SPEC.md, "Conformance").

A module here has functions ``(given, spec) -> JSON value`` and ``OPERATIONS``, which maps the name
of an operation to its function. A function calls the implementation that runs use, takes constants
from the documents of ``spec``, and raises :class:`Invalid` for input
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


class Invalid(Exception):
    """The input is an error by the specification; ``error`` is its id, such as ``value``.

    The answer to the case is then ``{"error": "<error id>"}``.
    """

    def __init__(self, error: str) -> None:
        self.error = error
        super().__init__(error)


@cache
def operations() -> Mapping[str, Operation]:
    """Collect every operation by name, of all modules of this package in the order of their names;
    those whose name begins with an underscore are helpers.

    Raises:
        ValueError: Two modules have an operation of one name.
    """
    merged: dict[str, Operation] = {}
    modules = sorted(module.name for module in pkgutil.iter_modules(__path__))
    for module in modules:
        if module.startswith("_"):
            continue
        named: Mapping[str, Operation] = importlib.import_module(f"{__name__}.{module}").OPERATIONS
        for name, operation in named.items():
            if name in merged:
                raise ValueError(f"two operations are named {name}, one in {module}.py")
            merged[name] = operation
    return MappingProxyType(merged)
