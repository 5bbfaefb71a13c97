"""The record of frames that were cut: ``<folder>.json`` beside their folder, and, while videos are
being cut, a journal with a line for each clip that is done.

In: entries. Out: the same entries; a torn line and a file that is not a record are left out.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from biobench._common.files import read_regular, write_atomically
from biobench.data.fetch.disk import cannot_write
from biobench.data.frames.clips import whole_digest
from biobench.spec.documents import Dataset

SCHEMA = "biobench.frames/1"
JOURNAL = "done.jsonl"
MOST_RECORD = 256 << 20
"""Most bytes of a record or a journal; a clip has about 600."""


@dataclass(frozen=True)
class ClipEntry:
    """The frames of one clip.

    Attributes:
        video: ``sha256:`` digest of the video's file (SPEC.md, section "Digests").
        pixels: Digest of the frames' RGB.
        digest: Digest of the frames' files.
        count: Frames that the video has.
        height: Height of its first frame.
        width: Width of its first frame.
        bytes: Size of the frames' files.
        made_with: Versions by name.
    """

    clip: str
    video: str
    video_bytes: int
    count: int
    height: int
    width: int
    pixels: str
    digest: str
    bytes: int
    made_with: Mapping[str, str]


@dataclass(frozen=True)
class FramesRecord:
    """All frames of a data set: entries by clip, and clips without frames with the reason."""

    dataset: str
    version: str
    frames: int
    entries: Mapping[str, ClipEntry]
    left_out: Mapping[str, str]

    @property
    def digest(self) -> str:
        """The digest of all frames."""
        return whole_digest({name: entry.digest for name, entry in self.entries.items()})

    @property
    def bytes(self) -> int:
        """The size of all frames."""
        return sum(entry.bytes for entry in self.entries.values())


def record_path(root: Path, top: str) -> Path:
    """Path of the record of the frames in the folder ``top``."""
    return root / f"{top}.json"


def make_record(
    dataset: Dataset, entries: Iterable[ClipEntry], left_out: Mapping[str, str]
) -> FramesRecord:
    """The record of these entries, in order of the clips."""
    ordered = {entry.clip: entry for entry in sorted(entries, key=lambda entry: entry.clip)}
    count: int = dataset.layout.options["frames"]["count"]
    return FramesRecord(dataset.id, dataset.version, count, ordered, dict(sorted(left_out.items())))


def read_record(root: Path, top: str) -> FramesRecord | None:
    """The record in ``root``, None where there is none that can be read."""
    try:
        value = json.loads(read_regular(record_path(root, top), MOST_RECORD))
        if value["schema"] != SCHEMA:
            return None
        tools = value["made_with"]
        entries = [
            ClipEntry(**{**item, "made_with": tools[item["made_with"]]}) for item in value["items"]
        ]
        return FramesRecord(
            value["dataset"],
            value["version"],
            value["frames"],
            {entry.clip: entry for entry in entries},
            dict(value["left_out"]),
        )
    except (OSError, ValueError, TypeError, KeyError, IndexError):
        return None


def record_bytes(record: FramesRecord) -> bytes:
    """The record as its file holds it: one line a clip."""
    tools = [dict(pairs) for pairs in dict.fromkeys(map(_tools, record.entries.values()))]
    head = {
        "schema": SCHEMA,
        "dataset": record.dataset,
        "version": record.version,
        "digest": record.digest,
        "clips": len(record.entries),
        "frames": record.frames,
        "bytes": record.bytes,
        "made_with": tools,
        "left_out": dict(record.left_out),
    }
    items = [
        json.dumps({**asdict(entry), "made_with": tools.index(dict(entry.made_with))})
        for entry in record.entries.values()
    ]
    text = json.dumps(head, indent=1, ensure_ascii=False).removesuffix("\n}")
    return (text + ',\n "items": [\n  ' + ",\n  ".join(items) + "\n ]\n}\n").encode()


def write_record(root: Path, top: str, record: FramesRecord) -> None:
    """Write the record beside the folder ``top``.

    Raises:
        BiobenchError: As :func:`write_atomically`.
    """
    write_atomically(record_path(root, top), record_bytes(record))


def read_journal(stage: Path) -> dict[str, ClipEntry]:
    """The entries of the clips that are done, by name."""
    found = {}
    with contextlib.suppress(OSError):
        for line in read_regular(stage / JOURNAL, MOST_RECORD).splitlines():
            with contextlib.suppress(ValueError, TypeError):
                entry = ClipEntry(**json.loads(line))
                found[entry.clip] = entry
    return found


def note(stage: Path, entry: ClipEntry) -> None:
    """Append a clip to the journal and sync it."""
    path = stage / JOURNAL
    try:
        with path.open("ab") as file:
            # A torn line before this one must not be joined with it.
            file.write(b"\n" + json.dumps(asdict(entry)).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise cannot_write(path, error) from error


def _tools(entry: ClipEntry) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(entry.made_with.items()))
