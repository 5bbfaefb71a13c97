"""The videos of a data set, and the frames to make of each.

In: a data set's document and its tables. Out: clips in order of their names (SPEC.md, section
"Frames of videos").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from biobench.data.faults import Faults
from biobench.data.layouts import find
from biobench.data.layouts.options import path_fault, split_rule_of
from biobench.errors import SpecError, shown
from biobench.spec.canonical import sha256_json
from biobench.spec.documents import Dataset

SUBJECT = "{subject}"
"""Placeholder of the clip's name in the path of a video."""

DigestOf = Callable[[str], str]
"""Path below the data folder -> ``sha256:`` digest of the file."""


@dataclass(frozen=True)
class Clip:
    """One video. ``video`` and ``frames`` are paths below the data folder, frames in order; they
    lie in ``folder``, which holds nothing else."""

    name: str
    video: str
    folder: str
    frames: tuple[str, ...]

    def digest(self, digest_of: DigestOf) -> str:
        """Digest of ``[[path, digest], ...]`` of its frames."""
        return sha256_json([[path, digest_of(path)] for path in self.frames])


def frames_top(dataset: Dataset) -> str:
    """The folder that holds the frames of all videos.

    Raises:
        SpecError: Paths of frames begin with no folder that holds them all.
    """
    path = dataset.layout.options["path"]
    top, _, rest = path.partition("/") if isinstance(path, str) else ("", "", "")
    if not rest or "{" in top:
        raise SpecError(
            f"data set {dataset.id}: frames of videos need one folder of their own",
            where="/layout/options/path",
            remedy="begin the path with the name of a folder: frames/{clip}/{frame}.jpg",
        )
    return str(top)


def videos_folder(dataset: Dataset) -> str:
    """The folder that the path of a video begins with, ``""`` for the data folder itself."""
    assert dataset.videos is not None
    return str(dataset.videos["path"]).partition(SUBJECT)[0].rpartition("/")[0]


def whole_digest(digests: Mapping[str, str]) -> str:
    """The digest of all frames, of those of each clip by name."""
    return sha256_json([[name, digests[name]] for name in sorted(digests)])


def clips_of(dataset: Dataset, root: Path) -> list[Clip]:
    """The clips that the tables of ``dataset`` in ``root`` name, by name.

    Raises:
        DataError: The tables have structural faults, or two clips lie in one folder.
        SpecError: The layout has no frames with subjects.
    """
    layout = dataset.layout
    if dataset.videos is None or not {"frames", "subject"} <= set(layout.options):
        raise SpecError(
            f"data set {dataset.id}: its layout names no frames of videos",
            remedy="give it videos, and the options frames and subject of the layout csv",
        )
    top = frames_top(dataset)
    frames: dict[str, list[str]] = {}
    for item in find(root, layout, split_rule_of(layout), keep_missing=True).items:
        frames.setdefault(item.subject, []).append(item.path)
    faults = Faults("fix the tables, or unpack the data set again")
    clips = [
        _clip(str(dataset.videos["path"]), name, paths, top, faults)
        for name, paths in sorted(frames.items())
    ]
    _check_folders(clips, faults)
    faults.raise_if_any(str(root))
    return clips


def _clip(path: str, name: str, frames: Sequence[str], top: str, faults: Faults) -> Clip:
    video = path.replace(SUBJECT, name)
    fault = path_fault(video)
    if fault:
        faults.add(name, f"its video would be {shown(video)}: {fault}")
    folder = frames[0].rpartition("/")[0]
    if any(frame.rpartition("/")[0] != folder for frame in frames):
        faults.add(name, "its frames lie in several folders")
    elif not folder.startswith(f"{top}/"):
        faults.add(name, f"its frames lie beside those of others, in {shown(folder)}")
    return Clip(name, video, folder, tuple(frames))


def _check_folders(clips: Sequence[Clip], faults: Faults) -> None:
    owners: dict[str, str] = {}
    for clip in clips:
        other = owners.setdefault(clip.folder, clip.name)
        if other != clip.name:
            faults.add(clip.name, f"its frames lie in one folder with those of {shown(other)}")
    for clip in clips:
        above = clip.folder.rpartition("/")[0]
        while above:
            if above in owners:
                faults.add(clip.name, f"its folder lies in that of {shown(owners[above])}")
            above = above.rpartition("/")[0]
