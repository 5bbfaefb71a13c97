"""The sources of a data set and where their files lie (SPEC.md, section "Data folders").

In: a data set's document and the data folder. Out: the files to have, with what is known of them.
Archives lie in ``DIR/archives/<data set id>``, beside the data and never among them: a folder
``DIR/<data set id>`` means that the data are there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from biobench.spec.documents import Dataset

ARCHIVES = "archives"
TAR_ENDINGS = (".tar", ".tar.gz", ".tgz")
ZIP_ENDING = ".zip"


@dataclass(frozen=True)
class Known:
    """Facts of the document on a file's bytes; None where it has none."""

    bytes: int | None = None
    sha256: str | None = None
    md5: str | None = None

    @property
    def has_checksum(self) -> bool:
        """True where wrong bytes can be told from right ones."""
        return self.sha256 is not None or self.md5 is not None


@dataclass(frozen=True)
class File:
    """One file to download: its name, its addresses in the order to try, and its known facts."""

    name: str
    urls: tuple[str, ...]
    known: Known


@dataclass(frozen=True)
class DataSource:
    """One source: a file, or several that are joined in order."""

    name: str
    files: tuple[File, ...]
    known: Known
    archive_root: str | None
    unpacks_to: str

    @property
    def is_archive(self) -> bool:
        """True where it is unpacked; otherwise it is put in its place as it is."""
        return self.name.lower().endswith((*TAR_ENDINGS, ZIP_ENDING))

    def paths(self, folder: Path) -> tuple[Path, ...]:
        """Paths of its bytes in ``folder``: one file of its name, else its parts."""
        whole = folder / self.name
        if whole.exists():
            return (whole,)
        return tuple(folder / file.name for file in self.files)

    def is_whole(self, folder: Path) -> bool:
        """True where all of it lies in ``folder``."""
        return all(path.is_file() for path in self.paths(folder))


def sources_of(dataset: Dataset) -> tuple[DataSource, ...]:
    """The sources of a data set in the order of its document."""
    return tuple(_source(value) for value in dataset.sources)


def archive_folder(data: Path, dataset: Dataset) -> Path:
    """The folder for the files of a data set's sources."""
    return data / ARCHIVES / dataset.id


def _source(value: Mapping[str, Any]) -> DataSource:
    known = Known(value["bytes"], value["sha256"], value["md5"])
    parts = value.get("parts")
    if parts:
        files = tuple(File(p, tuple(url + p for url in value["urls"]), Known()) for p in parts)
    else:
        files = (File(value["name"], tuple(value["urls"]), known),)
    return DataSource(value["name"], files, known, value["archive_root"], value["unpacks_to"])
