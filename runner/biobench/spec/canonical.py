"""Canonical JSON (RFC 8785) and the digests built on it (SPEC.md, section "Digests").

In: JSON values or bytes. Out: ``sha256:`` + 64 lower-case hexadecimal digits.
"""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any

MAX_SAFE_INTEGER = (1 << 53) - 1


def number(value: float) -> str:
    """A float64 as ECMAScript's Number.prototype.toString gives it (RFC 8785, section 3.2.2.3).

    Raises ValueError for NaN and infinities, which JSON cannot hold.
    """
    if not math.isfinite(value):
        raise ValueError(f"{value} has no JSON form")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    # float(): the repr of a NumPy scalar is not that of a Python float.
    mantissa, _, exponent_text = repr(abs(float(value))).partition("e")
    whole, _, fraction = mantissa.partition(".")
    if fraction == "0":
        fraction = ""
    digits = whole + fraction
    point = len(whole) + int(exponent_text or 0)
    stripped = digits.lstrip("0")
    point -= len(digits) - len(stripped)
    digits = stripped.rstrip("0")
    n = len(digits)
    if n <= point <= 21:
        return sign + digits + "0" * (point - n)
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    exponent = point - 1
    tail = f"e{'+' if exponent >= 0 else '-'}{abs(exponent)}"
    return sign + digits[0] + (f".{digits[1:]}" if n > 1 else "") + tail


def canonical_json(value: Any) -> bytes:
    """RFC 8785 bytes of a value made of dict, list, tuple, str, int, float, bool and None.

    Raises ValueError for a key that is not a string, an integer beyond 2^53 - 1 in magnitude, a
    number that is not finite, a lone surrogate, or any other type.
    """
    parts: list[str] = []
    _write(value, parts)
    return "".join(parts).encode("utf-8", "strict")


def _write(value: Any, parts: list[str]) -> None:  # noqa: PLR0912  (one branch a JSON type)
    if value is None or isinstance(value, bool):
        parts.append({None: "null", True: "true", False: "false"}[value])
    elif isinstance(value, str):
        parts.append(json.dumps(value, ensure_ascii=False))
    elif isinstance(value, int):
        if abs(value) > MAX_SAFE_INTEGER:
            raise ValueError(f"integer {value} is beyond 2^53 - 1")
        parts.append(str(value))
    elif isinstance(value, float):
        parts.append(number(value))
    elif isinstance(value, list | tuple):
        parts.append("[")
        for i, item in enumerate(value):
            if i:
                parts.append(",")
            _write(item, parts)
        parts.append("]")
    elif isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise ValueError("a JSON object needs string keys")
        parts.append("{")
        # RFC 8785 sorts by UTF-16 code units, which differs from code points above U+FFFF.
        for i, key in enumerate(sorted(value, key=lambda k: k.encode("utf-16-be"))):
            if i:
                parts.append(",")
            parts.append(json.dumps(key, ensure_ascii=False) + ":")
            _write(value[key], parts)
        parts.append("}")
    else:
        raise ValueError(f"{type(value).__name__} has no JSON form")


def sha256_bytes(data: bytes) -> str:
    """``sha256:`` digest of bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def sha256_json(value: Any) -> str:
    """``sha256:`` digest of the canonical JSON of a value; errors as :func:`canonical_json`."""
    return sha256_bytes(canonical_json(value))
