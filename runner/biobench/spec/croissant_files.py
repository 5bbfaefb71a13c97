"""The files of a Croissant document: sources, their contents, and sets of images.

In: the sources of a data set document, and places below the data folder that a layout names. Out:
FileObjects and FileSets, each contained in the archives from which the place is unpacked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from biobench.spec.image_formats import SPECIFIED
from biobench.spec.layout_options import path_parts

_FORMATS = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".tar": "application/x-tar",
    ".tar.gz": "application/x-tar",
    ".tgz": "application/x-tar",
    ".zip": "application/zip",
}
_ARCHIVES = (".tar", ".tar.gz", ".tgz", ".zip")
_OWN = {
    ending.removeprefix("."): format.media_type for format in SPECIFIED for ending in format.endings
}
"""The endings of images in folders of one's own, without the dot, and their types."""
_PUBLISHED = {ending: _OWN[ending] for ending in ("jpg", "jpeg", "png")}
"""The same for data sets that have a source."""


class CroissantFiles:
    """The distribution of a Croissant document, collected while its records are described.

    Attributes:
        unchecked: Names of the files that stand alone and have no known checksum.
    """

    def __init__(self, sources: Sequence[Mapping[str, Any]]) -> None:
        self._sources = sources
        self._images = _PUBLISHED if sources else _OWN
        self._entries: dict[str, dict[str, Any]] = {}
        self.unchecked: list[str] = []
        for source in sources:
            self._add_source(source)

    def distribution(self) -> list[dict[str, Any]]:
        """FileObjects and FileSets in the order in which they were added."""
        return list(self._entries.values())

    def table(self, path: str, note: str = "") -> str:
        """The id of the FileObject of a table or annotation file, which is added where it is not a
        source."""
        for source in self._sources:
            if not _is_archive(source) and _join(source["unpacks_to"], source["name"]) == path:
                if note:
                    entry = self._entries[source["name"]]
                    entry["description"] = f"{entry.get('description', '')} {note}".strip()
                return str(source["name"])
        entry = self._file(path, path)
        holders = self._holders(path)
        entry["contentUrl"] = holders[0][1] if holders else path
        if holders:
            entry["containedIn"] = [{"@id": name} for name, _ in holders]
        else:
            self.unchecked.append(path)
        if note:
            entry["description"] = note
        return path

    def images(self, id: str, folder: str, patterns: Sequence[str]) -> str:
        """The id of a FileSet of the images of a folder: its files that match one of the globs
        ``patterns``, which lack the ending."""
        holders = self._holders(folder)
        places = [place for _, place in holders] or [folder]
        places += [
            f"*/{place}" for name, place in holders if self._source(name)["archive_root"] is None
        ]
        entry: dict[str, Any] = {
            "@type": "cr:FileSet",
            "@id": id,
            "name": id,
            "encodingFormat": list(dict.fromkeys(self._images.values())),
            "includes": [
                f"{_join(place)}/{pattern}.{extension}".removeprefix("/")
                for place in dict.fromkeys(places)
                for pattern in patterns
                for name in self._images
                for extension in (name, name.upper())
            ],
        }
        if holders:
            entry["containedIn"] = [{"@id": name} for name, _ in holders]
        else:
            entry["description"] = f"The folder {folder} of the data folder."
        self._entries[id] = entry
        return id

    def _source(self, name: str) -> Mapping[str, Any]:
        return next(source for source in self._sources if source["name"] == name)

    def _add_source(self, source: Mapping[str, Any]) -> None:
        for part in source.get("parts", ()):
            entry = self._file(part, part, "application/octet-stream")
            entry["contentUrl"] = source["urls"][0] + part
            self.unchecked.append(part)
        entry = self._file(source["name"], source["name"])
        entry["contentUrl"] = source["urls"][0]
        notes = []
        if source.get("parts"):
            entry["contentUrl"] = source["name"]
            entry["containedIn"] = [{"@id": part} for part in source["parts"]]
            notes.append("The parts, joined in order.")
        if source["bytes"] is not None:
            entry["contentSize"] = f"{source['bytes']} B"
        checksum = next((key for key in ("sha256", "md5") if source[key] is not None), None)
        if checksum is not None:
            entry[checksum] = source[checksum]
        elif not source.get("parts"):
            self.unchecked.append(source["name"])
        if len(source["urls"]) > 1:
            notes.append(f"Also at {', '.join(source['urls'][1:])}.")
        if notes:
            entry["description"] = " ".join(notes)

    def _file(self, id: str, name: str, format: str | None = None) -> dict[str, Any]:
        endings = sorted(_FORMATS, key=len, reverse=True)
        known = next((_FORMATS[end] for end in endings if name.lower().endswith(end)), None)
        entry: dict[str, Any] = {
            "@type": "cr:FileObject",
            "@id": id,
            "name": name.rpartition("/")[2],
            "encodingFormat": format or known or "application/octet-stream",
        }
        self._entries[id] = entry
        return entry

    def _holders(self, path: str) -> list[tuple[str, str]]:
        """Archives that unpack to a place at or above ``path``, the nearest ones, each with the
        path inside it."""
        found: list[tuple[int, str, str]] = []
        for source in self._sources:
            base = path_parts(source["unpacks_to"])
            if _is_archive(source) and path_parts(path)[: len(base)] == base:
                inner = _join(source["archive_root"] or "", *path_parts(path)[len(base) :])
                found.append((len(base), source["name"], inner))
        nearest = max((depth for depth, _, _ in found), default=0)
        return [(name, inner) for depth, name, inner in found if depth == nearest]


def _is_archive(source: Mapping[str, Any]) -> bool:
    return str(source["name"]).lower().endswith(_ARCHIVES)


def _join(*paths: str) -> str:
    return "/".join(part for path in paths for part in path_parts(path))
