"""Remembered digests: as fast as a stat, never stale."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from pathlib import Path

import pytest

from biobench.data.file_hashes import SETTLED_NS, ContentIndex, file_digests
from biobench.errors import DataError


def _sha(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def test_digests_follow_the_content(tmp_path: Path) -> None:
    """The same size and modification time do not hide a change."""
    path = tmp_path / "a.jpg"
    path.write_text("one")
    old = time.time_ns() - 10 * SETTLED_NS
    os.utime(path, ns=(old, old))
    index = ContentIndex(tmp_path / "index.sqlite")
    assert index.digests([str(path)], 2) == [_sha("one")]
    path.write_text("two")
    os.utime(path, ns=(old, old))
    assert index.digests([str(path)], 2) == [_sha("two")]
    index.close()


def test_the_index_is_used(tmp_path: Path) -> None:
    """A settled file is not read again: its remembered digest is served."""
    path = tmp_path / "a.jpg"
    path.write_text("one")
    index = ContentIndex(tmp_path / "index.sqlite")
    time.sleep(SETTLED_NS / 1e9 + 0.2)
    assert index.digests([str(path)], 1) == [_sha("one")]
    connection = index._connection
    assert connection is not None
    with connection:
        connection.execute("UPDATE files SET digest = ?", (_sha("remembered"),))
    assert index.digests([str(path)], 1) == [_sha("remembered")]
    with connection:
        connection.execute("UPDATE files SET digest = 'sha256:damaged'")
    assert index.digests([str(path)], 1) == [_sha("one")]
    index.close()


def test_a_fresh_file_is_not_remembered(tmp_path: Path) -> None:
    """A file that may still change within its clock's resolution is hashed again next time."""
    path = tmp_path / "a.jpg"
    path.write_text("one")
    index = ContentIndex(tmp_path / "index.sqlite")
    index.digests([str(path)], 1)
    assert index._connection is not None
    assert index._connection.execute("SELECT count(*) FROM files").fetchone() == (0,)
    index.close()


def test_blocks_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress is told of every file, and blocks change nothing in the order."""
    monkeypatch.setattr("biobench.data.file_hashes.BLOCK", 3)
    paths = []
    for i in range(8):
        path = tmp_path / f"{i}.png"
        path.write_text(str(i))
        paths.append(str(path))
    counts: list[int] = []
    index = ContentIndex(tmp_path / "index.sqlite")
    assert index.digests(paths, 2, counts.append) == [_sha(str(i)) for i in range(8)]
    assert counts == [3, 3, 2]
    index.close()


def test_a_broken_index_is_made_anew(tmp_path: Path) -> None:
    """A file that is no database is replaced: otherwise every run would hash everything again."""
    (tmp_path / "index.sqlite").write_text("garbage, long enough to be taken for a header" * 9)
    path = tmp_path / "a.jpg"
    path.write_text("one")
    index = ContentIndex(tmp_path / "index.sqlite")
    assert index.digests([str(path)], 1) == [_sha("one")]
    assert index._connection is not None
    index.close()


@pytest.mark.slow
@pytest.mark.parametrize("mask", [0x80, 0xFF])
def test_each_byte_of_the_index_flipped(mask: int, tmp_path: Path) -> None:
    """SQLite quotes damaged text in its messages, which Python cannot decode then."""
    path, place = tmp_path / "a.jpg", tmp_path / "index.sqlite"
    path.write_text("one")
    aged = time.time() - 100
    os.utime(path, (aged, aged))
    ContentIndex(place).close()
    whole = place.read_bytes()
    for number in (i for i, byte in enumerate(whole) if byte):
        damaged = bytearray(whole)
        damaged[number] ^= mask
        place.write_bytes(damaged)
        for mode in (0o600, 0o400):
            if place.exists():
                place.chmod(mode)
            index = ContentIndex(place)
            assert index.digests([str(path)], 1) == [_sha("one")], number
            index.close()
        place.unlink(missing_ok=True)


def test_order_is_kept_and_a_missing_file_is_named(tmp_path: Path) -> None:
    """Digests come in the order of the paths, for any number of workers."""
    paths = []
    for i in range(20):
        path = tmp_path / f"{i}.png"
        path.write_text(str(i))
        paths.append(str(path))
    index = ContentIndex(tmp_path / "index.sqlite")
    for workers in (1, 3):
        assert index.digests(paths, workers) == [_sha(str(i)) for i in range(20)]
    with pytest.raises(DataError, match=r"gone\.png"):
        index.digests([str(tmp_path / "gone.png")], 1)
    index.close()


def test_an_unwritable_index_only_costs_time(tmp_path: Path) -> None:
    """Without a place for the index every file is hashed each time."""
    path = tmp_path / "a.jpg"
    path.write_text("one")
    (tmp_path / "file").write_text("in the way")
    index = ContentIndex(tmp_path / "file" / "index.sqlite")
    assert index.digests([str(path)], 1) == [_sha("one")]
    index.close()


def test_digests_are_those_of_hashlib(tmp_path: Path) -> None:
    """Sizes around the blocks of reading and of the hash, for any number of workers."""
    paths, expected = [], []
    for size in (0, 1, 55, 56, 63, 64, 65, 65_535, 65_536, 65_537, 200_000):
        content = (bytes(range(251)) * (size // 251 + 1))[:size]
        path = tmp_path / str(size)
        path.write_bytes(content)
        paths.append(str(path))
        expected.append("sha256:" + hashlib.sha256(content).hexdigest())
    for workers in (1, 2, 5):
        assert file_digests(paths, workers) == expected
    assert file_digests([], 1) == []


def test_the_first_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """One line with the reason, for a missing file, a folder and a pipe that nobody writes."""
    good, pipe = tmp_path / "good", tmp_path / "pipe"
    good.write_text("one")
    os.mkfifo(pipe)
    for bad, reason in (
        (tmp_path / "gone", "No such file or directory"),
        (tmp_path, "Is a directory"),
        (pipe, "not a regular file"),
    ):
        with pytest.raises(DataError, match=reason) as caught:
            file_digests([str(good), str(bad), str(tmp_path / "later")], 2)
        assert str(bad) in str(caught.value)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("suffix", ["", "-journal", "-wal", "-shm"])
def test_a_pipe_in_the_place_of_the_index(suffix: str, tmp_path: Path) -> None:
    """It is not waited for, nor are those beside it: every file is hashed each time."""
    path = tmp_path / "a.jpg"
    path.write_text("one")
    os.mkfifo(tmp_path / f"index.sqlite{suffix}")
    index = ContentIndex(tmp_path / "index.sqlite")
    assert index.digests([str(path)], 1) == [_sha("one")]
    index.close()


def test_an_index_that_stays_locked_is_waited_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may hold it, and a disk without locks looks the same."""
    path = tmp_path / "a.jpg"
    path.write_text("one")
    ContentIndex(tmp_path / "index.sqlite").close()
    monkeypatch.setattr("biobench.data.file_hashes.BUSY_S", 0.2)
    holder = sqlite3.connect(tmp_path / "index.sqlite", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    began = time.monotonic()
    index = ContentIndex(tmp_path / "index.sqlite")
    for _ in range(20):
        assert index.digests([str(path)], 1) == [_sha("one")]
    assert time.monotonic() - began < 2
    index.close()
    holder.close()
