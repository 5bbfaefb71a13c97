"""Archives that are damaged or mean harm: one line, and nothing of them is left."""

from __future__ import annotations

import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from archives import (
    GOOD,
    PEBBLES,
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
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from biobench.data.unpack.archive_error import ArchiveError
from biobench.data.unpack.limits import UnpackLimits
from biobench.data.unpack.names import entry_parts
from biobench.errors import BiobenchError, DataError

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
        with pytest.raises(ArchiveError):
            entry_parts(name)
    refused(tmp_path, "a.tar", tar_of(("a\udcff.png", b""), compress=False), "not UTF-8")


@settings(max_examples=2 * settings.default.max_examples)
@given(st.text(alphabet="./\\a:\0é", max_size=12))
def test_accepted_names_stay_below(name: str) -> None:
    """Whatever is accepted, the place is inside, by any reading of the path."""
    try:
        parts = entry_parts(name)
    except ArchiveError:
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


def test_links_to_a_path_longer_than_the_system_follows(tmp_path: Path) -> None:
    """Links that Python's resolution of paths gives up on and the system follows out of the folder:
    the filter ``data`` of tarfile, as Python 3.11.7 has it, writes the last file outside."""
    members: list[tarfile.TarInfo | tuple[str, bytes]] = []
    deep, names = "", "abcdefghijklmnop"
    for name in names:
        members.append(special(f"{deep}{'d' * 247}", tarfile.DIRTYPE))
        members.append(special(f"{deep}{name}", tarfile.SYMTYPE, "d" * 247))
        deep += "d" * 247 + "/"
    bottom = "/".join(names) + "/" + "l" * 254
    members.append(special(bottom, tarfile.SYMTYPE, "../" * len(names)))
    members.append(special("out", tarfile.SYMTYPE, f"{bottom}/../../../../outside"))
    outside = tmp_path / "outside"
    outside.mkdir()
    refused(tmp_path / "data", "a.tar.gz", tar_of(*members, ("out/x.png", b"evil")), "a.tar.gz")
    assert not any(outside.iterdir())


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
    """Nobody knows which of the two is meant; nor can a file be a folder."""
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
    """An entry that would become far larger than its archive is refused by the size it states."""
    refused(tmp_path, name, make(), word)


def test_limits_count_many_small_entries(tmp_path: Path) -> None:
    """The sum decides, and the number of entries."""
    limit = UnpackLimits(tmp_path, packed=10, ratio=100, floor=0)
    for _ in range(10):
        limit.promise(100)
    with pytest.raises(ArchiveError, match="bomb"):
        limit.promise(1)
    limit = UnpackLimits(tmp_path, packed=10, most_entries=3)
    for _ in range(3):
        limit.promise(0)
    with pytest.raises(ArchiveError, match="more than 3 entries"):
        limit.promise(0)


def test_more_than_the_disk_has(tmp_path: Path) -> None:
    """The promise is compared with the room that is really free."""
    with pytest.raises(BiobenchError, match="are free"):
        UnpackLimits(tmp_path, packed=1 << 60).promise(1 << 60)


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


def test_a_zip_packed_in_a_way_that_is_not_read(tmp_path: Path) -> None:
    """Such an archive is sound: to fetch it again would bring the same one."""
    content = bytearray(zip_of(*GOOD))
    for signature, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        place = content.find(signature)
        while place >= 0:
            content[place + offset] = 9
            place = content.find(signature, place + 4)
    words = (GOOD[0][0], "compression method 9,", "unzip")
    message = refused(tmp_path, "a.zip", bytes(content), *words)
    assert "damaged" not in message
    assert "fetch it again" not in message


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


def test_a_zip_whose_directory_hides_entries(tmp_path: Path) -> None:
    """A comment that swallows the next entry: the directory says that there are more."""
    content = bytearray(zip_of(*GOOD))
    first = content.find(b"PK\x01\x02")
    second = content.find(b"PK\x01\x02", first + 1)
    third = content.find(b"PK\x01\x02", second + 1)
    content[first + 32 : first + 34] = (third - second).to_bytes(2, "little")
    refused(tmp_path, "a.zip", bytes(content), "says it has 12 entries, and 11 are found")


@pytest.mark.slow
def test_a_zip_with_more_entries_than_its_old_form_can_count(tmp_path: Path) -> None:
    """Beyond 65,535 the number lies in a record of its own."""
    names = [f"train/flint/{i}" for i in range(65_600)]
    folder = one(tmp_path, "a.zip", zip_of(*((name, b"") for name in names), stored=True))
    assert len(os.listdir(folder / "train/flint")) == 65_600


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
