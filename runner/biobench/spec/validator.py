"""JSON Schema 2020-12 as the specification means it (SPEC.md, section "Files").

In: a schema. Out: a validator of jsonschema. Patterns are those of ECMA-262. A key that is missing
or not allowed, and an item that is listed twice, is one error each, with its own place. jsonschema
has one error for all of them, in the order of a set, and compares each item with each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from biobench.spec.canonical import canonical_json
from biobench.spec.patterns import compiled


def validator(schema: Mapping[str, Any]) -> Any:
    """A validator of jsonschema's for ``schema``."""
    return _kind()(dict(schema))


@cache
def _kind() -> Any:
    # Imported late: many commands read no document.
    from jsonschema import Draft202012Validator, ValidationError, validators

    def pattern(_: Any, wanted: str, value: Any, __: Any) -> Iterator[ValidationError]:
        if isinstance(value, str) and compiled(wanted).search(value) is None:
            yield ValidationError(f"does not match {wanted!r}")

    def unique(_: Any, wanted: bool, value: Any, __: Any) -> Iterator[ValidationError]:
        seen: set[bytes] = set()
        for i, item in enumerate(value if wanted and isinstance(value, list) else ()):
            form = canonical_json(item)
            if form in seen:
                yield ValidationError("is listed twice", path=[i], instance=item)
            seen.add(form)

    def required(_: Any, wanted: list[str], value: Any, __: Any) -> Iterator[ValidationError]:
        for key in wanted if isinstance(value, dict) else ():
            if key not in value:
                yield ValidationError("is missing", path=[key])

    def listed(judge: Any, wanted: Any, value: Any, _: Any) -> Iterator[ValidationError]:
        for key in wanted if isinstance(value, dict) else ():
            if key in value:
                yield from member(judge, key, value, wanted[key])

    def others(judge: Any, wanted: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
        for key in value if isinstance(value, dict) else ():
            if key not in schema.get("properties", ()):
                yield from member(judge, key, value, wanted)

    def member(judge: Any, key: str, value: Any, schema: Any) -> Iterator[ValidationError]:
        if schema is False:
            yield ValidationError("is not allowed here", path=[key])
        else:
            yield from judge.descend(value[key], schema, path=key)

    own = {"pattern": pattern, "uniqueItems": unique, "required": required}
    extend: Any = validators.extend  # has no types
    return extend(
        Draft202012Validator, {**own, "properties": listed, "additionalProperties": others}
    )
