"""What is known of a data set's frames without reading them, and whether they are as they were cut.

In: a data set, its folder, and digests of its files. Out: a state in words, and differences.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from biobench.data.faults import shown
from biobench.data.frames.clips import Clip, clips_of, frames_top, whole_digest
from biobench.data.frames.place import Place
from biobench.data.frames.record import Record, record_path
from biobench.errors import DataError, counted
from biobench.spec.documents import Dataset

State = Literal["not cut", "partly cut", "cut", "no record", "other frames"]


def frames_state(dataset: Dataset, root: Path) -> tuple[State, str]:
    """The state of the frames in ``root``, and what is to be done, ``""`` where nothing is.

    ``no record``: frames are there, and nothing says how they were made. ``other frames``: they
    were cut, and are not those of the document.
    """
    place = Place(root, frames_top(dataset))
    command = f"`biobench data frames {dataset.id}`"
    if not place.has_frames():
        if place.ready():
            return "partly cut", f"frames ({place.ready()} videos are cut; {command} goes on)"
        return "not cut", f"frames (not cut yet; {command})"
    record = place.record
    if place.stage.exists():
        return "partly cut", f"some frames ({command} goes on)"
    return _recorded(dataset, record) if record is not None else ("no record", "")


def _recorded(dataset: Dataset, record: Record) -> tuple[State, str]:
    assert dataset.videos is not None
    expected = dataset.videos["digest"]
    if record.left_out:
        return "partly cut", f"frames of {counted(len(record.left_out), 'video')} left out"
    if expected is not None and record.digest != expected:
        return "other frames", f"the frames of the document (these have {record.digest})"
    return "cut", ""


def require_frames(dataset: Dataset, root: Path) -> None:
    """Raise DataError where the images of ``dataset`` are still videos."""
    if dataset.videos is None or Place(root, frames_top(dataset)).has_frames():
        return
    raise DataError(
        "its videos are not cut into frames yet",
        where=shown(str(root)),
        remedy=f"cut them with `biobench data frames {dataset.id}`",
    )


@dataclass
class FramesReport:
    """What the files of the frames are.

    digest: of all of them, as found. differences: one line each.
    """

    digest: str
    has_record: bool
    differences: list[str] = field(default_factory=list)


def check_frames(dataset: Dataset, root: Path, digests: Mapping[str, str]) -> FramesReport:
    """Compare frames with their record, and with the document where it knows their digest.

    digests: of every file of the data set, by path. Raises as :func:`clips_of`.
    """
    top = frames_top(dataset)
    place = Place(root, top)
    clips = clips_of(dataset, root)
    found = {clip.name: clip.digest(digests.__getitem__) for clip in clips}
    report = FramesReport(whole_digest(found), place.record is not None)
    for clip in clips:
        report.differences += _strangers(clip, place)
    if place.record is not None:
        report.differences += _since(place.record, found, record_path(root, top).name)
    assert dataset.videos is not None
    expected = dataset.videos["digest"]
    if expected is not None and report.digest != expected:
        report.differences.append(
            f"{dataset.id}: videos digest is {report.digest}, expected {expected}"
        )
    return report


def _strangers(clip: Clip, place: Place) -> list[str]:
    """Files in a clip's folder that are none of its frames."""
    own = {path.rpartition("/")[2] for path in clip.frames}
    names = sorted(name for name in os.listdir(place.of(clip)) if not name.startswith("."))
    return [
        f"{shown(f'{clip.folder}/{name}')}: is none of the {len(own)} frames of its clip"
        for name in names
        if name not in own
    ]


def _since(record: Record, found: Mapping[str, str], name: str) -> list[str]:
    """How frames differ from those that were cut."""
    lines = []
    for clip in sorted(found.keys() | record.entries.keys()):
        if clip not in record.entries:
            lines.append(f"{shown(clip)}: is not in {name}")
        elif clip not in found:
            lines.append(f"{shown(clip)}: is in {name} and in no table")
        elif found[clip] != record.entries[clip].digest:
            lines.append(f"{shown(clip)}: its frames have other bytes than when they were cut")
    return lines
