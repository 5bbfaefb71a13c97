"""The part of JSON Schema that the documents' schemas use, for every load (SPEC.md, "Documents").

In: a JSON value and a schema of spec/v1/schema. Out: problems with pointer and remedy. The whole of
JSON Schema (the library jsonschema) takes longer to import than the specification to load, so it is
kept for results and for the tests, which hold that both judge alike.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from biobench.errors import counted
from biobench.spec.canonical import canonical_json
from biobench.spec.patterns import compiled
from biobench.spec.problems import choose, escape, suggestion

KEYWORDS = frozenset(
    (
        *("$schema", "$id", "$defs", "$ref", "title", "description", "type", "enum", "const"),
        *("pattern", "minLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
        *("properties", "required", "additionalProperties"),
        *("minProperties", "maxProperties"),
        *("items", "minItems", "uniqueItems", "if", "then", "else"),
    )
)
"""Keywords that :func:`flaws` understands; a test holds the document schemas to them."""

_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
    "integer": lambda v: not isinstance(v, bool) and isinstance(v, int | float) and v == int(v),
    "number": lambda v: not isinstance(v, bool) and isinstance(v, int | float),
}
_NOUNS = {
    "object": "a mapping",
    "array": "a list",
    "string": "a string",
    "boolean": "true or false",
}
_NOUNS |= {"null": "null", "integer": "an integer", "number": "a number"}
_NAME = "lower-case letters, digits and single {}s, such as {}"
_CONTROLS = "\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029"
"""In the classes of characters of paths and addresses: none of them has one."""
_NO_CLIMB = "^(?!/)(?!([\\s\\S]*/)?\\.\\.(/|$))"
_TEMPLATE = f"{_NO_CLIMB}([^{{}}\\\\{_CONTROLS}]|\\{{[^{{}}:]+(:(name|stem))?\\}})+$"
_VIDEO = f"{_NO_CLIMB}[^{{}}\\\\{_CONTROLS}]*\\{{subject\\}}[^{{}}\\\\{_CONTROLS}]*$"
_RELATIVE = "a relative path with / between its parts and no .. in it"
FORMS: Mapping[str, str] = {
    "^[a-z0-9]+(-[a-z0-9]+)*$": _NAME.format("hyphen", "my-ponds"),
    "^[a-z0-9]+(_[a-z0-9]+)*$": _NAME.format("underscore", "linear_probe"),
    "^[1-9][0-9]*$": 'a whole number from 1 in quotes, such as "2"',
    "^[0-9]+\\.[0-9]+\\.[0-9]+$": "three numbers, such as 1.0.0",
    "^[0-9]+(\\.[0-9]+)*$": "the number of a section, such as 10.1",
    "^[1-9][0-9]*(\\.[1-9][0-9]*)?$": "the number of a section, such as 10.1",
    "^sha256:[0-9a-f]{64}$": "sha256: and 64 hexadecimal digits in lower case",
    "^[0-9a-f]{64}$": "64 hexadecimal digits in lower case",
    "^[0-9a-f]{32}$": "32 hexadecimal digits in lower case",
    f"^https?://[^ {_CONTROLS}]+$": "an address that begins with https:// or http://",
    f"^[^/\\\\{_CONTROLS}]+$": "the name of a file, without folders",
    f"{_NO_CLIMB}[^\\\\{_CONTROLS}]+$": _RELATIVE,
    _TEMPLATE: "text with columns in braces, as {column}, {column:name} or {column:stem}; a path "
    "in it starts from the data folder, with / between its parts and no .. in it",
    _VIDEO: "the path of a video from the data folder, with {subject} where the name of the clip "
    "stands",
    "^[^{}/.][^{}/]*/": "a path that begins with the name of a folder",
    '^[^"\\r\\n]$': "one character, no quotation mark and no end of line",
    "^[^{}:]+$": "the name of a column, without braces and colons",
    "^[A-Za-z0-9][A-Za-z0-9._:/-]*$": "letters, digits and . _ : / -, a letter or digit first",
    "^(hf|open_clip|timm):[A-Za-z0-9._:/-]+$": "hf:REPO, open_clip:ARCH/TAG or timm:NAME",
    "^(hf|open_clip|timm|transformers):[A-Za-z0-9._:/*?-]+$": (
        "a full name, transformers:MODEL_TYPE or timm:ARCHITECTURE.TAG, with * and ? for any text"
    ),
    "^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)?$": "OWNER/NAME of a hub repository",
    "^(hub|pypi:[a-z0-9-]+)$": "hub, or pypi: and the name of a package",
    "^[a-z0-9_]+(\\.[a-z0-9_]+)+$": "a group and a name, such as metric.accuracy",
    "^[a-z0-9][a-z0-9_.-]*(/[a-z0-9][a-z0-9_.-]*)+$": "parts of lower-case letters, digits and "
    "_ . - with / between them, such as knn/ties",
}
"""What to write where a pattern of a schema does not match, for people."""
_BOUNDS: Mapping[str, tuple[Callable[[float, float], bool], str]] = {
    "minimum": (operator.ge, "at least"),
    "exclusiveMinimum": (operator.gt, "more than"),
    "maximum": (operator.le, "at most"),
    "exclusiveMaximum": (operator.lt, "less than"),
}


@dataclass(frozen=True)
class Flaw:
    """One place where a value does not fit its schema.

    ``key`` is the pointer of the member that is missing, or that an unknown key stands for.
    """

    pointer: str
    message: str
    remedy: str
    error: str
    key: str | None = None


def flaws(value: Any, schema: Mapping[str, Any]) -> list[Flaw]:
    """Flaws of a value against a schema, in document order.

    A misspelt key is one flaw: the key that it stands for is not reported as missing too.
    """
    found = list(_check(value, schema, schema, ""))
    meant = {flaw.key for flaw in found if flaw.error == "unknown-key"}
    return [flaw for flaw in found if flaw.error != "missing-key" or flaw.key not in meant]


def _check(value: Any, schema: Any, root: Mapping[str, Any], pointer: str) -> Iterator[Flaw]:
    if isinstance(schema, bool):
        if not schema:
            yield Flaw(pointer, "nothing is allowed here", "remove it", "unknown-key")
        return
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/$defs/")
        yield from _check(value, root["$defs"][name], root, pointer)
    if "type" in schema:
        wanted = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if not any(_TYPES[name](value) for name in wanted):
            nouns = " or ".join(_NOUNS[name] for name in wanted)
            yield Flaw(pointer, f"{_shown(value)} is not {nouns}", f"write {nouns}", "type")
            return
    yield from _scalar(value, schema, pointer)
    if isinstance(value, list):
        yield from _array(value, schema, root, pointer)
    elif isinstance(value, dict):
        yield from _object(value, schema, root, pointer)
    if "if" in schema:
        fits = not any(_check(value, schema["if"], root, pointer))
        branch = schema.get("then" if fits else "else", True)
        yield from _check(value, branch, root, pointer)


def _scalar(value: Any, schema: Mapping[str, Any], pointer: str) -> Iterator[Flaw]:
    if "enum" in schema and not any(_same(value, known) for known in schema["enum"]):
        words = [known if isinstance(known, str) else json.dumps(known) for known in schema["enum"]]
        yield Flaw(pointer, f"{_shown(value)} is not known", choose(str(value), words), "value")
    if "const" in schema and not _same(value, schema["const"]):
        wanted = _shown(schema["const"])
        yield Flaw(pointer, f"{_shown(value)} must be {wanted}", f"write {wanted}", "value")
    if isinstance(value, str):
        if len(value) < schema.get("minLength", 0):
            yield Flaw(pointer, "the string is empty", "write something", "value")
        elif "pattern" in schema and compiled(schema["pattern"]).search(value) is None:
            remedy = f"write {_form(schema)}"
            yield Flaw(pointer, f"{_shown(value)} has a wrong form", remedy, "value")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        for keyword, (fits, noun) in _BOUNDS.items():
            if keyword in schema and not fits(value, schema[keyword]):
                bound = f"{noun} {schema[keyword]}"
                yield Flaw(pointer, f"{value} is not {bound}", f"write {bound}", "value")


def _form(schema: Mapping[str, Any]) -> str:
    pattern: str = schema["pattern"]
    if pattern in FORMS:
        return FORMS[pattern]
    described = schema.get("description")
    return f"{described} ({pattern})" if described else f"something that matches {pattern}"


def _array(
    value: list[Any], schema: Mapping[str, Any], root: Mapping[str, Any], pointer: str
) -> Iterator[Flaw]:
    least = schema.get("minItems", 0)
    if len(value) < least:
        yield Flaw(
            pointer,
            f"the list has {counted(len(value), 'item')}",
            f"write {least} or more",
            "value",
        )
    if schema.get("uniqueItems"):
        seen: set[bytes] = set()
        for i, item in enumerate(value):
            # One form a value: a list of anybody's may be too long to compare each with each.
            form = canonical_json(item)
            if form in seen:
                place = f"{pointer}/{i}"
                yield Flaw(place, f"{_shown(item)} is listed twice", "keep one", "duplicate-id")
            seen.add(form)
    for i, item in enumerate(value):
        yield from _check(item, schema.get("items", True), root, f"{pointer}/{i}")


def _object(
    value: dict[str, Any], schema: Mapping[str, Any], root: Mapping[str, Any], pointer: str
) -> Iterator[Flaw]:
    properties: Mapping[str, Any] = schema.get("properties", {})
    rest = schema.get("additionalProperties", True)
    for key in schema.get("required", ()):
        if key not in value:
            place = f"{pointer}/{escape(key)}"
            yield Flaw(pointer, f"the key {key!r} is missing", f"add {key}", "missing-key", place)
    if len(value) < schema.get("minProperties", 0):
        yield Flaw(pointer, "the mapping is empty", "write at least one member", "value")
    if len(value) > schema.get("maxProperties", len(value)):
        most = schema["maxProperties"]
        yield Flaw(
            pointer, f"the mapping has {counted(len(value), 'member')}", f"keep {most}", "value"
        )
    for key, member in value.items():
        place = f"{pointer}/{escape(key)}"
        if key in properties:
            yield from _check(member, properties[key], root, place)
        elif rest is False:
            near = suggestion(key, properties)
            meant = None if near is None else f"{pointer}/{escape(near)}"
            remedy = choose(key, list(properties))
            yield Flaw(place, f"unknown key {key!r}", remedy, "unknown-key", meant)
        else:
            yield from _check(member, rest, root, place)


def _same(a: Any, b: Any) -> bool:
    # In Python true equals 1; in JSON it does not.
    return isinstance(a, bool) is isinstance(b, bool) and bool(a == b)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."
