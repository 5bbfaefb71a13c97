"""Sections 6.3 and 6.4: cases of edited documents, checked with jsonschema."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from biobench.spec.load import load_spec
from biobench.spec.validator import validator
from vectors.case import Case, Check, Section
from vectors.sound_documents import ALL, Documents, Edit

SECTION = Section("documents", "6.3", "D", "documents")
SCHEMAS = load_spec().library.schemas
OF_THE_SCHEMA = {"unknown-key", "missing-key", "type"}


def documents(paths: tuple[str, ...], edit: Edit) -> Documents:
    """Copies of some documents of ALL after an edit; a suite's member needs its task."""
    chosen = copy.deepcopy({path: value for path, value in ALL.items() if path in paths})
    edit(chosen)
    return chosen


def valid_by_schema(given: Documents) -> bool:
    """True where jsonschema takes every document and every part that has a schema of its own."""
    kinds = {"tasks": "task", "datasets": "dataset", "protocols": "protocol"}
    for path, value in given.items():
        folder = path.split("/")[0]
        parts = [(value, kinds.get(folder) or folder.removesuffix(".yaml"))]
        if folder == "protocols":
            # compat holds some of the constants: each must be one that the kind has, and those that
            # the schema lists must be there.
            kind = f"protocol-{value['kind']}"
            parts.append((value["constants"], kind))
            parts.append(({**value["constants"], **value["compat"]}, kind))
            differing = SCHEMAS[kind].get("$defs", {}).get("compat", {}) if kind in SCHEMAS else {}
            if set(differing.get("required", ())) - set(value["compat"]):
                return False
        elif folder == "datasets":
            layout = value["layout"]
            parts.append((layout["options"], f"layout-{layout['id']}"))
        elif folder == "tasks" and "view" in value:
            parts.append((value["view"], f"view-{value['view']['kind']}"))
        for part, name in parts:
            schema = SCHEMAS.get(name)
            if schema and not validator(schema).is_valid(part):
                return False
    return True


def flaw(error: str) -> Check:
    def check(given: Any, output: Any) -> bool:
        refused = not valid_by_schema(given["documents"])
        assert refused or error not in OF_THE_SCHEMA, "jsonschema takes it"
        return bool(output == {"error": error})

    return check


def sound(given: Any, output: Any) -> bool:
    return bool(output == {"valid": True}) and valid_by_schema(given["documents"])


def document_case(
    name: str,
    paths: tuple[str, ...],
    edit: Edit,
    error: str | None = None,
    wrong: Callable[[str], Check] = flaw,
) -> Case:
    """A case of edited documents; ``error`` is their flaw's id, None where they are sound.

    ``wrong`` makes the check of a flaw.
    """
    given = {"documents": documents(paths, edit)}
    return Case(f"documents/{name}", given, sound if error is None else wrong(error))
