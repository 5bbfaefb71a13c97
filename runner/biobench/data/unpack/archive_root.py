"""Place of an archive's content: ``archive_root`` and ``unpacks_to`` (SPEC.md, section "Data
folders").

In: the folder that a source was unpacked to. Out: the folder in it that is meant, and its place in
the data folder.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from biobench.data.frames.clips import videos_folder
from biobench.data.layouts import places
from biobench.data.sources import DataSource
from biobench.errors import DataError, shown
from biobench.spec.documents import Dataset
from biobench.spec.layout_options import path_parts


def content_folder(raw: Path, dataset: Dataset, source: DataSource) -> Path:
    """The folder whose content is meant.

    With an ``archive_root`` that is ``raw``, which has only what lay below it. Else a single top
    folder is stripped where more of the layout's places are found in it than beside it.
    """
    if source.archive_root is not None:
        return raw
    top = [path for path in raw.iterdir() if not path.name.startswith(".")]
    if len(top) != 1 or not top[0].is_dir() or top[0].is_symlink():
        return raw
    base = path_parts(source.unpacks_to)
    inner = [
        parts[len(base) :]
        for parts in map(path_parts, (*places(dataset.layout), *_videos(dataset)))
        if parts[: len(base)] == base
    ]
    # A folder of images that is the content itself is more than one folder.
    stripped = sum(top[0].joinpath(*parts).exists() for parts in inner)
    whole = sum(bool(parts) and raw.joinpath(*parts).exists() for parts in inner)
    return top[0] if stripped > whole else raw


def _videos(dataset: Dataset) -> tuple[str, ...]:
    return () if dataset.videos is None else (videos_folder(dataset),)


def merge(content: Path, ready: Path, source: DataSource) -> None:
    """Move what is in ``content`` to its place below ``ready``; it may be half moved already.

    Raises:
        DataError: Another source has put a file there.
    """
    place = ready.joinpath(*path_parts(source.unpacks_to))
    place.mkdir(parents=True, exist_ok=True)
    _move_into(content, place, source)


def _move_into(content: Path, place: Path, source: DataSource) -> None:
    for path in sorted(content.iterdir()):
        there = place / path.name
        if not os.path.lexists(there):
            os.rename(path, there)
        elif path.is_dir() and there.is_dir() and not path.is_symlink() and not there.is_symlink():
            _move_into(path, there, source)
        else:
            raise DataError(
                f"{shown(path.name)} is in another archive of the data set too",
                where=source.name,
                remedy="unpack the archives by hand and check the copy with `data verify`",
            )


def put(path: Path, target: Path) -> None:
    """A file that is no archive, linked where it can be and copied otherwise."""
    with contextlib.suppress(OSError):
        os.link(path, target)
        return
    shutil.copyfile(path, target)
