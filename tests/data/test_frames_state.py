"""The states of frames in `data list` and `data verify`: not cut yet, cut, other ones."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from task_values import make_task
from videos import CLIPS, FRAMES, LAYOUT, VIDEOS, film_dataset, film_set

from biobench.data.build import build_manifest
from biobench.data.file_hashes import ContentIndex
from biobench.data.frames.cut import cut_frames
from biobench.data.state import state_of
from biobench.data.verify import DataReport, raise_if_different, verify
from biobench.errors import DataError
from biobench.spec.documents import Dataset, Task

NAMES = sorted(name for names in CLIPS.values() for name in names)
CUT = f"{len(NAMES)} clips"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with videos that are cut."""
    data = tmp_path_factory.mktemp("sound")
    film_set(data / "films")
    cut_frames(film_dataset(), data / "films", quiet=True, say=lambda _: None)
    return data


@pytest.fixture
def data(sound: Path, tmp_path: Path) -> Path:
    """A copy that may be damaged."""
    shutil.copytree(sound, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def index(tmp_path: Path) -> Iterator[ContentIndex]:
    found = ContentIndex(tmp_path / "files.sqlite")
    yield found
    found.close()


def task_on(dataset: Dataset) -> Task:
    view = {"kind": "frames", "frames": FRAMES, "stride": 1, "start": "middle", "pool": "max"}
    view |= {"clip_label": "most-frequent", "short": "error", "missing": "error"}
    task = make_task("csv", LAYOUT, view=view, dataset="films")
    return Task(**{**vars(task), "dataset": dataset})


def check(data: Path, index: ContentIndex, dataset: Dataset | None = None) -> DataReport:
    dataset = film_dataset() if dataset is None else dataset
    task = task_on(dataset)
    return verify(dataset, data / "films", [task], index, seed=1, workers=2, quiet=True)


def test_from_videos_to_frames(tmp_path: Path) -> None:
    """Each step on the way is told from the next, by names alone."""
    dataset = film_dataset()
    film_set(tmp_path / "films")
    state = state_of(dataset, tmp_path)
    assert (state.state, state.frames) == ("partly", "not cut")
    assert state.missing == ("frames (not cut yet; `biobench data frames films`)",)
    fox = tmp_path / "films/films/fox.mp4"
    fox.rename(tmp_path / "fox.mp4")
    with pytest.raises(DataError):
        cut_frames(dataset, tmp_path / "films", quiet=True)
    state = state_of(dataset, tmp_path)
    assert (state.state, state.frames) == ("partly", "partly cut")
    assert state.missing == ("frames (4 videos are cut; `biobench data frames films` goes on)",)
    cut_frames(dataset, tmp_path / "films", leave_out=True, quiet=True, say=lambda _: None)
    state = state_of(dataset, tmp_path)
    assert (state.frames, state.missing) == ("partly cut", ("frames of 1 video left out",))
    (tmp_path / "fox.mp4").rename(fox)
    record = cut_frames(dataset, tmp_path / "films", quiet=True, say=lambda _: None)
    state = state_of(dataset, tmp_path)
    assert (state.state, state.frames, state.missing) == ("present", "cut", ())
    same = film_dataset(videos={**VIDEOS, "digest": record.digest})
    assert state_of(same, tmp_path).frames == "cut"
    other = film_dataset(videos={**VIDEOS, "digest": "sha256:" + 64 * "0"})
    state = state_of(other, tmp_path)
    assert (state.state, state.frames) == ("partly", "other frames")
    assert record.digest in state.missing[0]
    (tmp_path / "films/frames.json").unlink()
    state = state_of(dataset, tmp_path)
    assert (state.state, state.frames) == ("present", "no record")


def test_a_run_before_the_cut(tmp_path: Path, index: ContentIndex) -> None:
    """One line that says what to do, instead of a missing image for each frame."""
    film_set(tmp_path / "films")
    words = r"films: its videos are not cut into frames yet; cut them with `biobench data frames fi"
    with pytest.raises(DataError, match=words):
        build_manifest(task_on(film_dataset()), tmp_path / "films")
    with pytest.raises(DataError, match=words):
        check(tmp_path, index)


def test_frames_as_they_were_cut(data: Path, index: ContentIndex) -> None:
    """Nothing differs; the digest that the document lacks is shown, ready to be filled in."""
    report = check(data, index)
    assert report.differences == []
    assert report.frames is not None
    assert report.frames.has_record
    assert report.open_values["datasets/films.yaml"]["videos/digest"] == report.frames.digest
    assert report.counts["pebbles"] == {"train": 3, "test": 2, "classes": 2}
    same = film_dataset(videos={**VIDEOS, "digest": report.frames.digest})
    report = check(data, index, same)
    assert report.differences == []
    assert "videos/digest" not in report.open_values["datasets/films.yaml"]


def test_a_frame_with_other_bytes(data: Path, index: ContentIndex) -> None:
    """The clip is named, and the digest of all is not the document's any more."""
    found = check(data, index).frames
    assert found is not None
    dataset = film_dataset(videos={**VIDEOS, "digest": found.digest})
    frame = data / "films/frames/fox/frame_02.jpg"
    frame.write_bytes(frame.read_bytes() + b"\0")
    first, second = check(data, index, dataset).differences
    assert first == "fox: its frames have other bytes than when they were cut"
    assert second.startswith("films: videos digest is sha256:")
    assert second.endswith(f"expected {found.digest}")


def test_a_frame_less_and_a_frame_more(data: Path, index: ContentIndex) -> None:
    """A clip has as many frames as the layout says, no more and no fewer."""
    folder = data / "films/frames/fox"
    (folder / "frame_05.jpg").write_bytes(b"x")
    (folder / "frame_1.jpg").write_bytes(b"x")
    (folder / ".hidden").write_bytes(b"x")
    assert check(data, index).differences == [
        "frames/fox/frame_05.jpg: is none of the 4 frames of its clip",
        "frames/fox/frame_1.jpg: is none of the 4 frames of its clip",
    ]
    (folder / "frame_03.jpg").unlink()
    with pytest.raises(DataError, match=r"the image is missing: frames/fox/frame_03\.jpg"):
        check(data, index)


def test_tables_that_name_other_clips(data: Path, index: ContentIndex) -> None:
    """A record is of the clips that the tables named then."""
    table = data / "films/train.csv"
    table.write_text(table.read_text().replace("films/hare.mp4 0\n", ""))
    assert check(data, index).differences == ["hare: is in frames.json and in no table"]


def test_frames_without_a_record(data: Path, index: ContentIndex) -> None:
    """Frames from another machine: what they are is shown, and nothing is held against them."""
    (data / "films/frames.json").unlink()
    report = check(data, index)
    assert report.differences == []
    assert report.frames is not None
    assert not report.frames.has_record
    (data / "films/frames.json").write_text('{"schema": "biobench.frames/9"}')
    again = check(data, index).frames
    assert again is not None
    assert not again.has_record


def test_clips_that_were_left_out(tmp_path: Path, index: ContentIndex) -> None:
    """`verify` says so in one difference, and goes on with the others; a run names the clips."""
    dataset = film_dataset()
    film_set(tmp_path / "films")
    for name in ("fox", "hare"):
        (tmp_path / f"films/films/{name}.mp4").unlink()
    record = cut_frames(dataset, tmp_path / "films", leave_out=True, quiet=True, say=lambda _: None)
    report = check(tmp_path, index)
    assert report.differences == [
        "2 clips were left out when the videos were cut (frames.json): fox is missing, "
        "hare is missing"
    ]
    assert report.frames is not None
    assert report.frames.digest == record.digest
    assert (report.open_values, report.counts) == ({}, {})
    assert report.files.count == 2 + FRAMES * (len(NAMES) - 2)
    with pytest.raises(DataError, match="add these videos and run `biobench data frames films`"):
        raise_if_different(report)
    words = rf"2 faults: .*csv line \d+: {FRAMES} images are missing, the first is frames/fox/"
    with pytest.raises(DataError, match=words) as caught:
        build_manifest(task_on(dataset), tmp_path / "films")
    assert "run `biobench data frames films`" in str(caught.value)
    # What lacks for another reason is a fault as ever.
    for frame in (tmp_path / "films/frames/wolf").iterdir():
        frame.unlink()
    with pytest.raises(DataError, match=rf"1 fault: .*: {FRAMES} images are missing, .*/wolf/"):
        check(tmp_path, index)
