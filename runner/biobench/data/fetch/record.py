"""Known facts of a source that is there: ``NAME.fetched.json`` beside it.

In: the files of a source. Out: their digest, without reading them again as long as size and time of
modification are those that were noted.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from biobench._common.byte_sizes import show_size
from biobench._common.files import read_regular, write_atomically
from biobench._common.progress import Progress
from biobench.data.fetch.digests import Digest, difference, digest_of
from biobench.data.sources import DataSource
from biobench.errors import DataError

MOST_RECORD = 16 << 20


@dataclass(frozen=True)
class FetchRecord:
    """The digest of a source and the address or folder of each of its files, None if unknown."""

    digest: Digest
    origins: tuple[str | None, ...]


def record_path(folder: Path, name: str) -> Path:
    """Path of the record of the source ``name``."""
    return folder / f"{name}.fetched.json"


def read_record(source: DataSource, folder: Path) -> FetchRecord | None:
    """The record of a source, None where there is none or the files are others by now."""
    try:
        value = json.loads(read_regular(record_path(folder, source.name), MOST_RECORD))
        digest = Digest(value["bytes"], value["sha256"], value["md5"])
        origins = tuple(file["from"] for file in value["files"])
        noted = [{**file, "from": None} for file in value["files"]]
        now = _identity(source.paths(folder))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return FetchRecord(digest, origins) if noted == now else None


def write_record(
    source: DataSource, folder: Path, digest: Digest, origins: Sequence[str | None]
) -> None:
    """Note what a source is.

    Raises:
        BiobenchError: The record cannot be written.
    """
    files = _identity(source.paths(folder))
    for file, origin in zip(files, origins, strict=True):
        file["from"] = origin
    value = {"name": source.name, **asdict(digest), "files": files}
    write_atomically(record_path(folder, source.name), json.dumps(value, indent=1).encode() + b"\n")


def checked(source: DataSource, folder: Path, *, quiet: bool = False) -> FetchRecord:
    """The record of a source that is whole; it is read and noted where that is needed.

    Raises:
        DataError: The source is not what the document says.
    """
    record = read_record(source, folder)
    fresh = record is None
    if record is None:
        paths = source.paths(folder)
        size = sum(path.stat().st_size for path in paths)
        title = f"checking {source.name}"
        with Progress(title, size, show=show_size, quiet=quiet) as progress:
            record = FetchRecord(digest_of(paths, progress.advance), (None,) * len(paths))
    fault = difference(source.known, record.digest)
    if fault is not None:
        raise DataError(
            f"is not the file of the document: {fault}",
            where=str(folder / source.name),
            remedy="delete it and fetch it again",
        )
    if fresh:
        write_record(source, folder, record.digest, record.origins)
    return record


def _identity(paths: Sequence[Path]) -> list[dict[str, Any]]:
    found = []
    for path in paths:
        status = path.stat()
        found.append(
            {
                "name": path.name,
                "bytes": status.st_size,
                "mtime_ns": status.st_mtime_ns,
                "from": None,
            }
        )
    return found
