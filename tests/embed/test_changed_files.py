"""A name that leads to one file and then to another was changed, whichever bytes are read last."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from biobench.data.file_hashes import ContentIndex, FileRead
from biobench.embed import changed_files as watching
from biobench.embed.changed_files import FileChangeDetector


def write(path: Path, data: bytes) -> None:
    """A file of a time long ago, whose size and date tell it from no other one."""
    path.write_bytes(data)
    os.utime(path, (10**9, 10**9))


def watched(path: Path, folder: Path) -> FileChangeDetector:
    rows = np.zeros(1, np.int64)
    watch = FileChangeDetector([str(path)], rows, ContentIndex(folder / "files.sqlite"), 1)
    watch.read(rows)
    return watch


def test_swapped_while_it_is_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two folders of one camera are renamed to and fro: the identity is that of the other file, and
    the bytes that are then read are again those that were used."""
    path, other, aside = (tmp_path / name for name in ("image", "other", "aside"))
    write(path, b"used")
    write(other, b"else")
    watch = watched(path, tmp_path)

    def swap() -> None:
        path.rename(aside)
        other.rename(path)
        aside.rename(other)

    read = watching.read_files

    def read_after_a_swap(paths: Sequence[str], workers: int) -> list[FileRead]:
        swap()
        return read(paths, workers)

    swap()
    monkeypatch.setattr(watching, "read_files", read_after_a_swap)
    watch.check()
    assert watch.changed == {0}


def test_a_copy_with_the_same_bytes(tmp_path: Path) -> None:
    """Another file with the bytes that were used is no change."""
    path, copy = tmp_path / "image", tmp_path / "copy"
    write(path, b"used")
    watch = watched(path, tmp_path)
    write(copy, b"used")
    copy.replace(path)
    watch.check()
    assert watch.changed == set()


def test_one_file_under_two_names(tmp_path: Path) -> None:
    """Names that are swapped between two looks lead to one file each time; links do so always."""
    names = [tmp_path / name for name in ("a", "b", "c")]
    write(names[0], b"used")
    write(names[1], b"else")
    names[2].symlink_to("a")
    rows = np.arange(3)
    index = ContentIndex(tmp_path / "files.sqlite")
    watch = FileChangeDetector([str(path) for path in names], rows, index, 1)
    watch.read(rows)
    watch.check()
    assert watch.changed == set()
    watch._identity[1] = watch._identity[0]
    watch._check_shared()
    assert watch.changed == {0, 1}
