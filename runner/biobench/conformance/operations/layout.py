"""Layouts: which items lie in a data folder (SPEC.md, section 7.1)."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from biobench.conformance.operations import Invalid
from biobench.data.layouts import find
from biobench.data.manifest import Item
from biobench.errors import DataError
from biobench.spec.documents import Layout
from biobench.spec.load import Spec


def _find(given: Mapping[str, Any], spec: Spec) -> Any:
    layout = Layout(given["layout"]["id"], given["layout"]["options"])
    with tempfile.TemporaryDirectory(prefix="biobench-") as folder:
        for path, text in given["files"].items():
            file = Path(folder) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes((text or "").encode())
        try:
            found = find(
                Path(folder),
                layout,
                given["split"],
                keep_missing=given.get("keep_missing", False),
            )
        except DataError:
            raise Invalid("value") from None
    return {
        "items": [_value(item) for item in sorted(found.items, key=_place)],
        "missing": sorted(found.missing),
        "traits": list(found.traits),
        "poisonous": sorted(found.poisonous or ()),
    }


def _place(item: Item) -> tuple[str, str, str]:
    # The images of a subject stay in the order of their positions.
    return (item.split, item.subject, "" if item.subject else item.id)


def _value(item: Item) -> dict[str, Any]:
    label = {"traits": list(item.traits)} if item.traits else {"label": item.label}
    more = {"subject": item.subject, "group": item.group, "cluster": item.cluster}
    return {
        "id": item.id,
        "path": item.path,
        **label,
        "split": item.split,
        **{name: value for name, value in more.items() if value},
    }


OPERATIONS = {"layout.find": _find}
