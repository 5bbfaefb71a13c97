"""The bundle: the whole specification as one JSON value (SPEC.md, section "The bundle").

In: a library. Out: ``{path below v1/: JSON value}`` of documents, schemas and vectors, and the
digest that results carry. Prose is not in it: a rule that moves a score changes a version too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from biobench._common.files import Unreadable, read_plain
from biobench.errors import SpecError
from biobench.spec.canonical import CanonicalError, canonical_json, parse_json, sha256_bytes
from biobench.spec.library import MOST_JSON, Library


def bundle_value(library: Library) -> dict[str, Any]:
    """Every document (``tasks/beluga.yaml``), schema and vector file by its path below ``v1/``.

    Raises:
        SpecError: A vector file is not JSON.
    """
    bundle: dict[str, Any] = {path: doc.value for path, doc in library.documents.items()}
    for name, schema in library.schemas.items():
        bundle[f"schema/{name}.schema.json"] = schema
    bundle.update(vector_values(library))
    return bundle


def vector_values(library: Library) -> dict[str, Any]:
    """Every vector file by its path below ``v1/``, in path order.

    Raises:
        SpecError: A vector file is not JSON.
    """
    values: dict[str, Any] = {}
    for path in sorted((library.folder / "conformance").rglob("*.json")):
        place = path.relative_to(library.folder).as_posix()
        try:
            values[place] = parse_json(read_plain(path, MOST_JSON))
        except CanonicalError as error:
            raise SpecError(str(error), where=place, remedy="fix the file") from error
        except Unreadable as error:
            raise SpecError(error.what, where=place, remedy=error.remedy) from error
    return values


def bundle_bytes(bundle: Mapping[str, Any]) -> bytes:
    """The file that `biobench spec export` writes: canonical JSON, no final newline."""
    return canonical_json(dict(bundle))


def bundle_digest(bundle: Mapping[str, Any]) -> str:
    """``sha256:`` digest of :func:`bundle_bytes`."""
    return sha256_bytes(bundle_bytes(bundle))
