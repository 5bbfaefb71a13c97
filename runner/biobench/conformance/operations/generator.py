"""The generator (SPEC.md, section 5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from biobench.conformance.operations import Invalid
from biobench.spec.generator import Stream, mix
from biobench.spec.load import Spec


def hexadecimal(word: int) -> str:
    """An unsigned 64-bit word as 16 lower-case hexadecimal digits."""
    return f"{word:016x}"


def _mix(given: Mapping[str, Any], spec: Spec) -> Any:
    return {"word": hexadecimal(mix(int(given["word"], 16)))}


def _words(given: Mapping[str, Any], spec: Spec) -> Any:
    words = _stream(given).words(given["count"], given["start"])
    return {"words": [hexadecimal(int(word)) for word in words]}


def _integers(given: Mapping[str, Any], spec: Spec) -> Any:
    try:
        drawn = _stream(given).integers(given["below"], given["count"], given["start"])
    except ValueError:
        raise Invalid("value") from None
    return {"integers": drawn.tolist()}


def _floats(given: Mapping[str, Any], spec: Spec) -> Any:
    return {"floats": _stream(given).floats(given["count"], given["start"]).tolist()}


def _permutation(given: Mapping[str, Any], spec: Spec) -> Any:
    return {"permutation": _stream(given).permutation(given["n"]).tolist()}


def _stream(given: Mapping[str, Any]) -> Stream:
    return Stream(int(given["seed"], 16), given["stream"])


OPERATIONS = {
    "generator.mix": _mix,
    "generator.words": _words,
    "generator.integers": _integers,
    "generator.floats": _floats,
    "generator.permutation": _permutation,
}
