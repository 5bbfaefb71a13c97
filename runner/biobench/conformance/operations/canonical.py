"""Canonical JSON (SPEC.md, section 3)."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

from biobench.conformance.operations import Invalid
from biobench.spec.canonical import CanonicalError, canonical_json, number, parse_json
from biobench.spec.load import Spec


def _json(given: Mapping[str, Any], spec: Spec) -> Any:
    try:
        value = parse_json(given["text"])
    except CanonicalError as error:
        raise Invalid(error.error) from error
    return {"canonical": canonical_json(value).decode()}


def _number(given: Mapping[str, Any], spec: Spec) -> Any:
    (value,) = struct.unpack(">d", bytes.fromhex(given["float64"]))
    try:
        return {"text": number(value)}
    except ValueError:
        raise Invalid("value") from None


OPERATIONS = {"canonical.json": _json, "canonical.number": _number}
