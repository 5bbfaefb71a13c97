"""Only regular files are read, wherever a path comes from: what waits or never ends is refused."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
from archives import bring, make_dataset, source, tar_of
from task_values import COCO, TABLES, coco_document, make_task, plant, write_coco, write_tables

from biobench import _native
from biobench._common.files import Unreadable, open_regular, read_plain, read_regular
from biobench._common.store import Store
from biobench.data.build import build_manifest
from biobench.data.copy_record import read_copy_record
from biobench.data.faults import Faults
from biobench.data.fetch.digests import digest_of
from biobench.data.fetch.part import PartFile, PartOrigin
from biobench.data.fetch.record import read_record
from biobench.data.file_hashes import file_digests
from biobench.data.frames.record import read_journal
from biobench.data.frames.record import read_record as read_frames_record
from biobench.data.layouts import find
from biobench.data.layouts.table import parse_table, read_table
from biobench.data.sources import archive_folder, sources_of
from biobench.data.unpack import unpack
from biobench.errors import BiobenchError, DataError
from biobench.spec.documents import Layout

Put = Callable[[Path], None]


def listening(path: Path) -> None:
    """A socket, by a short path: the system takes about a hundred bytes."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as server:
        server.bind(f"/proc/self/fd/{folder}/{path.name}")
    os.close(folder)


def linked_pipe(path: Path) -> None:
    pipe = path.with_name(f"{path.name}.pipe")
    os.mkfifo(pipe)
    path.symlink_to(pipe)


KINDS: dict[str, Put] = {
    "pipe": os.mkfifo,
    "link to a pipe": linked_pipe,
    "device without end": lambda path: path.symlink_to("/dev/zero"),
    "empty device": lambda path: path.symlink_to("/dev/null"),
    "socket": listening,
    "folder": Path.mkdir,
}


@pytest.fixture(params=KINDS)
def put(request: pytest.FixtureRequest) -> Put:
    """Puts something that is no regular file at a path."""
    return KINDS[request.param]


@pytest.fixture(autouse=True)
def ended_after_ten_seconds() -> Iterator[None]:
    """A call that waits for a pipe is a failure, and no test that never ends."""

    def late(number: int, frame: FrameType | None) -> None:
        raise AssertionError("waits for what never comes")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(10)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def at(path: Path, put: Put) -> Path:
    """The path, with something else in its place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    put(path)
    return path


def test_the_helper_refuses_and_leaves_nothing_open(tmp_path: Path, put: Put) -> None:
    """An OSError with the path, as ``open`` gives it."""
    path = at(tmp_path / "x", put)
    before = len(os.listdir("/proc/self/fd"))
    for read in (open_regular, lambda p: read_regular(p, 10)):
        with pytest.raises(OSError, match=r"regular|folder|directory|No such device") as caught:
            read(path)
        assert caught.value.filename == str(path)
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.fixture
def endless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file that is a regular one to look at, gives some bytes and then waits for more, as
    /proc/kmsg does: a pipe with a writer, of which the mode is believed."""
    path = tmp_path / "endless"
    os.mkfifo(path)
    writer = os.open(path, os.O_RDWR)
    os.write(writer, b"image,label\n")
    monkeypatch.setattr("biobench._common.files.stat.S_ISREG", lambda mode: True)
    yield path
    os.close(writer)


def test_a_regular_file_that_waits(endless: Path) -> None:
    """An error of one line instead of None, however it is read."""
    for read in (
        lambda file: file.read(),
        lambda file: file.read(100) and file.read(100),
        lambda file: [file.readline(), file.readline()],
        lambda file: file.readinto(bytearray(100)) and file.readinto(bytearray(100)),
    ):
        with open_regular(endless) as file, pytest.raises(OSError, match="its end never comes"):
            read(file)
    with pytest.raises(OSError, match="its end never comes"):
        read_regular(endless, 100)
    with pytest.raises(Unreadable, match="cannot be read"):
        read_plain(endless, 100)


def test_a_table_that_waits(endless: Path) -> None:
    """A fault of the table, and no failure of the program."""
    faults = Faults("fix the tables")
    file = read_table(str(endless.parent), endless.name, faults)
    assert file is not None
    with file:
        assert parse_table(endless.name, file, ",", None, faults) is None
    with pytest.raises(DataError, match=r"the table cannot be read \(its end never comes"):
        faults.raise_if_any("here")


def test_the_helper_reads_no_more_than_its_limit(tmp_path: Path) -> None:
    """A file of a terabyte that takes no room on the disk is refused at once."""
    path = tmp_path / "x"
    path.write_bytes(b"abc")
    assert read_regular(path, 3) == b"abc"
    with pytest.raises(OSError, match="more than 0 MB"):
        read_regular(path, 2)
    with path.open("r+b") as file:
        file.truncate(1 << 40)
    with pytest.raises(OSError, match="more than 1 MB"):
        read_regular(path, 1_000_000)


def test_tables(tmp_path: Path, put: Put) -> None:
    """Those of items, and the list of poisonous names."""
    tables = {"train.csv": "image,label\na.jpg,x\nb.jpg,y\n", "test.csv": "image,label\nc.jpg,x\n"}
    poison = {"table": "p.csv", "label": "n", "column": "p", "cells": ["1"], "edible": ["0"]}
    root = write_tables(tmp_path, {**tables, "p.csv": "n,p\nx,1\ny,0\n"}, "a.jpg", "b.jpg", "c.jpg")
    task = make_task("csv", {**TABLES, "poisonous": poison})
    assert build_manifest(task, root).poisonous == (0,)
    for name in ("test.csv", "p.csv"):
        kept = (root / name).read_bytes()
        at(root / name, put)
        with pytest.raises(DataError, match=f"{name}: the table cannot be read"):
            build_manifest(task, root)
        (root / name).rmdir() if (root / name).is_dir() else (root / name).unlink()
        (root / name).write_bytes(kept)


def test_annotation_files(tmp_path: Path, put: Put) -> None:
    """A COCO file."""
    root = write_coco(tmp_path, coco_document(["x", "y"]), "0.jpg", "1.jpg")
    at(root / "annotations.json", put)
    with pytest.raises(DataError, match="the annotation file cannot be read"):
        find(root, Layout("coco", COCO), "leave-one-out")


def test_images(tmp_path: Path, put: Put) -> None:
    """Among the items of folders, named by a table, hashed, and decoded."""
    root = plant(tmp_path, "train/a/1.png", "train/b/1.png", "val/a/1.png", "val/b/2.png")
    build_manifest(make_task(), root)
    image = at(root / "val/b/2.png", put)
    with pytest.raises(DataError, match=r"not a plain file|has no image"):
        build_manifest(make_task(), root)
    write_tables(root, {"t.csv": "image,label\nval/b/2.png,x\ntrain/a/1.png,y\n"})
    options = {**TABLES, "tables": {"gallery": "t.csv"}}
    with pytest.raises(DataError, match="the image is missing"):
        find(root, Layout("csv", options), "leave-one-out")
    with pytest.raises(DataError, match="cannot be read"):
        file_digests([str(image)], 1)
    with pytest.raises(OSError, match=r"not a regular file|[Ii]s a directory|No such device"):
        _native.decode(image)


def test_store_entries(tmp_path: Path, put: Put) -> None:
    """It counts as absent, ``verify`` names it, and a new entry takes its place."""
    key = "sha256:" + "ab" * 32
    store = Store(tmp_path)
    path = at(store.path("features", key), put)
    assert store.get("features", key) is None
    assert store.damaged() == [path]
    if path.is_dir():
        return
    store.put("features", key, {"x": np.zeros(2)})
    assert store.get("features", key) is not None


def test_what_fetch_keeps(tmp_path: Path, put: Put) -> None:
    """Records are absent then; a part is no place to write to; archives cannot be read."""
    dataset = make_dataset(source("a.tar"))
    folder = bring(tmp_path, dataset, {"a.tar": b"x" * 10})
    (only,) = sources_of(dataset)
    at(folder / "a.tar.fetched.json", put)
    assert read_record(only, folder) is None
    at(folder / "b.part.json", put)
    with PartFile(folder / "b.part").open() as part:
        assert part.kept == 0
    part_path = at(folder / "sub" / "c.part", put)
    if part_path.resolve() != Path("/dev/zero") and part_path.resolve() != Path("/dev/null"):
        with pytest.raises(BiobenchError, match="cannot be written"):
            PartFile(part_path).open()
    at(folder / "sub2" / "a.tar", put)
    with pytest.raises(DataError, match="cannot be read"):
        digest_of([folder / "sub2" / "a.tar"])


def test_what_unpack_and_frames_keep(tmp_path: Path, put: Put) -> None:
    """A record of what was unpacked, and those of frames, are absent then."""
    dataset = make_dataset(source("a.tar"))
    content = tar_of(("train/a/1.png", b"x"), ("val/a/2.png", b"x"), compress=False)
    bring(tmp_path, dataset, {"a.tar": content})
    at(archive_folder(tmp_path, dataset) / "unpacked.json", put)
    if not (archive_folder(tmp_path, dataset) / "unpacked.json").is_dir():
        unpack(dataset, tmp_path, say=lambda _: None, quiet=True)
        assert (tmp_path / "pebbles/train/a/1.png").read_bytes() == b"x"
    at(tmp_path / "frames.json", put)
    assert read_frames_record(tmp_path, "frames") is None
    at(tmp_path / "stage" / "done.jsonl", put)
    assert read_journal(tmp_path / "stage") == {}


def test_records_of_copies(tmp_path: Path, put: Put) -> None:
    """The file that ``data verify --against`` is given."""
    with pytest.raises(DataError, match="cannot be read"):
        read_copy_record(at(tmp_path / "record.json", put))


def test_an_image_that_becomes_a_pipe_after_it_was_looked_at(tmp_path: Path) -> None:
    """The open descriptor is asked what it is: a path may change between a look and its opening."""
    image = tmp_path / "a.png"
    os.mkfifo(image)
    writer = os.open(image, os.O_RDWR | os.O_NONBLOCK)
    try:
        os.write(writer, b"P")
        with pytest.raises(DataError, match="not a regular file"):
            file_digests([str(image)], 1)
        with pytest.raises(OSError, match="not a regular file"):
            _native.decode(image)
    finally:
        os.close(writer)


def test_a_sound_part_is_one(tmp_path: Path) -> None:
    """The check of the part's kind lets a file through."""
    with PartFile(tmp_path / "a.part").open() as part:
        part.begin(PartOrigin("", None, None, 3))
        part.append(b"abc")
        assert part.kept == 3
    assert json.loads((tmp_path / "a.part.json").read_bytes())["kept"] == 3


def test_read_only_reads(tmp_path: Path) -> None:
    """A file of this user's that nobody may read is an error of the system, not of its kind."""
    path: Any = tmp_path / "x"
    with pytest.raises(FileNotFoundError):
        open_regular(path)
