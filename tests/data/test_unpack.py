"""Unpacking: all of a data set or nothing of it, whatever the archives hold."""

from __future__ import annotations

import os
import random
import resource as limits
import tarfile
import zipfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from archives import PEBBLES, bring, content_of, make_dataset, source, special, tar_of, zip_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from biobench.data.unpack import unpack
from biobench.data.unpack.limits import Limits
from biobench.data.unpack.names import entry_parts
from biobench.data.unpack.refused import Refused
from biobench.errors import BiobenchError, DataError
from biobench.spec.documents import Dataset, Layout

GOOD = tuple(PEBBLES.items())


def run(data: Path, dataset: Dataset, **files: bytes) -> list[str]:
    """Unpack these archives; returns what was said."""
    bring(data, dataset, files)
    said: list[str] = []
    unpack(dataset, data, say=said.append, quiet=True)
    return said


def one(data: Path, name: str, content: bytes, root: str | None = ".", to: str = ".") -> Path:
    """Unpack a data set of one archive; returns its folder."""
    run(data, make_dataset(source(name, root=root, to=to)), **{name: content})
    return data / "pebbles"


def refused(data: Path, name: str, content: bytes, *words: str) -> str:
    """It is refused in one line with exit 3, and neither the data nor the archive have changed."""
    with pytest.raises(DataError) as caught:
        one(data, name, content)
    message = str(caught.value)
    assert caught.value.exit_code == 3
    assert len(message.splitlines()) == 1
    assert all(word in message for word in (name, *words)), message
    assert not (data / "pebbles").exists()
    kept = data / "archives" / "pebbles"
    assert (kept / name).read_bytes() == content
    left = {path.relative_to(data).parts[0] for path in data.rglob("*")}
    assert left <= {"archives", ".pebbles.unpacking"}
    assert content_of(data / ".pebbles.unpacking") == {}
    return message


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
    assert "2 entries outside deep/root were left out" in said[0]
    with pytest.raises(DataError, match="no folder 'nowhere'"):
        one(tmp_path / "b", "a.tar.gz", archive, "nowhere")


@pytest.mark.parametrize("form", ["tar", "zip"])
@pytest.mark.parametrize("top", ["", "pebbles_300K/", "train/"])
def test_a_single_top_folder(tmp_path: Path, top: str, form: str) -> None:
    """Where the root is not known, one folder is stripped if the layout's folders are in it."""
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


CLIMBERS = ["../x", "a/../../x", "/etc/x", "a/../x", "C:/x", "c:x", "a\\..\\..\\x", "a/" * 70 + "x"]


@pytest.mark.parametrize("name", [*CLIMBERS, "x" * 256])
@pytest.mark.parametrize("form", ["tar", "zip"])
def test_names_that_lead_elsewhere(tmp_path: Path, name: str, form: str) -> None:
    """Nothing is written for them, nor for what comes before or after."""
    members = [GOOD[0], (name, b"evil"), GOOD[1]]
    content = tar_of(*members, compress=False) if form == "tar" else zip_of(*members)
    refused(tmp_path, f"a.{form}", content, "the entry")


def test_names_that_are_no_text(tmp_path: Path) -> None:
    """NUL, and bytes that are not UTF-8."""
    for name in ("a\0b", "a\udcff"):
        with pytest.raises(Refused):
            entry_parts(name)
    refused(tmp_path, "a.tar", tar_of(("a\udcff.png", b""), compress=False), "not UTF-8")


@settings(max_examples=200)
@given(st.text(alphabet="./\\a:\0é", max_size=12))
def test_accepted_names_stay_below(name: str) -> None:
    """Whatever is accepted, the place is inside, by any reading of the path."""
    try:
        parts = entry_parts(name)
    except Refused:
        return
    assert not {"", ".", ".."} & set(parts)
    assert os.path.normpath(os.path.join("/base", *parts)).startswith("/base")


@pytest.mark.parametrize(
    "members",
    [
        [special("out", tarfile.SYMTYPE, "../outside"), ("out/x.png", b"evil")],
        [special("out", tarfile.SYMTYPE, "/tmp")],
        [special("out", tarfile.SYMTYPE, "../outside")],
        [special("out", tarfile.SYMTYPE, "nowhere")],
        [special("loop", tarfile.SYMTYPE, "loop")],
        [
            ("s/x.png", b""),
            special("s/up", tarfile.SYMTYPE, ".."),
            special("o", tarfile.SYMTYPE, "s/up/.."),
        ],
        [special("hard", tarfile.LNKTYPE, "../../secret")],
        [special("hard", tarfile.LNKTYPE, "/etc/passwd")],
        [special("hard", tarfile.LNKTYPE, "later.png"), ("later.png", b"")],
        [
            special("s", tarfile.SYMTYPE, "x.png"),
            special("hard", tarfile.LNKTYPE, "s"),
            ("x.png", b""),
        ],
        [special("null", tarfile.CHRTYPE)],
        [special("disk", tarfile.BLKTYPE)],
        [special("pipe", tarfile.FIFOTYPE)],
        [special("odd", b"Z")],
    ],
)
def test_links_and_devices(tmp_path: Path, members: list[object]) -> None:
    """Links out of the folder, to nothing or in a circle, and what is no file at all."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    refused(tmp_path / "data", "a.tar.gz", tar_of(*members), "a.tar.gz")  # type: ignore[arg-type]
    assert secret.read_bytes() == b"secret"
    assert secret.stat().st_nlink == 1


def test_links_inside_are_kept(tmp_path: Path) -> None:
    """A link to a file of the same archive is one after unpacking too."""
    extra = [
        special("train/flint/link.png", tarfile.SYMTYPE, "../quartz/quartz-0.png"),
        special("train/flint/hard.png", tarfile.LNKTYPE, "val/flint/flint-0.png"),
    ]
    folder = one(tmp_path, "a.tar.gz", tar_of(*GOOD, *extra))
    assert (folder / "train/flint/link.png").read_bytes() == PEBBLES["train/quartz/quartz-0.png"]
    assert (folder / "train/flint/hard.png").read_bytes() == PEBBLES["val/flint/flint-0.png"]


def test_a_zip_with_a_link(tmp_path: Path) -> None:
    """A link in a zip is its content and a mode."""
    for target, good in (("quartz-0.png", True), ("../../../../x", False)):
        link = zipfile.ZipInfo("train/quartz/link.png")
        link.external_attr = 0o120777 << 16
        content = zip_of(*GOOD, (link, target.encode()))
        if good:
            folder = one(tmp_path / "good", "a.zip", content)
            assert (folder / "train/quartz/link.png").is_symlink()
        else:
            refused(tmp_path / "bad", "a.zip", content, "leads out of its folder")


def test_modes_of_the_archive_are_not_taken(tmp_path: Path) -> None:
    """No setuid, no file that its owner cannot read."""
    header = tarfile.TarInfo("train/flint/x.png")
    header.mode = 0o4000
    folder = one(tmp_path, "a.tar.gz", tar_of(header, *GOOD))
    assert (folder / "train/flint/x.png").stat().st_mode & 0o7777 == 0o644 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("form", ["tar", "zip"])
@pytest.mark.parametrize("pair", [("a.png", "a.png"), ("a.png", "./a.png"), ("a", "a/b.png")])
def test_two_entries_of_one_name(tmp_path: Path, pair: tuple[str, str], form: str) -> None:
    """Which of the two is meant, nobody knows; nor can a file be a folder."""
    for first, second in (pair, pair[::-1]):
        members = [(first, b"1"), (second, b"2")]
        content = tar_of(*members, compress=False) if form == "tar" else zip_of(*members)
        refused(tmp_path / first.replace("/", "_"), f"a.{form}", content, "twice")


def test_names_that_differ_in_case_only(tmp_path: Path) -> None:
    """Two files where the disk tells them apart, a refusal where it does not."""
    (tmp_path / "case").touch()
    content = tar_of(*GOOD, ("train/flint/Flint-0.PNG", b"other"))
    if (tmp_path / "CASE").exists():
        refused(tmp_path / "data", "a.tar.gz", content, "only in case")
    else:
        folder = one(tmp_path / "data", "a.tar.gz", content)
        assert len(content_of(folder)) == len(PEBBLES) + 1


def test_two_archives_with_one_file(tmp_path: Path) -> None:
    """Nothing is overwritten, and no folder appears."""
    dataset = make_dataset(source("a.tar.gz"), source("b.tar.gz"))
    files = {"a.tar.gz": tar_of(*GOOD), "b.tar.gz": tar_of(GOOD[0])}
    with pytest.raises(DataError, match=r"flint-0.png is in another archive"):
        run(tmp_path, dataset, **files)
    assert not (tmp_path / "pebbles").exists()


def _bomb_tar() -> bytes:
    """A header that promises two tebibytes."""
    header = tarfile.TarInfo("big.png")
    header.size = 1 << 41
    return tar_of(header)


def _bomb_zip() -> bytes:
    """A kilobyte that says it is 20 gibibytes."""
    content = bytearray(zip_of(("big.png", b"\0" * 1000)))
    place = content.rfind(b"PK\x01\x02")
    content[place + 24 : place + 28] = (0xFFFFFFF0).to_bytes(4, "little")
    return bytes(content)


def _overlapping() -> bytes:
    """Two names in the directory, one piece of data."""
    content = bytearray(zip_of(("a.png", b"x" * 500), ("b.png", b"x" * 500)))
    first = content.find(b"PK\x01\x02")
    second = content.find(b"PK\x01\x02", first + 1)
    content[second + 42 : second + 46] = content[first + 42 : first + 46]
    return bytes(content)


@pytest.mark.parametrize(
    ("name", "make", "word"),
    [
        ("a.tar.gz", _bomb_tar, "bomb"),
        ("a.zip", _bomb_zip, "bomb"),
        ("a.zip", _overlapping, "overlaps"),
    ],
)
def test_bombs(tmp_path: Path, name: str, make: Callable[[], bytes], word: str) -> None:
    """What would become far larger than its archive is refused by what it promises."""
    refused(tmp_path, name, make(), word)


def test_limits_count_many_small_entries(tmp_path: Path) -> None:
    """The sum decides, and the number of entries."""
    limit = Limits(tmp_path, packed=10, ratio=100, floor=0)
    for _ in range(10):
        limit.promise(100)
    with pytest.raises(Refused, match="bomb"):
        limit.promise(1)
    limit = Limits(tmp_path, packed=10, most_entries=3)
    for _ in range(3):
        limit.promise(0)
    with pytest.raises(Refused, match="more than 3 entries"):
        limit.promise(0)


def test_more_than_the_disk_has(tmp_path: Path) -> None:
    """The promise is compared with the room that is really free."""
    with pytest.raises(BiobenchError, match="are free"):
        Limits(tmp_path, packed=1 << 60).promise(1 << 60)


def test_a_gzip_file_that_never_ends(tmp_path: Path) -> None:
    """Gigabytes of zeros behind the last entry are not read to their end."""
    import gzip

    block = gzip.compress(b"\0" * (32 << 20), 1)
    content = tar_of(*GOOD) + block * 20
    refused(tmp_path, "a.tar.gz", content, "padding")


def test_headers_of_absurd_size(tmp_path: Path) -> None:
    """An extended header is read into memory whole; one of a gibibyte is not."""
    for kind in (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME):
        header = special("x", kind)
        header.size = 1 << 30
        refused(tmp_path / kind.decode(), "a.tar.gz", tar_of(*GOOD, header), "absurd")


def test_encrypted_archives(tmp_path: Path) -> None:
    """One line that says so."""
    content = bytearray(zip_of(*GOOD))
    place = content.find(b"PK\x01\x02")
    content[place + 8] |= 1
    refused(tmp_path, "a.zip", bytes(content), "encrypted")


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "a.zip"])
def test_archives_that_are_none(tmp_path: Path, name: str) -> None:
    """A web page, nothing at all, and an archive without entries."""
    for i, content in enumerate(
        (b"<html>not found</html>" * 40, b"", b"\x1f\x8b junk", b"\0" * 10240)
    ):
        refused(tmp_path / str(i), name, content, "not unpacked")


def test_a_damaged_header_in_the_middle_is_not_the_end(tmp_path: Path) -> None:
    """Python's reader would take what comes before it for the whole archive."""
    content = bytearray(tar_of(*GOOD, compress=False))
    content[3 * 1024 + 10] ^= 0xFF
    refused(tmp_path, "a.tar", bytes(content), "damaged")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    form=st.sampled_from(["a.tar", "a.tar.gz", "a.zip"]),
    cut=st.floats(0, 1),
    place=st.floats(0, 1, exclude_max=True),
    value=st.integers(0, 255),
)
def test_damage_anywhere(
    tmp_path_factory: pytest.TempPathFactory, form: str, cut: float, place: float, value: int
) -> None:
    """Cut or changed in one byte: every file as it was packed, or one line and no folder.

    A tar has checksums of its headers only, so a changed byte of content goes unseen in it; the
    archive's own checksum is for that.
    """
    packed = {
        "a.tar": tar_of(*GOOD, compress=False),
        "a.tar.gz": tar_of(*GOOD),
        "a.zip": zip_of(*GOOD),
    }[form]
    content = bytearray(packed[: max(1, int(len(packed) * cut))] if cut < 0.5 else packed)
    content[int(len(content) * place)] = value
    folder = tmp_path_factory.mktemp("damage")
    try:
        one(folder, form, bytes(content))
    except DataError:
        assert not (folder / "pebbles").exists()
        return
    found = content_of(folder / "pebbles")
    assert len(found) == len(PEBBLES)
    if form != "a.tar":
        assert set(found.values()) == set(PEBBLES.values())


def test_a_missing_archive(tmp_path: Path) -> None:
    """It is named, with what to do."""
    dataset = make_dataset(source("a.tar.gz"), source("b.tar.gz"))
    with pytest.raises(
        DataError, match=r"1 of 2 files are not there: b.tar.gz.*data fetch pebbles"
    ):
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
    """What an earlier archive of the name left behind is forgotten."""
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
