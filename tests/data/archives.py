"""Archives made for the tests, honest and hostile, and a data set that has them as sources."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from biobench.data.sources import archive_folder
from biobench.data.unpack import unpack
from biobench.errors import DataError
from biobench.spec.documents import Dataset, Layout

FOLDERS = {"splits": {"train": "train", "test": "val"}}
PEBBLES = {
    f"{split}/{name}/{name}-{i}.png": f"{split} {name} {i}".encode() * 20
    for split in ("train", "val")
    for name in ("flint", "quartz")
    for i in range(3)
}
GOOD = tuple(PEBBLES.items())


def source(
    name: str,
    *,
    root: str | None = ".",
    to: str = ".",
    url: str = "http://127.0.0.1:9/",
    **known: Any,
) -> dict[str, Any]:
    """A source as a document has it; ``known`` has bytes, sha256, md5 or parts."""
    parts = {"parts": known.pop("parts")} if "parts" in known else {}
    facts = {"bytes": None, "sha256": None, "md5": None, **known}
    urls = [url if parts or not url.endswith("/") else url + name]
    return {"name": name, "urls": urls, **parts, **facts, "archive_root": root, "unpacks_to": to}


def make_dataset(*sources: Mapping[str, Any], **changes: Any) -> Dataset:
    """A data set ``pebbles`` of two splits with these sources."""
    fields: dict[str, Any] = {
        "id": "pebbles",
        "title": "Pebbles",
        "version": "1",
        "status": "ok",
        "licence": "CC0-1.0",
        "citation": "",
        "sources": tuple(sources),
        "layout": Layout("image-folder", FOLDERS),
        "unknown": {},
        "files": {"count": None, "bytes": None, "digest": None},
        "page": "https://pebbles.example/",
        "notes": ("Collected on a beach.",),
    }
    return Dataset(**{**fields, **changes})


def tar_of(*members: tarfile.TarInfo | tuple[str, bytes], compress: bool = True) -> bytes:
    """A tar archive of headers without content, and of files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
            else:
                header = tarfile.TarInfo(member[0])
                header.size = len(member[1])
                archive.addfile(header, io.BytesIO(member[1]))
    return gzip.compress(buffer.getvalue(), 1) if compress else buffer.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    """A header of a link, device or folder."""
    header = tarfile.TarInfo(name)
    header.type = kind
    header.linkname = target
    return header


def zip_of(*members: tuple[str | zipfile.ZipInfo, bytes], stored: bool = False) -> bytes:
    """A zip archive of files."""
    buffer = io.BytesIO()
    method = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def bring(data: Path, dataset: Dataset, files: Mapping[str, bytes]) -> Path:
    """Lay archives where ``fetch`` leaves them."""
    folder = archive_folder(data, dataset)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def content_of(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def run(data: Path, dataset: Dataset, **files: bytes) -> list[str]:
    """Unpack these archives; returns what was said."""
    bring(data, dataset, files)
    said: list[str] = []
    unpack(dataset, data, say=said.append, quiet=True)
    return said


def one(data: Path, name: str, content: bytes, root: str | None = ".", to: str = ".") -> Path:
    """Unpack a data set of one archive; returns its folder."""
    run(data, make_dataset(source(name, root=root, to=to)), **{name: content})
    return data / "pebbles"


def refused(data: Path, name: str, content: bytes, *words: str) -> str:
    """It is refused in one line with exit 3, and neither the data nor the archive have changed."""
    with pytest.raises(DataError) as caught:
        one(data, name, content)
    message = str(caught.value)
    assert caught.value.exit_code == 3
    assert len(message.splitlines()) == 1
    assert all(word in message for word in (name, *words)), message
    assert not (data / "pebbles").exists()
    kept = data / "archives" / "pebbles"
    assert (kept / name).read_bytes() == content
    assert {path.relative_to(data).parts[0] for path in data.rglob("*")} == {"archives"}
    return message


class Pipe(io.BytesIO):
    """A file that is only written on: an archive has its sizes behind the data then."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: int) -> int:
        raise OSError

    def tell(self) -> int:
        raise OSError
