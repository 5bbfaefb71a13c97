"""The regular expressions of the schemas (SPEC.md, section "Files"): those of ECMA-262.

In: a pattern of a schema. Out: Python's expression of the same texts, and a JSON Schema validator
that uses it. Unchanged, Python's ``$`` also matches before an end of line that ends the text, so an
id might end in one, and its ``.`` does not stop where JavaScript's does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

_PARTS = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|[$.]", re.DOTALL)
_SAME = {"$": r"\Z", ".": "[^\\n\\r\\u2028\\u2029]"}


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """Compile the expression of a schema; raises re.error where it is not valid."""
    return re.compile(_PARTS.sub(lambda part: _SAME.get(part[0], part[0]), pattern), re.ASCII)


def validator(schema: Mapping[str, Any]) -> Any:
    """A validator of jsonschema's, for JSON Schema 2020-12 with its patterns as they are meant."""
    import jsonschema

    def pattern(_: Any, wanted: str, value: Any, __: Any) -> Iterator[Any]:
        if isinstance(value, str) and compiled(wanted).search(value) is None:
            yield jsonschema.ValidationError(f"{value!r} does not match {wanted!r}")

    extend: Any = jsonschema.validators.extend
    kind = extend(jsonschema.Draft202012Validator, {"pattern": pattern})
    return kind(dict(schema))
