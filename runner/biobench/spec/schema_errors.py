"""Words for people on how a JSON value differs from a schema (SPEC.md, section "Documents").

In: a JSON value and a schema of spec/v1/schema. Out: flaws with pointer and remedy. The library
jsonschema judges; here is only what to say of its errors.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from biobench.errors import counted
from biobench.spec.problems import choose, escape, suggestion
from biobench.spec.validator import validator

if TYPE_CHECKING:
    from jsonschema import ValidationError

_NOUNS = {
    "object": "a mapping",
    "array": "a list",
    "string": "a string",
    "boolean": "true or false",
}
_NOUNS |= {"null": "null", "integer": "an integer", "number": "a number"}
_ENCODER = json.JSONEncoder(ensure_ascii=False)
MOST_FLAWS = 10_000
"""No document has more that anybody reads, and a hostile one may have one in each of its values."""
_NAME = "lower-case letters, digits and single {}s, such as {}"
_CONTROLS = "\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029"
"""In the classes of characters of paths and addresses: none of them has one."""


def _parts(first: str, rest: str) -> str:
    """A part of a path that is not empty and not ``..``, of characters, the first of which is no
    point; some libraries for regular expressions have no look-ahead."""
    return f"(\\.|{first}{rest}*|\\.{first}{rest}*|\\.\\.{rest}+)"


def _path(part: str) -> str:
    return f"^{part}(/{part}?)*$"


_COLUMN = "\\{[^{}:]+(:(name|stem))?\\}"
_CELLS = (f"([^./{{}}\\\\{_CONTROLS}]|{_COLUMN})", f"([^/{{}}\\\\{_CONTROLS}]|{_COLUMN})")
_TEMPLATE = _path(_parts(*_CELLS))
_PLAIN = (f"[^./{{}}\\\\{_CONTROLS}]", f"[^/{{}}\\\\{_CONTROLS}]")
_VIDEO = (
    f"^({_parts(*_PLAIN)}(/{_parts(*_PLAIN)}?)*/)?"
    f"{_PLAIN[1]}*\\{{subject\\}}{_PLAIN[1]}*(/{_parts(*_PLAIN)}?)*$"
)
_CLUSTER = f"^({_PLAIN[1]}+/)*{_PLAIN[1]}*\\{{cluster\\}}{_PLAIN[1]}*(/{_PLAIN[1]}+)*$"
_RELATIVE = "a relative path with / between its parts and no .. in it"
FORMS: Mapping[str, str] = {
    "^[a-z0-9]+(-[a-z0-9]+)*$": _NAME.format("hyphen", "my-ponds"),
    "^[a-z0-9]+(_[a-z0-9]+)*$": _NAME.format("underscore", "linear_probe"),
    "^[1-9][0-9]*$": 'a whole number from 1 in quotes, such as "2"',
    "^[0-9]+\\.[0-9]+\\.[0-9]+$": "three numbers, such as 1.0.0",
    "^[1-9][0-9]*(\\.[1-9][0-9]*)?-[1-9][0-9]*$": "the number of a rule, such as 10.1-3",
    "^[0-9]+(\\.[0-9]+)*$": "the number of a section, such as 10.1",
    "^[1-9][0-9]*(\\.[1-9][0-9]*)?$": "the number of a section, such as 10.1",
    "^sha256:[0-9a-f]{64}$": "sha256: and 64 hexadecimal digits in lower case",
    "^[0-9a-f]{64}$": "64 hexadecimal digits in lower case",
    "^[0-9a-f]{32}$": "32 hexadecimal digits in lower case",
    f"^https?://[^ {_CONTROLS}]+$": "an address that begins with https:// or http://",
    f"^[^/\\\\{_CONTROLS}]+$": "the name of a file, without folders",
    f"^[^{_CONTROLS}]+$": "a path in one line",
    _path(_parts(f"[^./\\\\{_CONTROLS}]", f"[^/\\\\{_CONTROLS}]")): _RELATIVE,
    _TEMPLATE: "text with columns in braces, as {column}, {column:name} or {column:stem}; a path "
    "in it starts from the data folder, with / between its parts and no .. in it",
    _VIDEO: "the path of a video from the data folder, with {subject} where the name of the clip "
    "stands",
    _CLUSTER: "the last parts of the path of an image, in which {cluster} stands once for its name "
    "and * for any characters of a part",
    "^[a-z]{1,20}([ -][a-z]{1,20})?$": "what a cluster is, in the singular and in "
    "lower-case letters, such as camera, video or day",
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
"""Advice for people where a pattern of a schema does not match."""


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


def flaws(value: Any, schema: Mapping[str, Any], most: int = MOST_FLAWS) -> list[Flaw]:
    """Flaws of a value against a schema, one for each place, of the first ``most`` errors.

    A misspelt key is one flaw: the key that it stands for is not reported as missing too.
    """
    errors = list(islice(validator(schema).iter_errors(value), most))
    # What else a schema wants of a value of the wrong type is of no use to anybody.
    errors.sort(key=lambda error: error.validator not in _FIRST)
    places: dict[tuple[str | int, ...], ValidationError] = {}
    for error in errors:
        places.setdefault(tuple(error.path), error)
    found = [_flaw(error) for error in places.values()]
    meant = {flaw.key for flaw in found if flaw.error == "unknown-key"}
    return [flaw for flaw in found if flaw.error != "missing-key" or flaw.key not in meant]


def _flaw(error: ValidationError) -> Flaw:
    keyword, schema = str(error.validator), cast(Mapping[str, Any], error.schema)
    path = [f"/{escape(str(token))}" for token in error.path]
    pointer, key = "".join(path), str(error.path[-1]) if path else ""
    if keyword == "required":
        what = (f"the key {key!r} is missing", f"add {key}", "missing-key")
        return Flaw("".join(path[:-1]), *what, pointer)
    if keyword == "properties":
        return Flaw(pointer, "nothing is allowed here", "remove it", "unknown-key")
    if keyword == "additionalProperties":
        known = schema["properties"]
        near = suggestion(key, known)
        meant = None if near is None else "".join((*path[:-1], f"/{escape(near)}"))
        what = (f"unknown key {key!r}", choose(key, list(known)), "unknown-key")
        return Flaw(pointer, *what, meant)
    value, wanted = error.instance, error.validator_value
    if keyword == "pattern":
        words = (f"{_shown(value)} has a wrong form", f"write {_form(schema)}")
    elif keyword in WORDS:
        words = WORDS[keyword](value, wanted)
    else:
        words = (f"{_shown(value)} does not fit", f"write what {keyword} in the schema asks for")
    return Flaw(pointer, *words, _ERRORS.get(keyword, "value"))


def _form(schema: Mapping[str, Any]) -> str:
    pattern: str = schema["pattern"]
    if pattern in FORMS:
        return FORMS[pattern]
    described = schema.get("description")
    return f"{described} ({pattern})" if described else f"something that matches {pattern}"


def _shown(value: Any) -> str:
    # Piece by piece, since a value of anybody's may be as large as a document.
    text = "".join(islice(_ENCODER.iterencode(value), 61))
    return text if len(text) <= 60 else text[:57] + "..."


def _not(value: Any, wanted: str) -> tuple[str, str]:
    return f"{_shown(value)} is not {wanted}", f"write {wanted}"


def _type(value: Any, wanted: str | list[str]) -> tuple[str, str]:
    names = [wanted] if isinstance(wanted, str) else wanted
    return _not(value, " or ".join(_NOUNS[name] for name in names))


def _enum(value: Any, wanted: list[Any]) -> tuple[str, str]:
    words = [known if isinstance(known, str) else json.dumps(known) for known in wanted]
    return f"{_shown(value)} is not known", choose(str(value), words)


WORDS: Mapping[str, Callable[[Any, Any], tuple[str, str]]] = {
    "type": _type,
    "enum": _enum,
    "const": lambda v, w: (f"{_shown(v)} must be {_shown(w)}", f"write {_shown(w)}"),
    "not": lambda v, w: (f"{_shown(v)} is not allowed here", "write another value"),
    "minimum": lambda v, w: _not(v, f"at least {w}"),
    "exclusiveMinimum": lambda v, w: _not(v, f"more than {w}"),
    "maximum": lambda v, w: _not(v, f"at most {w}"),
    "exclusiveMaximum": lambda v, w: _not(v, f"less than {w}"),
    "minLength": lambda v, w: ("the string is empty", "write something"),
    "minItems": lambda v, w: (f"the list has {counted(len(v), 'item')}", f"write {w} or more"),
    "maxItems": lambda v, w: (f"the list has {counted(len(v), 'item')}", f"keep {w}"),
    "uniqueItems": lambda v, w: (f"{_shown(v)} is listed twice", "keep one"),
    "minProperties": lambda v, w: ("the mapping is empty", "write at least one member"),
    "maxProperties": lambda v, w: (f"the mapping has {counted(len(v), 'member')}", f"keep {w}"),
}
"""Message and remedy by keyword, of a value and what its schema wants."""
_FIRST = frozenset({"type", "minLength"})
_ERRORS = {"type": "type", "uniqueItems": "duplicate-id"}
