"""Cutting the videos of a data set: all of them once, whole or not at all, with a record."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from archives import content_of
from videos import CLIPS, FRAMES, LAYOUT, drawn, film, film_dataset, film_set

import biobench.data.frames.cut as cutting
from biobench.data.frames.cut import cut_frames
from biobench.data.frames.place import FramesPlace
from biobench.data.frames.record import FramesRecord, read_record, record_bytes
from biobench.errors import BiobenchError, DataError, SpecError
from biobench.spec.documents import Layout
from biobench.spec.location import spec_root

NAMES = sorted(name for names in CLIPS.values() for name in names)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    film_set(tmp_path / "films")
    return tmp_path / "films"


def cut(root: Path, **more: Any) -> tuple[FramesRecord, list[str]]:
    said: list[str] = []
    record = cut_frames(
        film_dataset(), root, **{"workers": 2, "quiet": True, "say": said.append, **more}
    )
    return record, said


def refusal(root: Path, **more: Any) -> str:
    with pytest.raises(DataError) as caught:
        cut(root, **more)
    assert caught.value.exit_code == 3
    assert "\n" not in str(caught.value)
    return str(caught.value)


def frames_in(root: Path) -> dict[str, bytes]:
    return content_of(root / "frames")


def test_every_video_becomes_its_frames(root: Path) -> None:
    """The folders and names that the layout asks for, the record beside them, nothing else new."""
    before = set(content_of(root))
    record, said = cut(root)
    wanted = {f"{name}/frame_{i:02}.jpg" for name in NAMES for i in range(1, FRAMES + 1)}
    assert set(frames_in(root)) == wanted
    assert set(content_of(root)) - before == {f"frames/{path}" for path in wanted} | {"frames.json"}
    assert sorted(path.name for path in root.iterdir() if path.name.startswith(".")) == []
    assert said[0].endswith(record.digest)
    assert "5 clips of 4 frames" in said[0]


def test_the_record(root: Path) -> None:
    """Digests of videos, pixels and frames; the same bytes wherever and however it is written."""
    record, _ = cut(root)
    value = json.loads((root / "frames.json").read_bytes())
    schema = json.loads((spec_root() / "v1/schema/frames.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(value)
    assert [item["clip"] for item in value["items"]] == NAMES
    assert value["digest"] == record.digest
    assert value["bytes"] == sum(map(len, frames_in(root).values()))
    assert {item["count"] for item in value["items"]} == {3 * FRAMES}
    assert read_record(root, "frames") == record
    written = (root / "frames.json").read_bytes()
    assert written == record_bytes(record)
    shutil.rmtree(root / "frames")
    (root / "frames.json").unlink()
    cut(root, workers=1)
    assert (root / "frames.json").read_bytes() == written
    assert str(root).encode() not in written


def test_a_second_time_nothing_happens(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is decoded or written, even where the videos have been deleted since."""
    cut(root)
    before = {p: (p.stat().st_mtime_ns, p.stat().st_ino) for p in root.rglob("*") if p.is_file()}
    monkeypatch.setattr(cutting, "cut_video", pytest.fail)
    _, said = cut(root)
    assert "cut already" in said[0]
    after = {p: (p.stat().st_mtime_ns, p.stat().st_ino) for p in root.rglob("*") if p.is_file()}
    assert after == before
    shutil.rmtree(root / "films")
    assert "cut already" in cut(root)[1][0]


def test_missing_and_bad_videos(root: Path) -> None:
    """Each is named with its reason; the others are cut and kept, and no clip has its place yet."""
    (root / "films/fox.mp4").unlink()
    film(root / "films/hare.mp4", drawn(2))
    data = (root / "films/wolf.mp4").read_bytes()
    (root / "films/wolf.mp4").write_bytes(data[: len(data) // 2])
    message = refusal(root)
    assert (
        "3 faults: fox: films/fox.mp4 is missing; hare: films/hare.mp4 has 2 frames where 4"
        in message
    )
    assert "wolf: films/wolf.mp4" in message
    assert "biobench data frames films --leave-out-bad" in message
    assert not (root / "frames").exists()
    assert not (root / "frames.json").exists()
    assert FramesPlace(root, "frames").ready() == 2


def test_the_first_ten_and_their_number(tmp_path: Path) -> None:
    """An archive that was not unpacked lacks thousands; the message stays one line."""
    root = tmp_path / "films"
    film_set(root)
    rows = "".join(f"films/x{i:04}.mp4 0\n" for i in range(1500))
    (root / "train.csv").write_text((root / "train.csv").read_text() + rows)
    message = refusal(root)
    assert "1500 faults, the first 10 are: x0000: films/x0000.mp4 is missing; x0001" in message
    assert "x0009" in message
    assert "x0010" not in message


def test_it_goes_on_once_they_are_mended(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames that were cut are not cut again, and the result is that of a sound data set."""
    sound = root.parent / "sound"
    shutil.copytree(root, sound)
    wanted, _ = cut(sound)
    fox = (root / "films/fox.mp4").read_bytes()
    (root / "films/fox.mp4").unlink()
    refusal(root)
    (root / "films/fox.mp4").write_bytes(fox)
    seen = watch(monkeypatch)
    assert cut(root)[0] == wanted
    assert seen == ["fox.mp4"]
    assert frames_in(root) == frames_in(sound)


def watch(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The videos that are decoded from now on."""
    seen: list[str] = []
    real = cutting.cut_video

    def seeing(path: Path, *more: Any) -> Any:
        seen.append(path.name)
        return real(path, *more)

    monkeypatch.setattr(cutting, "cut_video", seeing)
    return seen


def test_leaving_them_out(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest has its place, the record says what is not there, and the next run tries again."""
    fox = (root / "films/fox.mp4").read_bytes()
    (root / "films/fox.mp4").write_bytes(b"")
    record, said = cut(root, leave_out=True)
    assert list(record.left_out) == ["fox"]
    assert "1 left out" in said[0]
    assert not (root / "frames/fox").exists()
    assert "films/fox.mp4 cannot be opened" in refusal(root)
    assert read_record(root, "frames") == record
    (root / "films/fox.mp4").write_bytes(fox)
    seen = watch(monkeypatch)
    record, _ = cut(root)
    assert (seen, record.left_out) == (["fox.mp4"], {})
    assert sorted(record.entries) == NAMES
    assert len(frames_in(root)) == len(NAMES) * FRAMES


def test_nothing_but_bad_videos(root: Path) -> None:
    """No folder of frames without a frame."""
    for path in (root / "films").iterdir():
        path.write_bytes(b"")
    assert "5 faults" in refusal(root, leave_out=True)
    assert not (root / "frames").exists()


def test_another_video_is_cut_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A video of another size is another video; its old frames go when the new ones are whole."""
    first, _ = cut(root)
    film(root / "films/fox.mp4", drawn(30, seed=99))
    seen = watch(monkeypatch)
    second, _ = cut(root)
    assert seen == ["fox.mp4"]
    differing = [name for name in NAMES if first.entries[name] != second.entries[name]]
    assert differing == ["fox"]
    assert read_record(root, "frames") == second


def test_a_frame_that_was_lost_is_made_again(root: Path) -> None:
    """A record does not stand for files that are not there."""
    wanted, _ = cut(root)
    before = frames_in(root)
    (root / "frames/fox/frame_03.jpg").unlink()
    assert cut(root)[0] == wanted
    assert frames_in(root) == before


def test_frames_that_somebody_else_made(root: Path) -> None:
    """They may be a person's own work: nothing is overwritten, nothing is mixed."""
    own = root / "frames/fox/frame_01.jpg"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"mine")
    assert "is there already, and was not cut by this command" in refusal(root)
    assert list(frames_in(root).values()) == [b"mine"]
    shutil.rmtree(root / "frames")
    (root / "films/fox.mp4").rename(root / "fox.mp4")
    cut(root, leave_out=True)
    own.parent.mkdir()
    own.write_bytes(b"mine")
    (root / "fox.mp4").rename(root / "films/fox.mp4")
    assert "frames/fox: is there already" in refusal(root)
    assert own.read_bytes() == b"mine"


def test_a_folder_on_another_disk(root: Path, tmp_path: Path) -> None:
    """Frames are large: a link says where they shall lie, and is kept."""
    (tmp_path / "disk/frames").mkdir(parents=True)
    (root / "frames").symlink_to(tmp_path / "disk/frames")
    cut(root)
    assert (root / "frames").is_symlink()
    assert len(list((tmp_path / "disk/frames").rglob("*.jpg"))) == len(NAMES) * FRAMES
    assert "cut already" in cut(root)[1][0]


def test_a_full_disk(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, no clip with a frame less, and room for the same command to go on."""
    import biobench.data.frames.place as placing

    real, written = placing._write, []

    def full(path: Path, content: bytes) -> None:
        written.append(path)
        if len(written) > FRAMES * 2 + 1:
            raise OSError(28, "No space left on device")
        real(path, content)

    monkeypatch.setattr(placing, "_write", full)
    with pytest.raises(BiobenchError, match=r"No space left on device.*free some space") as caught:
        cut(root, workers=1)
    assert caught.value.exit_code == 1
    place = FramesPlace(root, "frames")
    assert not (root / "frames").exists()
    assert {len(list(p.iterdir())) for p in (place.stage / "ready").iterdir()} == {FRAMES}
    monkeypatch.setattr(placing, "_write", real)
    assert sorted(cut(root)[0].entries) == NAMES


def test_two_at_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second is told so, and the first is not disturbed."""
    entered, leave = threading.Event(), threading.Event()
    real = cutting.cut_video

    def waiting(*given: Any) -> Any:
        entered.set()
        assert leave.wait(30)
        return real(*given)

    monkeypatch.setattr(cutting, "cut_video", waiting)
    first = threading.Thread(target=cut, args=(root,))
    first.start()
    assert entered.wait(30)
    try:
        assert "is at work on this data set" in refusal(root)
    finally:
        leave.set()
        first.join()
    assert len(frames_in(root)) == len(NAMES) * FRAMES


def test_torn_notes_are_no_notes(root: Path) -> None:
    """A kill tears the journal's last line: that clip is cut again, and no other is lost."""
    (root / "films/fox.mp4").rename(root / "fox.mp4")
    refusal(root)
    journal = FramesPlace(root, "frames").stage / "done.jsonl"
    data = journal.read_bytes()
    journal.write_bytes(data[:-30])
    (root / "fox.mp4").rename(root / "films/fox.mp4")
    assert sorted(cut(root)[0].entries) == NAMES
    journal_lines = data.splitlines()
    assert len([line for line in journal_lines if line]) == 4


SCRIPT = """
import sys, time
from pathlib import Path
import biobench.data.frames.place as placing
from biobench.data.frames.cut import cut_frames
from videos import film_dataset

real = placing._write
def slowly(path, content):
    real(path, content)
    print(path, flush=True)
    time.sleep(0.02)
placing._write = slowly
cut_frames(film_dataset(), Path(sys.argv[1]), workers=2, quiet=True)
"""


@pytest.mark.slow
def test_killed_and_gone_on_with(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """kill -9 between two files: clips that were whole stay, the others do not count."""
    sound = root.parent / "sound"
    shutil.copytree(root, sound)
    wanted, _ = cut(sound)
    paths = {"PYTHONPATH": str(Path(__file__).parent)}
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), str(root)],
        stdout=subprocess.PIPE, text=True, env={**os.environ, **paths},
    )  # fmt: skip
    assert process.stdout is not None
    for _ in range(FRAMES * 2 + 2):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert not (root / "frames").exists()
    kept = FramesPlace(root, "frames").known()
    assert 0 < len(kept) < len(NAMES)
    seen = watch(monkeypatch)
    assert cut(root)[0] == wanted
    assert len(seen) == len(NAMES) - len(kept)
    assert frames_in(root) == frames_in(sound)


def test_ctrl_c_ends_the_workers(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interruption comes out at once, and no thread goes on with its video."""
    for name in NAMES:
        film(root / f"films/{name}.mp4", drawn(200))

    def interrupt(*given: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cutting, "note", interrupt)
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        cut(root, workers=2)
    assert time.monotonic() - start < 20
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("cut")]


def test_faults_of_the_tables_come_first(root: Path) -> None:
    """A clip that is named twice, or in two splits, would be cut twice into one folder."""
    (root / "test.csv").write_text("films/fox.mp4 0\n")
    assert "the subject fox is in test, and at train.csv line 2 in train" in refusal(root)
    (root / "test.csv").unlink()
    assert "test.csv: the table is missing" in refusal(root)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("frames/frame_{path:stem}_{n}.jpg", "its frames lie beside those of others"),
        ("frames/{path:stem}/{n}/frame.jpg", "its frames lie in several folders"),
        ("{path:stem}/{n}.jpg", "need one folder of their own"),
        ("{n}.jpg", "need one folder of their own"),
    ],
)
def test_layouts_that_give_a_clip_no_folder(root: Path, path: str, words: str) -> None:
    """A clip is whole when its folder has its name, so it needs one."""
    layout = Layout("csv", {**LAYOUT, "path": path})
    with pytest.raises((DataError, SpecError), match=words):
        cut_frames(replace(film_dataset(), layout=layout), root, quiet=True)
    plain = {key: value for key, value in LAYOUT.items() if key != "frames"}
    with pytest.raises(SpecError, match="names no frames of videos"):
        cut_frames(replace(film_dataset(), layout=Layout("csv", plain)), root, quiet=True)
