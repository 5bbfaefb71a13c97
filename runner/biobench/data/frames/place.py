"""The folders of frames: ``<folder>`` in the data folder, ``.<folder>.cutting`` during the cut.

In: clips and their files. Out: folders that hold all frames of a clip, or do not exist. A clip has
a temporary name until it is whole, and all are moved into place when the last is done.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from biobench.data.fetch.disk import cannot_write
from biobench.data.frames.clips import Clip
from biobench.data.frames.record import ClipEntry, FramesRecord, read_journal, read_record


class FramesPlace:
    """The frames in the folder ``top`` of the data folder ``root``.

    A link to another disk is kept: what it leads to is filled.
    """

    def __init__(self, root: Path, top: str) -> None:
        self.root = root
        self.top = top
        self.target = Path(os.path.realpath(root / top))
        self.stage = self.target.parent / f".{top}.cutting"
        self._ready = self.stage / "ready"

    @property
    def record(self) -> FramesRecord | None:
        """The record of the frames that are in place."""
        return read_record(self.root, self.top)

    def known(self) -> dict[str, ClipEntry]:
        """Entries of the record and of the journal, by clip."""
        record = self.record
        return {**(record.entries if record else {}), **read_journal(self.stage)}

    def has_frames(self) -> bool:
        """True where anything lies at the place of the frames."""
        return self.target.is_dir() and any(self.target.iterdir())

    def ready(self) -> int:
        """Number of clips that are cut and not yet in place."""
        return sum(1 for _ in self._ready.iterdir()) if self._ready.is_dir() else 0

    def of(self, clip: Clip) -> Path:
        """The place of a clip."""
        return self.target / self._inner(clip)

    def left(self, clips: Sequence[Clip]) -> list[Clip]:
        """The clips that are not cut."""
        known = self.known()
        return [clip for clip in clips if not self._holds(clip, known)]

    def _holds(self, clip: Clip, known: Mapping[str, ClipEntry]) -> bool:
        """True where a clip is cut, and its video, where it still exists, has the same size."""
        entry = known.get(clip.name)
        if entry is None:
            return False
        video = self.root / clip.video
        if video.is_file() and video.stat().st_size != entry.video_bytes:
            return False
        return any(_has_all(base / self._inner(clip), clip) for base in (self._ready, self.target))

    def prepare(self) -> None:
        """Make the stage, and forget the clips that were not whole.

        Raises:
            BiobenchError: The stage cannot be written.
        """
        try:
            self._ready.mkdir(parents=True, exist_ok=True)
            for path in self.stage.glob("clip.*"):
                shutil.rmtree(path)
        except OSError as error:
            raise cannot_write(self.stage, error) from error

    def store(self, number: int, clip: Clip, files: Sequence[bytes]) -> None:
        """Store the frames of a clip, all or none; ``number`` is unique to it.

        Raises:
            BiobenchError: The frames cannot be written, as on a full disk.
        """
        fresh, place = self.stage / f"clip.{number}", self._ready / self._inner(clip)
        try:
            fresh.mkdir()
            for path, content in zip(clip.frames, files, strict=True):
                _write(fresh / _name(path), content)
            _replace(fresh, place)
        except OSError as error:
            shutil.rmtree(fresh, ignore_errors=True)
            raise cannot_write(place, error) from error

    def move_in(self, clips: Sequence[Clip]) -> None:
        """Move the clips that are ready into place: at once, where there were none before."""
        try:
            if not self.has_frames():
                if self.target.is_dir():
                    self.target.rmdir()
                os.replace(self._ready, self.target)
                return
            for clip in clips:
                fresh = self._ready / self._inner(clip)
                if fresh.is_dir():
                    _replace(fresh, self.of(clip))
        except OSError as error:
            raise cannot_write(self.target, error) from error

    def clear(self) -> None:
        """Remove the stage."""
        shutil.rmtree(self.stage, ignore_errors=True)

    def _inner(self, clip: Clip) -> str:
        return clip.folder.removeprefix(f"{self.top}/")


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _has_all(folder: Path, clip: Clip) -> bool:
    try:
        names = set(os.listdir(folder))
    except OSError:
        return False
    return names >= set(map(_name, clip.frames))


def _replace(fresh: Path, place: Path) -> None:
    """Put a folder in the place of another."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.exists():
        shutil.rmtree(place)
    os.replace(fresh, place)


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
