"""Unpacking: all of a data set or nothing of it, in the place that its document says."""

from __future__ import annotations

import random
import resource as limits
from itertools import pairwise
from pathlib import Path

import pytest
from archives import (
    GOOD,
    PEBBLES,
    bring,
    content_of,
    make_dataset,
    one,
    run,
    source,
    tar_of,
    zip_of,
)

from biobench.data.unpack import unpack
from biobench.errors import BiobenchError, DataError
from biobench.spec.documents import Layout


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.tar", tar_of(*GOOD, compress=False)),
        ("a.tar.gz", tar_of(*GOOD)),
        ("a.tgz", tar_of(*GOOD)),
        ("a.zip", zip_of(*GOOD)),
        ("A.ZIP", zip_of(*GOOD, stored=True)),
    ],
)
def test_what_was_packed_is_there(tmp_path: Path, name: str, content: bytes) -> None:
    """Every format gives the same files, readable by others; a second call does nothing."""
    folder = one(tmp_path, name, content)
    assert content_of(folder) == PEBBLES
    assert not (tmp_path / ".pebbles.unpacking").exists()
    before = {path: path.stat().st_ctime_ns for path in folder.rglob("*")}
    assert "already" in run(tmp_path, make_dataset(source(name)))[0]
    assert before == {path: path.stat().st_ctime_ns for path in folder.rglob("*")}


def test_the_root_of_an_archive(tmp_path: Path) -> None:
    """The content of archive_root is meant, and goes to unpacks_to; what lies beside is named."""
    members = [(f"./deep/root/{path}", data) for path, data in GOOD]
    archive = tar_of(*members, ("README", b"x"), ("deep/other/x.png", b"y"))
    dataset = make_dataset(source("a.tar.gz", root="deep/root", to="under/it"))
    said = run(tmp_path, dataset, **{"a.tar.gz": archive})
    assert content_of(tmp_path / "pebbles" / "under" / "it") == PEBBLES
    assert "left out 2 entries outside deep/root" in said[0]
    with pytest.raises(DataError, match="no folder 'nowhere'"):
        one(tmp_path / "b", "a.tar.gz", archive, "nowhere")


@pytest.mark.parametrize("form", ["tar", "zip"])
@pytest.mark.parametrize("top", ["", "pebbles_300K/", "train/"])
def test_a_single_top_folder(tmp_path: Path, top: str, form: str) -> None:
    """One folder is stripped if the layout's folders are in it and the root is not known."""
    members = [(top + path, data) for path, data in GOOD]
    if form == "zip":
        content = zip_of(*members, ("__MACOSX/._x", b""), (".DS_Store", b""))
    else:
        content = tar_of(*members)
    folder = one(tmp_path, f"a.{form}", content, None)
    assert {p: c for p, c in content_of(folder).items() if p != ".DS_Store"} == PEBBLES


@pytest.mark.parametrize("top", ["", "train/", "images/"])
def test_a_split_of_its_own_archive(tmp_path: Path, top: str) -> None:
    """An archive that is a split: its class folders come right below the split's folder."""
    sources = []
    files = {}
    for split in ("train", "val"):
        members = [
            (top + path.removeprefix(f"{split}/"), data)
            for path, data in GOOD
            if path.startswith(split)
        ]
        files[f"{split}.tar.gz"] = tar_of(*members)
        sources.append(source(f"{split}.tar.gz", root=None, to=split))
    run(tmp_path, make_dataset(*sources), **files)
    assert content_of(tmp_path / "pebbles") == PEBBLES


def test_a_top_folder_that_helps_nothing_stays(tmp_path: Path) -> None:
    """Videos, from which the layout's frames are still to be cut, stay as they are packed."""
    folder = one(tmp_path, "a.tar", tar_of(("videos/a.mp4", b"x"), compress=False), None)
    assert content_of(folder) == {"videos/a.mp4": b"x"}


def test_parts_are_joined_as_they_are_read(tmp_path: Path) -> None:
    """No joined copy is written; several archives fill one folder, and tables lie beside."""
    content = zip_of(*GOOD, ("train/flint/large.png", random.Random(2).randbytes(9000)))
    cuts = [0, 1, 700, 5000, len(content)]
    parts = {f"a_{i}": content[a:b] for i, (a, b) in enumerate(pairwise(cuts))}
    dataset = make_dataset(
        source("a.zip", parts=list(parts), root=None, to="image"),
        source("b.tar.gz", root=None, to="image"),
        source("train.csv", root=None, to="annotation"),
        layout=Layout(
            "csv",
            {
                "tables": {"train": "annotation/train.csv", "test": "annotation/train.csv"},
                "path": "image/{p}",
                "label": "l",
            },
        ),
    )
    files = {**parts, "b.tar.gz": tar_of(("more/train/zircon/z.png", b"z")), "train.csv": b"p,l\n"}
    run(tmp_path, dataset, **files)
    found = content_of(tmp_path / "pebbles")
    assert {f"image/{path}" for path in PEBBLES} < set(found)
    assert len(found["image/train/flint/large.png"]) == 9000
    assert found["image/train/zircon/z.png"] == b"z"
    assert found["annotation/train.csv"] == b"p,l\n"
    assert not (tmp_path / "archives" / "pebbles" / "a.zip").exists()


def test_a_missing_archive(tmp_path: Path) -> None:
    """It is named, with what to do."""
    dataset = make_dataset(source("a.tar.gz"), source("b.tar.gz"))
    with pytest.raises(DataError, match=r"1 file is not there, of 2: b.tar.gz.*data fetch pebbles"):
        run(tmp_path, dataset, **{"a.tar.gz": tar_of(*GOOD)})


def test_an_archive_with_another_digest_is_not_touched(tmp_path: Path) -> None:
    """Archives that were laid there by hand are checked before they are unpacked."""
    dataset = make_dataset(source("a.tar.gz", sha256="0" * 64))
    with pytest.raises(DataError, match="not the file of the document"):
        run(tmp_path, dataset, **{"a.tar.gz": tar_of(*GOOD)})
    assert not (tmp_path / "pebbles").exists()


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    """A person's own copy is neither mixed with nor replaced; an empty folder is filled."""
    (tmp_path / "pebbles").mkdir()
    (tmp_path / "pebbles" / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match="there already"):
        one(tmp_path, "a.tar.gz", tar_of(*GOOD))
    assert content_of(tmp_path / "pebbles") == {"mine.txt": b"mine"}
    (tmp_path / "pebbles" / "mine.txt").unlink()
    assert content_of(one(tmp_path, "a.tar.gz", tar_of(*GOOD))) == PEBBLES


def test_a_link_to_another_disk_is_filled(tmp_path: Path) -> None:
    """The data of one data set often lie elsewhere."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "pebbles").symlink_to(tmp_path / "disk" / "pebbles")
    one(tmp_path / "data", "a.tar.gz", tar_of(*GOOD))
    assert content_of(tmp_path / "disk" / "pebbles") == PEBBLES
    assert (tmp_path / "data" / "pebbles").is_symlink()


def test_going_on_after_an_interruption(tmp_path: Path) -> None:
    """Sources that were unpacked stay so; the data folder appears when all are."""
    dataset = make_dataset(source("a.tar.gz"), source("b.tar.gz"))
    good = {"a.tar.gz": tar_of(*GOOD[:6]), "b.tar.gz": tar_of(*GOOD[6:])}
    with pytest.raises(DataError):
        run(tmp_path, dataset, **{**good, "b.tar.gz": good["b.tar.gz"][:-20]})
    assert not (tmp_path / "pebbles").exists()
    said = run(tmp_path, dataset, **{"b.tar.gz": good["b.tar.gz"]})
    assert [line for line in said if "a.tar.gz" in line] == []
    assert content_of(tmp_path / "pebbles") == PEBBLES


def test_an_archive_that_was_replaced_is_unpacked_anew(tmp_path: Path) -> None:
    """Files that an earlier archive of the name left behind are forgotten."""
    dataset = make_dataset(source("a.tar.gz"), source("b.tar.gz"))
    with pytest.raises(DataError):
        run(tmp_path, dataset, **{"a.tar.gz": tar_of(("old.png", b"old")), "b.tar.gz": b"x"})
    (tmp_path / "archives" / "pebbles" / "a.tar.gz.fetched.json").unlink()
    run(tmp_path, dataset, **{"a.tar.gz": tar_of(*GOOD[:6]), "b.tar.gz": tar_of(*GOOD[6:])})
    assert content_of(tmp_path / "pebbles") == PEBBLES


def test_a_full_disk_is_left_as_it_was(tmp_path: Path) -> None:
    """Exit 1 with the reason; what was unpacked of the archive is removed; then it works."""
    content = tar_of(*GOOD, ("train/flint/large.png", bytes(100_000)))
    before = limits.getrlimit(limits.RLIMIT_FSIZE)
    bring(tmp_path, make_dataset(source("a.tar.gz")), {"a.tar.gz": content})
    limits.setrlimit(limits.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        with pytest.raises(BiobenchError, match="cannot be written") as caught:
            unpack(make_dataset(source("a.tar.gz")), tmp_path, say=lambda _: None, quiet=True)
    finally:
        limits.setrlimit(limits.RLIMIT_FSIZE, before)
    assert caught.value.exit_code == 1
    assert content_of(tmp_path / ".pebbles.unpacking") == {}
    assert len(content_of(one(tmp_path, "a.tar.gz", content))) == len(PEBBLES) + 1
