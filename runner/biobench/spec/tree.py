"""The files of a specification's folder beside its documents (SPEC.md, section "Documents").

In: the folder that holds suite.yaml. Out: a problem for each file or folder that no reader would
open, and for each schema that is not a JSON Schema.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from biobench.spec.library import KINDS, SCHEMA_SUFFIX
from biobench.spec.patterns import compiled
from biobench.spec.problems import Problem, escape

# Patterns of paths that have a meaning, of folders with a final /.
_KNOWN = re.compile(
    "|".join(
        (
            r"suite\.yaml|models\.yaml",
            rf"({'|'.join(KINDS)})/([^/]+\.yaml)?",
            rf"schema/([^/]+{re.escape(SCHEMA_SUFFIX)})?",
            r"conformance/((required|optional)/([^/]+/([^/]+\.json)?)?)?",
        )
    )
)


def strays(folder: Path, shown: str) -> Iterator[Problem]:
    """Files and folders without a meaning, in path order; a folder stands for all in it.

    Hidden ones, which tools leave behind, are passed over.
    """
    yield from _strays(folder, "", shown)


def _strays(folder: Path, place: str, shown: str) -> Iterator[Problem]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        name = f"{place}{path.name}" + ("/" if path.is_dir() else "")
        if _KNOWN.fullmatch(name) is None:
            better = path.with_suffix(".yaml").name
            known = path.suffix == ".yml" and _KNOWN.fullmatch(f"{place}{better}") is not None
            remedy = f"name it {better}" if known else "move it out of the specification"
            message = "nobody reads this " + ("folder" if path.is_dir() else "file")
            yield Problem(f"{shown}/{name}", None, "", message, remedy, "wrong-name")
        elif path.is_dir():
            yield from _strays(path, name, shown)


def schema_problems(schemas: Mapping[str, Mapping[str, Any]], shown: str) -> Iterator[Problem]:
    """Find keywords of the schemas that are not JSON Schema 2020-12, or would fail when they are
    used."""
    import jsonschema

    for name, schema in schemas.items():
        file = f"{shown}/schema/{name}{SCHEMA_SUFFIX}"
        errors = jsonschema.Draft202012Validator(
            jsonschema.Draft202012Validator.META_SCHEMA
        ).iter_errors(schema)
        broken = {"".join(f"/{escape(str(k))}" for k in e.absolute_path): e for e in errors}
        for pointer, error in sorted(broken.items()):
            message = f"is not JSON Schema ({error.message[:100]})"
            yield Problem(file, None, pointer, message, "fix the keyword", "value")
        if not broken:
            yield from _unusable(file, schema, schema, "")


def _unusable(file: str, value: Any, root: Mapping[str, Any], pointer: str) -> Iterator[Problem]:
    """Find references that lead nowhere, and patterns that are not regular expressions."""
    if isinstance(value, list):
        for i, item in enumerate(value):
            yield from _unusable(file, item, root, f"{pointer}/{i}")
    if not isinstance(value, dict):
        return
    named = value.get("$ref")
    if isinstance(named, str):
        start, _, name = named.rpartition("/")
        if start != "#/$defs" or name not in root.get("$defs", {}):
            message = f"{named!r} leads nowhere"
            remedy = "write #/$defs/ and a name that is there"
            yield Problem(file, None, f"{pointer}/$ref", message, remedy, "unknown-reference")
    pattern = value.get("pattern")
    if isinstance(pattern, str):
        try:
            compiled(pattern)
        except re.error as error:
            message = f"{pattern!r} is not a regular expression ({error})"
            yield Problem(file, None, f"{pointer}/pattern", message, "fix it", "value")
    for key, member in value.items():
        yield from _unusable(file, member, root, f"{pointer}/{escape(key)}")
