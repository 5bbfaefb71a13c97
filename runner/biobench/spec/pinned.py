"""The versions that a superseded task rests on (SPEC.md, section "Tasks").

In: a library and a task document. Out: the library as that document sees it, with the versions of
the protocol and the data set that it pins.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from biobench.spec.library import Document, Library, stem

PINS = {"protocol": "protocol_version", "dataset": "dataset_version"}
"""Kind of a document that a task names -> the key that pins its version."""


def superseded(document: Document) -> bool:
    """True where the name of a document's file states a version."""
    return stem(document.path)[1] is not None


def pinned(library: Library, document: Document) -> Library:
    """The library with the versions that a superseded task pins in place of the current ones.

    The library itself for another document. Where a pinned version is not there the current one
    stays; :func:`missing_pins` names it.
    """
    by_id = dict(library.by_id)
    for kind, id, version in _pins(document):
        found = library.version(kind, id, version)
        if found is not None:
            by_id[kind] = {**by_id[kind], id: found}
    return replace(library, by_id=by_id)


def missing_pins(library: Library, document: Document) -> Iterator[tuple[str, str, str]]:
    """Kind, id and version of documents that a superseded task pins and that do not exist."""
    for kind, id, version in _pins(document):
        if id in library.by_id[kind] and library.version(kind, id, version) is None:
            yield kind, id, version


def _pins(document: Document) -> Iterator[tuple[str, str, str]]:
    if superseded(document):
        for kind, key in PINS.items():
            id, version = document.value.get(kind), document.value.get(key)
            if isinstance(id, str) and version is not None:
                yield kind, id, str(version)
