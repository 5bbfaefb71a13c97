"""``biobench data frames``: cut videos into frames, in parallel, continuing where it stopped.

In: a data set whose videos are there. Out: the folder of the frames, and its record.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path

from biobench._common.byte_sizes import show_size
from biobench._common.files import require_writable
from biobench._common.progress import Progress
from biobench.data.faults import Faults
from biobench.data.fetch.lock import locked
from biobench.data.file_hashes import file_digest
from biobench.data.frames.clips import Clip, clips_of, frames_top
from biobench.data.frames.place import FramesPlace
from biobench.data.frames.record import (
    ClipEntry,
    FramesRecord,
    make_record,
    note,
    record_path,
    write_record,
)
from biobench.data.frames.video import BadVideo, cut_video, made_with
from biobench.errors import DataError, counted, shown
from biobench.spec.documents import Dataset

Say = Callable[[str], None]


def cut_frames(
    dataset: Dataset,
    root: Path,
    *,
    workers: int = 1,
    leave_out: bool = False,
    say: Say = print,
    quiet: bool = False,
) -> FramesRecord:
    """Cut every video of ``dataset`` in ``root`` that is not cut yet.

    Args:
        dataset: A data set of videos.
        root: Its folder.
        workers: Videos that are cut at once.
        leave_out: Move the other frames into place although videos are missing or bad. Otherwise
            such videos are an error after all others have been cut; those are kept, and the next
            call continues with the rest.
        say: Called with lines for people.
        quiet: Show no progress.

    Raises:
        DataError: Videos are missing or bad, or frames exist that were not cut here.
        BiobenchError: The disk is full.
        SpecError: The layout has no videos.
    """
    clips = clips_of(dataset, root)
    place = FramesPlace(root, frames_top(dataset))
    record = place.record
    if record is not None and not place.stage.exists() and not place.left(clips):
        say(f"{root / place.top}: cut already; {_summary(record)}")
        return record
    require_writable(root)
    require_writable(place.target.parent)
    with locked(place.stage):
        done, bad = _cut_left(dataset, clips, place, workers, quiet)
        if bad and not (leave_out and done):
            _raise_bad(dataset, root, clips, bad)
        record = make_record(dataset, done.values(), bad)
        place.move_in(clips)
        write_record(root, place.top, record)
        place.clear()
    say(f"{root / place.top}: {_summary(record)}")
    say(f"{record_path(root, place.top)}: what they were made of and with")
    return record


def _cut_left(
    dataset: Dataset, clips: Sequence[Clip], place: FramesPlace, workers: int, quiet: bool
) -> tuple[dict[str, ClipEntry], dict[str, str]]:
    """Entries of the clips that are cut, and the reasons why others are not."""
    known = place.known()
    if not known and place.has_frames():
        raise DataError(
            "is there already, and was not cut by this command",
            where=shown(str(place.target)),
            remedy=f"check it with `biobench data verify {dataset.id}`, or move it away",
        )
    left = place.left(clips)
    _refuse_unrecorded(left, known, place)
    place.prepare()
    waiting = {clip.name for clip in left}
    done = {clip.name: known[clip.name] for clip in clips if clip.name not in waiting}
    bad: dict[str, str] = {}
    with (
        Progress(dataset.id, len(clips), unit="videos", quiet=quiet) as progress,
        contextlib.closing(_cut_all(left, place, workers)) as found,
    ):
        progress.skip(len(done))
        for clip, result in found:
            if isinstance(result, ClipEntry):
                note(place.stage, result)
                done[clip.name] = result
            else:
                bad[clip.name] = result
            progress.advance(1)
    return done, bad


def _cut_all(
    clips: Sequence[Clip], place: FramesPlace, workers: int
) -> Generator[tuple[Clip, ClipEntry | str], None, None]:
    """Each clip with its entry, or with the reason why it has none, as they are done."""
    stop = threading.Event()
    tools = made_with()
    pool = ThreadPoolExecutor(max(1, workers), "cut")
    try:
        futures: dict[Future[ClipEntry | str], Clip] = {
            pool.submit(_cut, number, clip, place, tools, stop): clip
            for number, clip in enumerate(clips)
        }
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


def _cut(
    number: int, clip: Clip, place: FramesPlace, tools: Mapping[str, str], stop: threading.Event
) -> ClipEntry | str:
    video = place.root / clip.video
    if not video.is_file():
        return "is missing"
    try:
        cut = cut_video(video, len(clip.frames), stop.is_set)
    except BadVideo as error:
        return str(error)
    digests = ("sha256:" + hashlib.sha256(file).hexdigest() for file in cut.files)
    by_path = dict(zip(clip.frames, digests, strict=True))
    entry = ClipEntry(
        clip=clip.name,
        video=file_digest(str(video)),
        video_bytes=video.stat().st_size,
        count=cut.count,
        height=cut.height,
        width=cut.width,
        pixels=cut.pixels,
        digest=clip.digest(by_path.__getitem__),
        bytes=sum(map(len, cut.files)),
        made_with=tools,
    )
    place.store(number, clip, cut.files)
    return entry


def _refuse_unrecorded(
    left: Sequence[Clip], known: Mapping[str, ClipEntry], place: FramesPlace
) -> None:
    """Refuse folders without a record, which may be the user's own work."""
    faults = Faults("move these folders away")
    for clip in left:
        if clip.name not in known and place.of(clip).exists():
            faults.add(clip.folder, "is there already, and was not cut by this command")
    faults.raise_if_any(str(place.root))


def _raise_bad(dataset: Dataset, root: Path, clips: Sequence[Clip], bad: Mapping[str, str]) -> None:
    faults = Faults(
        "add these videos and run the command again, the others are kept; or leave them out "
        f"with `biobench data frames {dataset.id} --leave-out-bad`"
    )
    for clip in clips:
        if clip.name in bad:
            # The reason holds the path, so that ten of them are named and not one and nine more.
            faults.add(clip.name, f"{shown(clip.video)} {bad[clip.name]}")
    faults.raise_if_any(str(root))


def _summary(record: FramesRecord) -> str:
    text = f"{counted(len(record.entries), 'clip')} of {record.frames} frames, "
    text += f"{show_size(record.bytes)}, "
    if record.left_out:
        text += f"{len(record.left_out)} left out, "
    return text + record.digest
