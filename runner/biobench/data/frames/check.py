"""The state of a data set's frames, and whether they are as they were cut.

In: a data set, its folder, and digests of its files. Out: a state in words, and differences.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from biobench.data.faults import SHOWN
from biobench.data.frames.clips import Clip, clips_of, frames_top, whole_digest
from biobench.data.frames.place import FramesPlace
from biobench.data.frames.record import FramesRecord, record_path
from biobench.errors import DataError, counted, shown
from biobench.spec.documents import Dataset

State = Literal["not cut", "partly cut", "cut", "no record", "other frames"]


def frames_state(dataset: Dataset, root: Path) -> tuple[State, str]:
    """The state of the frames in ``root``, and what to do about it, ``""`` where nothing is to be
    done.

    ``no record``: frames exist, and nothing says how they were made. ``other frames``: they were
    cut, and are not those of the document.
    """
    place = FramesPlace(root, frames_top(dataset))
    command = f"`biobench data frames {dataset.id}`"
    if not place.has_frames():
        if place.ready():
            ready = counted(place.ready(), "video is", "videos are")
            return "partly cut", f"frames ({ready} cut; {command} goes on)"
        return "not cut", f"frames (not cut yet; {command})"
    record = place.record
    if place.stage.exists():
        return "partly cut", f"some frames ({command} goes on)"
    return _recorded(dataset, record) if record is not None else ("no record", "")


def _recorded(dataset: Dataset, record: FramesRecord) -> tuple[State, str]:
    assert dataset.videos is not None
    expected = dataset.videos["digest"]
    if record.left_out:
        return "partly cut", f"frames of {counted(len(record.left_out), 'video')} left out"
    if expected is not None and record.digest != expected:
        return "other frames", f"the frames of the document (these have {record.digest})"
    return "cut", ""


def require_frames(dataset: Dataset, root: Path) -> None:
    """Raise DataError where the images of ``dataset`` are still videos."""
    if dataset.videos is None or FramesPlace(root, frames_top(dataset)).has_frames():
        return
    raise DataError(
        "its videos are not cut into frames yet",
        where=shown(str(root)),
        remedy=f"cut them with `biobench data frames {dataset.id}`",
    )


@dataclass
class FramesReport:
    """The state of the frames' files.

    Attributes:
        digest: Digest of all of them, as found.
        left_out: Clips without frames because that was asked for when they were cut, with the
            reason.
        differences: Differences from the record and the document, one line each.
    """

    digest: str
    has_record: bool
    left_out: Mapping[str, str] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)


def clips_left_out(dataset: Dataset, root: Path) -> Mapping[str, str]:
    """Clips that were left out when the videos were cut, with the reason."""
    if dataset.videos is None:
        return {}
    record = FramesPlace(root, frames_top(dataset)).record
    return {} if record is None else record.left_out


def check_frames(dataset: Dataset, root: Path, digests: Mapping[str, str]) -> FramesReport:
    """Compare frames with their record, and with the document where it knows their digest.

    Args:
        dataset: A data set of videos.
        root: Its folder.
        digests: Digests of every file of the data set, by path; only those of clips that were left
            out may be missing.

    Raises:
        DataError: As :func:`clips_of`.
    """
    top = frames_top(dataset)
    place = FramesPlace(root, top)
    named = clips_of(dataset, root)
    clips = [clip for clip in named if digests.keys() >= set(clip.frames)]
    made = {clip.name: clip.digest(digests.__getitem__) for clip in clips}
    report = FramesReport(whole_digest(made), place.record is not None)
    out = clips_left_out(dataset, root)
    report.left_out = {clip.name: out[clip.name] for clip in named if clip.name not in made}
    if report.left_out:
        report.differences.append(_left_out(report.left_out, record_path(root, top).name))
    for clip in clips:
        report.differences += _unexpected_files(clip, place)
    if place.record is not None:
        report.differences += _since(place.record, made, record_path(root, top).name)
    assert dataset.videos is not None
    expected = dataset.videos["digest"]
    if expected is not None and report.digest != expected:
        report.differences.append(
            f"{dataset.id}: videos digest is {report.digest}, expected {expected}"
        )
    return report


def _left_out(clips: Mapping[str, str], name: str) -> str:
    """One line for any number of clips."""
    count = len(clips)
    verb = "was" if count == 1 else "were"
    first = [f"{shown(clip)} {shown(why)}" for clip, why in list(clips.items())[:SHOWN]]
    more = f" and {count - SHOWN} more" if count > SHOWN else ""
    told = f"{counted(count, 'clip')} {verb} left out when the videos were cut ({name})"
    return f"{told}: {', '.join(first)}{more}"


def _unexpected_files(clip: Clip, place: FramesPlace) -> list[str]:
    """Files in a clip's folder that are not among its frames."""
    own = {path.rpartition("/")[2] for path in clip.frames}
    names = sorted(name for name in os.listdir(place.of(clip)) if not name.startswith("."))
    return [
        f"{shown(f'{clip.folder}/{name}')}: is none of the {len(own)} frames of its clip"
        for name in names
        if name not in own
    ]


def _since(record: FramesRecord, digests: Mapping[str, str], name: str) -> list[str]:
    """Differences between frames and those that were cut."""
    lines = []
    for clip in sorted(digests.keys() | record.entries.keys()):
        if clip not in record.entries:
            lines.append(f"{shown(clip)}: is not in {name}")
        elif clip not in digests:
            lines.append(f"{shown(clip)}: is in {name} and in no table")
        elif digests[clip] != record.entries[clip].digest:
            lines.append(f"{shown(clip)}: its frames have other bytes than when they were cut")
    return lines
