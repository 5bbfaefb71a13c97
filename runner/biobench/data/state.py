"""The state of a data set on the disk: ``biobench data list``.

In: a data set and the folder of data. Out: whether it can be scored, and what is missing, found by
names and sizes alone; ``data verify`` reads the files.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from biobench._common.byte_sizes import show_size
from biobench.data.fetch.download import part_of
from biobench.data.frames.check import State as FramesState
from biobench.data.frames.check import frames_state
from biobench.data.frames.clips import frames_top
from biobench.data.layouts import places
from biobench.data.locate import EMBEDDED
from biobench.data.sources import DataSource, archive_folder, sources_of
from biobench.spec.documents import Dataset

State = Literal["present", "partly", "absent"]


@dataclass(frozen=True)
class DatasetState:
    """The state of a data set.

    Attributes:
        bytes: Size of the files to fetch, or of those that are embedded; None where the document
            does not give it.
        missing: Reasons for people, one a member.
        frames: State of the frames; None where the data set has no videos, or does not exist.
    """

    dataset: Dataset
    state: State
    place: Path | None
    bytes: int | None
    missing: tuple[str, ...]
    frames: FramesState | None = None


def state_of(dataset: Dataset, data: Path | None) -> DatasetState:
    """The state of ``dataset`` below ``data``, or in the package."""
    place = None if data is None else data / dataset.id
    embedded = EMBEDDED / dataset.id
    if place is None or not place.is_dir():
        if embedded.is_dir():
            return DatasetState(dataset, "present", embedded, _size(dataset), ())
        missing, some = _missing_sources(dataset, data)
        return DatasetState(dataset, "partly" if some else "absent", None, _size(dataset), missing)
    absent = [path for path in places(dataset.layout) if not (place / path).exists()]
    frames = None
    if dataset.videos is not None:
        frames, missing_frames = frames_state(dataset, place)
        absent = [path for path in absent if path != frames_top(dataset)]
        absent += [missing_frames] if missing_frames else []
    state: State = "partly" if absent else "present"
    return DatasetState(dataset, state, place, _size(dataset), tuple(absent), frames)


def _size(dataset: Dataset) -> int | None:
    if not dataset.sources:
        size: int | None = dataset.files.get("bytes")
        return size
    sizes = [source.known.bytes for source in sources_of(dataset)]
    return None if None in sizes else sum(size for size in sizes if size is not None)


def _missing_sources(dataset: Dataset, data: Path | None) -> tuple[tuple[str, ...], bool]:
    """The sources to fetch or unpack, and whether some of them are there."""
    sources = sources_of(dataset)
    if not sources:
        return ("the folders of the data set",), False
    if data is None:
        return tuple(source.name for source in sources), False
    folder = archive_folder(data, dataset)
    absent = [source for source in sources if not source.is_whole(folder)]
    if not absent:
        return ("fetched, not yet unpacked",), True
    kept = [_kept(source, folder) for source in absent]
    missing = tuple(
        source.name + (f" ({show_size(size)} of it are there)" if size else "")
        for source, size in zip(absent, kept, strict=True)
    )
    return missing, len(absent) < len(sources) or any(kept)


def _kept(source: DataSource, folder: Path) -> int:
    """Bytes of a source that is not complete yet."""
    size = 0
    for file in source.files:
        for path in (folder / file.name, part_of(folder, file.name)):
            with contextlib.suppress(OSError):
                size += path.stat().st_size
    return size
