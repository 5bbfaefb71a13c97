"""Comparing an answer with the output of a vector (SPEC.md, "Conformance").

In: two JSON values and a tolerance. Out: the first difference, in words for people.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from biobench.conformance.vectors import Tolerance
from biobench.errors import counted
from biobench.spec.problems import escape


def difference(expected: Any, given: Any, tolerance: Tolerance | None = None) -> str | None:
    """Describe where and how ``given`` first differs from ``expected``; None where it does not.

    Numbers are compared as float64, so ``1`` and ``1.0`` are equal; everything else exactly. A
    value that ``tolerance`` names by JSON pointer, with all below it, is compared with that
    tolerance.
    """
    return next(_differences(expected, given, tolerance or {}, ""), None)


def _differences(expected: Any, given: Any, tolerance: Tolerance, pointer: str) -> Iterator[str]:
    allowed = tolerance.get(pointer)
    if allowed is not None:
        yield from _within(expected, given, allowed, pointer)
    elif isinstance(expected, dict) and isinstance(given, dict):
        for key in sorted(expected.keys() | given.keys()):
            place = f"{pointer}/{escape(key)}"
            if key not in given:
                yield _line(place, "is missing")
            elif key not in expected:
                yield _line(place, "is not in the output of the vector")
            else:
                yield from _differences(expected[key], given[key], tolerance, place)
    elif isinstance(expected, list) and isinstance(given, list):
        if len(expected) != len(given):
            yield _line(pointer, f"has {counted(len(given), 'item')}, not {len(expected)}")
            return
        for i, (one, other) in enumerate(zip(expected, given, strict=True)):
            yield from _differences(one, other, tolerance, f"{pointer}/{i}")
    elif not _same(expected, given):
        yield _line(pointer, f"{_shown(given)}, not {_shown(expected)}")


def _within(expected: Any, given: Any, allowed: Mapping[str, float], pointer: str) -> Iterator[str]:
    (kind, bound), *_ = allowed.items()
    if kind == "equal_share":
        if not isinstance(expected, list) or not isinstance(given, list):
            yield from _differences(expected, given, {}, pointer)
        elif len(expected) != len(given):
            yield _line(pointer, f"has {counted(len(given), 'item')}, not {len(expected)}")
        else:
            equal = sum(
                difference(one, other) is None for one, other in zip(expected, given, strict=True)
            )
            if equal < bound * len(expected):
                yield _line(
                    pointer,
                    f"{equal} of {len(expected)} items are equal; a share of {bound} is due",
                )
        return
    if isinstance(expected, dict) and isinstance(given, dict) and expected.keys() == given.keys():
        for key in sorted(expected):
            yield from _within(expected[key], given[key], allowed, f"{pointer}/{escape(key)}")
    elif isinstance(expected, list) and isinstance(given, list) and len(expected) == len(given):
        for i, (one, other) in enumerate(zip(expected, given, strict=True)):
            yield from _within(one, other, allowed, f"{pointer}/{i}")
    elif _is_number(expected) and _is_number(given):
        room = bound if kind == "absolute" else bound * abs(expected)
        if not abs(given - expected) <= room:
            yield _line(
                pointer, f"{_shown(given)} is more than {_shown(room)} from {_shown(expected)}"
            )
    else:
        yield from _differences(expected, given, {}, pointer)


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
