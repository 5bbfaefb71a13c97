"""Archives as publishers pack them: with one folder more, with one fewer, with two directories."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from archives import (
    GOOD,
    PEBBLES,
    Pipe,
    content_of,
    make_dataset,
    one,
    refused,
    run,
    source,
    special,
    tar_of,
    zip_of,
)

from biobench.data.sources import archive_folder, sources_of
from biobench.data.unpack import unpack
from biobench.errors import DataError
from biobench.spec.load import load_spec

SPEC = load_spec()


def packed(form: str, *members: tuple[str, bytes]) -> bytes:
    return zip_of(*members) if form == "zip" else tar_of(*members)


@pytest.mark.parametrize("form", ["zip", "tar.gz"])
@pytest.mark.parametrize("top", ["", "more/"])
def test_one_more_top_folder(tmp_path: Path, form: str, top: str) -> None:
    """The folder that is meant, at the top or in another one; what lies beside it is left out."""
    members = [(f"{top}stones/{name}", content) for name, content in GOOD]
    members += [(f"{top}readme.txt", b"x"), ("other/stone.png", b"y")]
    dataset = make_dataset(source(f"a.{form}", root="stones"))
    said = run(tmp_path, dataset, **{f"a.{form}": packed(form, *members)})
    assert content_of(tmp_path / "pebbles") == PEBBLES
    assert "left out 2 entries outside stones" in said[0]


def test_the_top_comes_first_whatever_the_order(tmp_path: Path) -> None:
    """A copy of the folder in another one is no second choice, before or after it."""
    for number, order in enumerate((1, -1)):
        parts = [("old/stones/train/flint/1.png", b"old"), *((f"stones/{n}", c) for n, c in GOOD)]
        data = tmp_path / str(number)
        dataset = make_dataset(source("a.tar.gz", root="stones"))
        run(data, dataset, **{"a.tar.gz": tar_of(*parts[::order])})
        assert content_of(data / "pebbles") == PEBBLES


def test_two_folders_that_could_be_meant(tmp_path: Path) -> None:
    """Nobody can tell which of the two it is."""
    content = tar_of(("a/stones/1.png", b"1"), ("b/stones/1.png", b"2"))
    with pytest.raises(DataError, match=r"stones lies in several others \(a, b\)"):
        run(tmp_path, make_dataset(source("a.tar.gz", root="stones")), **{"a.tar.gz": content})
    content = tar_of(("a/b/stones/1.png", b"1"))
    with pytest.raises(DataError, match="it has no folder 'stones'"):
        run(tmp_path, make_dataset(source("a.tar.gz", root="stones")), **{"a.tar.gz": content})


def test_links_below_one_more_folder(tmp_path: Path) -> None:
    """Hard and symbolic links stay inside the folder that is meant."""
    import tarfile

    members = [(f"more/stones/{name}", content) for name, content in GOOD]
    hard = special("more/stones/val/flint/h.png", tarfile.LNKTYPE, f"more/stones/{GOOD[0][0]}")
    content = tar_of(*members, hard)
    dataset = make_dataset(source("a.tar.gz", root="stones"))
    run(tmp_path / "good", dataset, **{"a.tar.gz": content})
    assert (tmp_path / "good/pebbles/val/flint/h.png").read_bytes() == GOOD[0][1]
    outside = special("more/stones/h.png", tarfile.LNKTYPE, "more/readme")
    with pytest.raises(DataError, match="leads out of the folder that is meant"):
        run(tmp_path, dataset, **{"a.tar.gz": tar_of(("more/readme", b"x"), *members, outside)})


@pytest.mark.parametrize("top", ["annotation/", "./annotation/", "", "./"])
def test_the_tables_of_mammalnet(tmp_path: Path, top: str) -> None:
    """annotation.tar has been seen with its folder and flat; both give the same data folder."""
    dataset = SPEC.dataset("mammalnet")
    folder = archive_folder(tmp_path, dataset)
    folder.mkdir(parents=True)
    tables = [
        (f"{top}composition/{s}.csv", f"trimmed_videos/{s}.mp4 1 2\n") for s in ("train", "test")
    ]
    tables += [(f"{top}detection/x.json", "{}")]
    members = [(name, text.encode()) for name, text in tables]
    (folder / "annotation.tar").write_bytes(tar_of(*members, compress=False))
    (folder / "trimmed_videos.tar.gz").write_bytes(tar_of(("trimmed_videos/test.mp4", b"v")))
    unpack(dataset, tmp_path, say=lambda _: None, quiet=True)
    assert set(content_of(tmp_path / "mammalnet")) == {
        "annotation/composition/train.csv",
        "annotation/composition/test.csv",
        "annotation/detection/x.json",
        "trimmed_videos/test.mp4",
    }


@pytest.mark.parametrize("top", ["", "FishNet/", "__MACOSX junk/"])
def test_the_images_of_fishnet(tmp_path: Path, top: str) -> None:
    """fishnet.zip has been seen with a folder around Image_Library; its tables come apart."""
    dataset = SPEC.dataset("fishnet")
    images = next(s for s in sources_of(dataset) if s.name == "fishnet.zip")
    members = [(f"{top}Image_Library/F/a.jpg", b"a"), (f"{top}train.csv", b"no")]
    members.append(("__MACOSX/Image_Library/F/._a.jpg", b"m"))
    data = tmp_path / "zip"
    own = make_dataset(next(v for v in dataset.sources if v["name"] == images.name))
    run(data, own, **{"fishnet.zip": zip_of(*members)})
    assert content_of(data / "pebbles") == {"Image_Library/F/a.jpg": b"a"}


def forged(old: bytes, new: bytes, *, last: bool) -> bytes:
    """A zip whose first (in an entry's own header) or last name (in the directory) is another."""
    content = zip_of(*GOOD, ("train/flint/last.png", b"last"), stored=True)
    at = content.rfind(old) if last else content.find(old)
    assert at >= 0
    assert len(old) == len(new)
    return content[:at] + new + content[at + len(old) :]


@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("new", [b"train/flint/lost.png", b"train/flint/last.p/g"])
def test_two_names_of_one_entry(tmp_path: Path, last: bool, new: bytes) -> None:
    """Programs that read a stream take the one, others the other: two people, two data sets."""
    content = forged(b"train/flint/last.png", new, last=last)
    refused(tmp_path, "a.zip", content, "in its own header")


def test_a_folder_that_hides_a_file(tmp_path: Path) -> None:
    """The directory calls it a folder, its own header a file: it would be left out in silence."""
    content = forged(b"train/flint/last.png", b"train/flint/last.pn/", last=True)
    refused(tmp_path, "a.zip", content, "train/flint/last.png in its own header")
    info = zipfile.ZipInfo("train/flint/x/")
    refused(tmp_path, "a.zip", zip_of(*GOOD, (info, b"content")), "is a folder and has content")


@pytest.mark.parametrize(
    ("offset", "what"),
    [(8, "method"), (14, "checksum"), (18, "packed size"), (22, "size"), (6, "flags")],
)
def test_two_heads_of_one_entry(tmp_path: Path, offset: int, what: str) -> None:
    """Method, checksum, sizes and encryption are the same in both places, or nothing is taken."""
    content = bytearray(zip_of(*GOOD, stored=True))
    content[offset] ^= 1
    refused(tmp_path, "a.zip", bytes(content), "is another in its own header")


def test_heads_that_are_written_before_sizes_are_known(tmp_path: Path) -> None:
    """Writers to a pipe note sizes after the data; large ones lie in an extra field."""

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in GOOD:
            archive.writestr(name, content)
    assert content_of(one(tmp_path / "pipe", "a.zip", pipe.getvalue())) == PEBBLES
    wide = io.BytesIO()
    with zipfile.ZipFile(wide, "w") as archive:
        for name, content in GOOD:
            with archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as file:
                file.write(content)
    assert content_of(one(tmp_path / "wide", "a.zip", wide.getvalue())) == PEBBLES
    names = zip_of(("train/flint/é.png", b"1"), ("train/flint/\u6c34.png", b"2"))
    assert len(content_of(one(tmp_path / "names", "a.zip", names))) == 2
