"""Digests of files that workers pass on to each other."""

from __future__ import annotations

from pathlib import Path

from biobench._common.store import Store
from biobench.data.file_hashes import ContentIndex, FileRead
from biobench.work import file_digests
from biobench.work.slices import Slice

MANIFEST = "sha256:" + "5" * 64
PATHS = [f"/images/{i}.png" for i in range(4)]
FIRST, SECOND = Slice(0, 2, 2), Slice(2, 4, 2)


def known(index: ContentIndex) -> list[bool]:
    return [file is not None for file in index.remembered(PATHS)]


def test_a_look_at_one_slice_reads_no_other(tmp_path: Path) -> None:
    """A look at every entry before each part would cost a plan the square of its parts. One that
    was not there is found once it is, and a look at all finds the rest."""
    store, index, read = Store(tmp_path), ContentIndex(None), set[str]()
    file_digests.import_digests(store, index, MANIFEST, PATHS, read, SECOND)
    assert known(index) == [False] * 4
    whole = ContentIndex(None)
    whole.add((path, FileRead("sha256:" + "a" * 64, (1, i, 1, 1))) for i, path in enumerate(PATHS))
    for rows in (FIRST, SECOND):
        file_digests.share(store, whole, MANIFEST, rows, PATHS[rows.start : rows.stop])
    file_digests.import_digests(store, index, MANIFEST, PATHS, read, SECOND)
    assert known(index) == [False, False, True, True]
    file_digests.import_digests(store, index, MANIFEST, PATHS, read)
    assert known(index) == [True] * 4
    assert len(read) == 2


def test_a_look_at_all_may_leave_out_slices_whose_turn_comes(tmp_path: Path) -> None:
    """Protects: a worker that starts late reads what another plan has of its files, and none of the
    thousands of entries of its own plan."""
    store, index, read = Store(tmp_path), ContentIndex(None), set[str]()
    whole = ContentIndex(None)
    whole.add((path, FileRead("sha256:" + "a" * 64, (1, i, 1, 1))) for i, path in enumerate(PATHS))
    for rows in (FIRST, Slice(2, 3, 1)):
        file_digests.share(store, whole, MANIFEST, rows, PATHS[rows.start : rows.stop])
    file_digests.import_digests(store, index, MANIFEST, PATHS, read, but=(FIRST, SECOND))
    assert known(index) == [False, False, True, False]
    file_digests.import_digests(store, index, MANIFEST, PATHS, read, FIRST)
    assert known(index) == [True, True, True, False]
