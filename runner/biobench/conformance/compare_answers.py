"""Comparing an answer with the output of a vector (SPEC.md, "Conformance").

In: two JSON values. Out: the first difference, in words for people.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from biobench.errors import counted
from biobench.spec.problems import escape


def difference(expected: Any, given: Any) -> str | None:
    """Describe where and how ``given`` first differs from ``expected``; None where it does not.

    Numbers are compared as float64, so ``1`` and ``1.0`` are equal; everything else exactly.
    """
    return next(_differences(expected, given, ""), None)


def _differences(expected: Any, given: Any, pointer: str) -> Iterator[str]:
    if isinstance(expected, dict) and isinstance(given, dict):
        for key in sorted(expected.keys() | given.keys()):
            place = f"{pointer}/{escape(key)}"
            if key not in given:
                yield _line(place, f"is missing in {_shown(given)}")
            elif key not in expected:
                yield _line(place, f"{_shown(given[key])} is not in the output of the vector")
            else:
                yield from _differences(expected[key], given[key], place)
    elif isinstance(expected, list) and isinstance(given, list):
        if len(expected) != len(given):
            yield _line(pointer, f"has {counted(len(given), 'item')}, not {len(expected)}")
            return
        for i, (one, other) in enumerate(zip(expected, given, strict=True)):
            yield from _differences(one, other, f"{pointer}/{i}")
    elif not _same(expected, given):
        yield _line(pointer, f"{_shown(given)}, not {_shown(expected)}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same(expected: Any, given: Any) -> bool:
    if _is_number(expected) and _is_number(given):
        return float(expected) == float(given)
    return type(expected) is type(given) and bool(expected == given)


def _line(pointer: str, text: str) -> str:
    return f"{pointer} {text}" if pointer else text


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."
