"""Annotation files as they were read: the digest is that of the bytes that were parsed."""

from __future__ import annotations

import hashlib
import io
import os
import time
from pathlib import Path

import pytest
from task_values import TABLES, make_task, write_tables

from biobench.data.annotations import Hashing, changed, read_whole
from biobench.data.build import build_manifest
from biobench.data.layouts import table

OLD = "image,label\n1.jpg,a\n2.jpg,b\n"
NEW = "image,label\n1.jpg,b\n2.jpg,a\n"
TEST = "image,label\n9.jpg,a\n"


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def aged(path: Path) -> None:
    """Wait until a change of the file would show in its times, however coarse they are."""
    while time.time_ns() - os.stat(path).st_ctime_ns <= 2_000_000_000:
        time.sleep(0.05)


def test_hashing_a_text() -> None:
    """Every byte counts, in whatever pieces it is read."""
    data = ("é" * 30_000).encode()
    hashing = Hashing(io.BytesIO(data))
    text = io.TextIOWrapper(hashing, "utf-8")
    assert len(text.read()) == 30_000
    assert hashing.digest == digest(data)


def test_a_table_that_is_edited_between_its_two_readings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first looks whether it is text, the second takes the cells."""
    write_tables(tmp_path, {"train.csv": OLD, "test.csv": TEST}, "1.jpg", "2.jpg", "9.jpg")
    check = table._require_text

    def edit(file):  # type: ignore[no-untyped-def]
        check(file)
        file.seek(0)
        if file.read() == OLD.encode():
            (tmp_path / "train.csv").write_text(NEW)

    monkeypatch.setattr(table, "_require_text", edit)
    manifest = build_manifest(make_task("csv", TABLES), tmp_path)
    assert [row.label for row in manifest.rows if row.split == "train"] == [1, 0]
    assert manifest.tables["train.csv"].digest == digest(NEW.encode())
    assert changed(tmp_path, manifest.tables) == []
    (tmp_path / "train.csv").write_text(OLD)
    assert changed(tmp_path, manifest.tables) == ["train.csv"]


@pytest.mark.slow
def test_an_old_file_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Size, inode and times tell that it is the same; a young one may have changed within a tick
    of the clock."""
    path = tmp_path / "a.json"
    path.write_text("{}")
    aged(path)
    data, file = read_whole(str(path), 100)
    assert (data, file.digest) == (b"{}", digest(b"{}"))
    assert file.identity is not None
    (tmp_path / "young.json").write_text("{}")
    assert read_whole(str(tmp_path / "young.json"), 100)[1].identity is None

    def never(*given: object) -> None:
        raise AssertionError

    monkeypatch.setattr("biobench.data.annotations.read_files", never)
    assert changed(tmp_path, {"a.json": file}) == []
    with pytest.raises(OSError, match="more than"):
        read_whole(str(path), 1)


def test_what_is_gone_or_no_file_is_changed(tmp_path: Path) -> None:
    """In the order of the names."""
    files = {}
    for name in ("b", "a", "c"):
        (tmp_path / name).write_text(name)
        files[name] = read_whole(str(tmp_path / name), 100)[1]
    assert changed(tmp_path, files) == []
    (tmp_path / "a").unlink()
    (tmp_path / "b").unlink()
    os.mkfifo(tmp_path / "b")
    assert changed(tmp_path, files) == ["a", "b"]
