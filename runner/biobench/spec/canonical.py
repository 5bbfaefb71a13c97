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
    """Format a float64 as ECMAScript's Number.prototype.toString does (RFC 8785, section 3.2.2.3).

    Raises:
        ValueError: The number is NaN or an infinity, which JSON cannot hold.
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


encoded = json.JSONEncoder(ensure_ascii=False).encode
"""A text as canonical JSON; a lone surrogate is left for UTF-8 to refuse."""


def canonical_json(value: Any) -> bytes:
    """Encode a value made of dict, list, tuple, str, int, float, bool and None as RFC 8785 bytes.

    Raises:
        ValueError: A key is not a string, an integer is beyond 2^53 - 1 in magnitude, a number is
            not finite, a text has a lone surrogate, or a value has any other type.
    """
    parts: list[str] = []
    _write(value, parts)
    return "".join(parts).encode("utf-8", "strict")


class CanonicalError(ValueError):
    """A text is not the JSON that the specification allows; ``error`` is one of ``syntax``,
    ``duplicate-key`` and ``value``."""

    def __init__(self, message: str, error: str) -> None:
        self.error = error
        super().__init__(message)


def parse_json(data: bytes | str) -> Any:
    """Parse a JSON text (RFC 8259, in UTF-8) that has a canonical form.

    Raises:
        CanonicalError: The text is not JSON or not UTF-8 (``syntax``), repeats a name
            (``duplicate-key``), or has an integer beyond 2^53 - 1, a number beyond float64 or a
            lone surrogate (``value``).
    """
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
        if text.startswith("\ufeff"):
            reason = "a byte order mark; save it as UTF-8 without a byte order mark"
            raise CanonicalError(f"not JSON ({reason})", "syntax")
        value = json.loads(
            text,
            object_pairs_hook=_members,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_constant,
        )
        _refuse_surrogates(value)
    except CanonicalError:
        raise
    except UnicodeDecodeError as error:
        raise CanonicalError(f"not UTF-8 at byte {error.start}", "syntax") from error
    except ValueError as error:
        raise CanonicalError(f"not JSON ({error})", "syntax") from error
    except RecursionError as error:
        raise CanonicalError("nested too deeply", "syntax") from error
    return value


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise CanonicalError(f"the name {name!r} occurs twice", "duplicate-key")
            seen.add(name)
    return members


def _integer(text: str) -> int:
    # Python refuses to convert thousands of digits; 17 characters hold every allowed integer.
    if len(text) > 17 or abs(int(text)) > MAX_SAFE_INTEGER:
        raise CanonicalError(f"integer {text[:40]} is beyond 2^53 - 1", "value")
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise CanonicalError(f"{text[:40]} is beyond float64", "value")
    return value


def _constant(text: str) -> float:
    raise CanonicalError(f"{text} is not JSON", "syntax")


def _refuse_surrogates(value: Any) -> None:
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value):
            raise CanonicalError(f"{value!a} has a lone surrogate", "value")
    elif isinstance(value, list):
        for item in value:
            _refuse_surrogates(item)
    elif isinstance(value, dict):
        for key, member in value.items():
            _refuse_surrogates(key)
            _refuse_surrogates(member)


def _write(value: Any, parts: list[str]) -> None:  # noqa: PLR0912  (one branch a JSON type)
    if value is None or isinstance(value, bool):
        parts.append({None: "null", True: "true", False: "false"}[value])
    elif isinstance(value, str):
        parts.append(encoded(value))
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
            parts.append(encoded(key) + ":")
            _write(value[key], parts)
        parts.append("}")
    else:
        raise ValueError(f"{type(value).__name__} has no JSON form")


def sha256_bytes(data: bytes | memoryview) -> str:
    """``sha256:`` digest of bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def sha256_json(value: Any) -> str:
    """``sha256:`` digest of the canonical JSON of a value; errors as :func:`canonical_json`."""
    return sha256_bytes(canonical_json(value))
