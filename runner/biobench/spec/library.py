"""A specification's documents as read (SPEC.md, section "Documents").

In: the folder that holds ``v1/``. Out: every document and schema with its path, in path order.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from biobench._common.files import Unreadable, read_plain
from biobench.errors import SpecError
from biobench.spec.problems import Problem
from biobench.spec.yaml_source import SourceError, YamlSource, read_yaml

KINDS: Mapping[str, str] = {"tasks": "task", "datasets": "dataset", "protocols": "protocol"}
"""Folder of v1/ -> kind of the documents in it, which is also the key that holds their id."""
MOST_JSON = 64 << 20
"""Most bytes of a schema or a file of vectors."""
SCHEMA_SUFFIX = ".schema.json"
NEEDED = ("task", "dataset", "protocol", "suite", "models", "vectors", "answers")
"""Schemas without which nothing can be checked."""
_KIND_OF = {"suite.yaml": "suite", "models.yaml": "models", **KINDS}
_STEM = re.compile(r"(?P<id>.+?)(\.v(?P<version>[0-9]+))?\Z")


@dataclass(frozen=True)
class Document:
    """One document: its kind, its path below ``v1/``, and what was read."""

    kind: str
    path: str
    source: YamlSource

    @property
    def value(self) -> Any:
        """The JSON value."""
        return self.source.value


@dataclass(frozen=True)
class Library:
    """All documents of one specification, valid or not.

    ``by_id[kind]`` maps an id to its current document; a superseded version lies beside it as
    ``<id>.v<version>.yaml`` and is in ``documents`` only.
    """

    folder: Path
    documents: Mapping[str, Document]
    schemas: Mapping[str, Mapping[str, Any]]
    by_id: Mapping[str, Mapping[str, Document]]

    def version(self, kind: str, id: str, version: int | str) -> Document | None:
        """A version of a document, current or superseded; None where it does not exist.

        Tasks and protocols count in integers, data sets in text of digits: both match.
        """
        current = self.by_id[kind].get(id)
        if current is not None and str(current.value["version"]) == str(version):
            return current
        for path, document in self.documents.items():
            name, number = stem(path)
            if document.kind == kind and name == id and str(number) == str(version):
                return document
        return None

    def parts(self, prefix: str) -> list[str]:
        """Ids that have a schema ``<prefix>-<id>.schema.json``: kinds of view, layout, protocol."""
        start = f"{prefix}-"
        return [name.removeprefix(start) for name in self.schemas if name.startswith(start)]


def version_folder(root: Path) -> Path:
    """``root`` or ``root/v1``, whichever holds suite.yaml.

    Raises:
        SpecError: Neither has it.
    """
    for folder in (root, root / "v1"):
        if (folder / "suite.yaml").is_file():
            return folder
    raise SpecError(
        "no suite.yaml here", where=str(root), remedy="give the folder that holds v1/suite.yaml"
    )


def read_library(root: Path, shown_root: str | None = None) -> tuple[Library, list[Problem]]:
    """Read documents and schemas below ``root``, with a problem for each file that cannot be read.

    ``shown_root`` stands for the folder in messages.

    Raises:
        SpecError: There is no suite.yaml.
    """
    folder = version_folder(root)
    shown = shown_root or str(folder)
    problems: list[Problem] = []
    sources: dict[str, YamlSource] = {}
    paths = ["suite.yaml", "models.yaml"]
    for name in KINDS:
        paths += [f"{name}/{p.name}" for p in sorted((folder / name).glob("*.yaml"))]
    for path in paths:
        try:
            sources[path] = read_yaml(folder / path, f"{shown}/{path}")
        except SourceError as error:
            problems.append(error.problem)
    schemas: dict[str, Mapping[str, Any]] = {}
    found = sorted(path.name for path in (folder / "schema").glob(f"*{SCHEMA_SUFFIX}"))
    for name in dict.fromkeys((*(f"{needed}{SCHEMA_SUFFIX}" for needed in NEEDED), *found)):
        schema = _schema(folder / "schema" / name)
        if isinstance(schema, str):
            file = f"{shown}/schema/{name}"
            remedy = "fix it" if shown_root is None else "install biobench again"
            kind = "syntax" if name in found else "no-file"
            problems.append(Problem(file, None, "", f"the schema {schema}", remedy, kind))
        else:
            schemas[name.removesuffix(SCHEMA_SUFFIX)] = schema
    return library_of(folder, sources, dict(sorted(schemas.items()))), problems


def library_of(
    folder: Path, sources: Mapping[str, YamlSource], schemas: Mapping[str, Mapping[str, Any]]
) -> Library:
    """Make a library of documents by their path below ``v1/``, in the order given.

    Raises:
        KeyError: A path is neither suite.yaml, models.yaml nor below a folder of :data:`KINDS`.
    """
    documents: dict[str, Document] = {}
    by_id: dict[str, dict[str, Document]] = {kind: {} for kind in _KIND_OF.values()}
    for path, source in sources.items():
        kind = _KIND_OF[path.partition("/")[0]]
        documents[path] = document = Document(kind, path, source)
        name, version = stem(path)
        if version is None:
            by_id[kind][name] = document
    return Library(folder, documents, schemas, by_id)


def stem(path: str) -> tuple[str, int | None]:
    """Id and version that a document's file name states: ``tasks/kabr.v1.yaml`` -> kabr, 1."""
    match = _STEM.match(Path(path).name.removesuffix(".yaml"))
    assert match is not None  # the pattern takes any name
    return match["id"], int(match["version"]) if match["version"] else None


def _schema(path: Path) -> Mapping[str, Any] | str:
    """The schema in a file, or a description of what is wrong with it."""
    try:
        value = json.loads(read_plain(path, MOST_JSON))
    except Unreadable as error:
        return error.what if path.exists() else "is not there"
    except (ValueError, RecursionError) as error:
        return f"is not JSON ({error})"
    return value if isinstance(value, dict) else "is not a JSON object"
