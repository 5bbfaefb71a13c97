"""All sources of a data set: from hosts, from a folder, twice, at once, where that is barred."""

from __future__ import annotations

import hashlib
import json
import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from archives import bring, make_dataset, source
from hostile import Server, serving

from biobench.data.fetch import fetch
from biobench.data.fetch.addresses import authorization_headers, direct
from biobench.data.fetch.lock import locked
from biobench.data.fetch.record import read_record
from biobench.data.fetch.retries import RetryPolicy, asked_wait
from biobench.data.sources import archive_folder, sources_of
from biobench.errors import BiobenchError, DataError, UsageError
from biobench.spec.documents import Dataset

CONTENT = random.Random(3).randbytes(5_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
QUICK = RetryPolicy(tries=2, sleep=lambda _: None, stall_s=0.3, connect_s=2.0)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def run(
    dataset: Dataset, data: Path, *urls: str, local: Path | None = None
) -> tuple[Path, list[str]]:
    """Fetch; returns the folder of the archives and what was said."""
    said: list[str] = []
    fetch(dataset, data, local=local, urls=urls, say=said.append, policy=QUICK, quiet=True)
    return archive_folder(data, dataset), said


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def test_a_known_file_is_checked_and_not_fetched_twice(server: Server, tmp_path: Path) -> None:
    """The second run asks nobody, and does not read the file again."""
    seen = server.add("/a.tar.gz", CONTENT)
    dataset = make_dataset(source("a.tar.gz", url=server.url("/"), sha256=SHA256))
    folder, said = run(dataset, tmp_path)
    assert said == ["a.tar.gz: whole, sha256 as in the document"]
    assert (folder / "a.tar.gz").read_bytes() == CONTENT
    _, said = run(dataset, tmp_path)
    assert said == ["a.tar.gz: there already"]
    assert len(seen.requests) == 1
    assert not (tmp_path / "pebbles").exists(), "a folder of that name means that data are there"


def test_an_unknown_digest_is_said_and_noted(server: Server, tmp_path: Path) -> None:
    """A maintainer needs it for the document."""
    server.add("/a.tar.gz", CONTENT)
    dataset = make_dataset(source("a.tar.gz", url=server.url("/")))
    folder, said = run(dataset, tmp_path)
    assert f"5000 bytes, sha256 {SHA256}; no checksum is known" in said[0]
    noted = json.loads((folder / "a.tar.gz.fetched.json").read_text())
    assert noted["sha256"] == SHA256
    assert noted["bytes"] == 5000
    assert noted["md5"] == hashlib.md5(CONTENT).hexdigest()
    assert noted["files"][0]["from"] == server.url("/a.tar.gz")
    record = read_record(sources_of(dataset)[0], folder)
    assert record is not None
    assert record.digest.sha256 == SHA256


def test_parts(server: Server, tmp_path: Path) -> None:
    """Each part is a file; the digest is that of all of them, joined in order."""
    parts = {"a_0": CONTENT[:2000], "a_1": CONTENT[2000:2001], "a_2": CONTENT[2001:]}
    seen = [server.add(f"/x/{name}", data) for name, data in parts.items()]
    seen[1].script = ["status:404", "sound"]
    asked = source("a.zip", url=server.url("/x/"), parts=list(parts), sha256=SHA256)
    with pytest.raises(DataError, match="a_1: cannot be fetched"):
        run(make_dataset(asked), tmp_path)
    folder, said = run(make_dataset(asked), tmp_path)
    assert said[-1] == "a.zip: whole, sha256 as in the document"
    assert names(folder) == {*parts, "a.zip.fetched.json"}
    assert [len(part.requests) for part in seen] == [1, 2, 1]
    wrong = source("a.zip", url=server.url("/x/"), parts=list(parts), sha256="0" * 64)
    with pytest.raises(DataError, match="not the file of the document"):
        run(make_dataset(wrong), tmp_path)


def test_one_that_cannot_be_had_does_not_keep_the_others(server: Server, tmp_path: Path) -> None:
    """The tables come although the host of the images refuses."""
    server.add("/b.csv", b"x,y\n")
    sources = [source(name, url=server.url("/")) for name in ("a.zip", "b.csv")]
    with pytest.raises(DataError, match=r"a.zip: cannot be fetched"):
        run(make_dataset(*sources), tmp_path)
    assert (tmp_path / "archives/pebbles/b.csv").read_bytes() == b"x,y\n"
    sources = [source(name, url=server.url("/")) for name in ("c.zip", "b.csv", "d.zip")]
    with pytest.raises(DataError, match=r"2 files cannot be fetched: c.zip, d.zip") as caught:
        run(make_dataset(*sources), tmp_path)
    assert len(str(caught.value).splitlines()) == 1


def test_no_network_is_found_out_once(tmp_path: Path) -> None:
    """A host that cannot be reached gets several tries for the first file, and one for others."""
    waits: list[float] = []
    policy = RetryPolicy(tries=4, sleep=waits.append, connect_s=2.0)
    sources = [source(f"{i}.zip", url="http://127.0.0.1:9/") for i in range(5)]
    said: list[str] = []
    with pytest.raises(DataError, match="5 files cannot be fetched"):
        fetch(make_dataset(*sources), tmp_path, say=said.append, policy=policy, quiet=True)
    assert waits == [2.0]
    assert len(said) == 6
    assert all("cannot be reached" in line for line in said)


def test_a_file_that_was_changed_by_hand(server: Server, tmp_path: Path) -> None:
    """It is read again, refused, and left where it is."""
    server.add("/a.zip", CONTENT)
    dataset = make_dataset(source("a.zip", url=server.url("/"), sha256=SHA256))
    folder, _ = run(dataset, tmp_path)
    (folder / "a.zip").write_bytes(CONTENT[::-1])
    with pytest.raises(DataError, match="delete it and fetch it again"):
        run(dataset, tmp_path)
    assert (folder / "a.zip").read_bytes() == CONTENT[::-1]


def test_own_addresses_come_first(server: Server, tmp_path: Path) -> None:
    """A folder has all files by name; a file is known by its name, or by being the only one."""
    sources = [source(name) for name in ("a.zip", "b c.csv")]
    server.add("/copy/a.zip", CONTENT)
    server.add("/copy/b%20c.csv", b"b")
    folder, _ = run(make_dataset(*sources), tmp_path, server.url("/copy/"))
    assert names(folder) >= {"a.zip", "b c.csv"}
    single = make_dataset(source("a.zip"), id="single")
    server.add("/odd", CONTENT)
    folder, _ = run(single, tmp_path, server.url("/odd?download=1"))
    assert (folder / "a.zip").read_bytes() == CONTENT
    for url in (server.url("/odd"), "ftp://x/a.zip", "a.zip"):
        with pytest.raises(UsageError):
            run(make_dataset(*sources), tmp_path, url)


def test_archives_from_a_folder(tmp_path: Path) -> None:
    """Each is checked and linked; the whole stands for its parts; what is missing is named."""
    local = tmp_path / "brought"
    local.mkdir()
    (local / "a.zip").write_bytes(CONTENT)
    (local / "b.csv").write_bytes(b"b")
    sources = (source("a.zip", parts=["a_0", "a_1"], sha256=SHA256), source("b.csv"))
    folder, said = run(make_dataset(*sources), tmp_path / "data", local=local)
    assert names(folder) == {"a.zip", "b.csv", "a.zip.fetched.json", "b.csv.fetched.json"}
    assert said[0] == "a.zip: whole, sha256 as in the document"
    assert (folder / "a.zip").stat().st_ino == (local / "a.zip").stat().st_ino
    dataset = make_dataset(*sources, source("c.csv"), source("d.csv", parts=["d_0", "d_1"]))
    with pytest.raises(DataError, match=r"3 files are missing: c.csv, d_0, d_1"):
        run(dataset, tmp_path / "data", local=local)
    with pytest.raises(DataError, match="is not a folder"):
        run(dataset, tmp_path / "data", local=tmp_path / "nowhere")


def test_a_wrong_archive_from_a_folder(tmp_path: Path) -> None:
    """It does not get the name."""
    (tmp_path / "a.zip").write_bytes(CONTENT[:-1])
    dataset = make_dataset(source("a.zip", sha256=SHA256))
    with pytest.raises(DataError, match="not the file of the document"):
        run(dataset, tmp_path / "data", local=tmp_path)
    assert names(tmp_path / "data/archives/pebbles") == set()


@pytest.mark.skipif(
    not Path("/dev/shm").is_dir() or os.stat("/dev/shm").st_dev == os.stat("/tmp").st_dev,
    reason="no second file system to copy from",
)
def test_archives_from_another_disk_are_copied(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A file system on which no link can be made."""
    import tempfile

    with tempfile.TemporaryDirectory(dir="/dev/shm") as other:
        Path(other, "a.zip").write_bytes(CONTENT)
        dataset = make_dataset(source("a.zip", sha256=SHA256))
        folder, _ = run(dataset, tmp_path, local=Path(other))
    assert (folder / "a.zip").read_bytes() == CONTENT
    assert names(folder) == {"a.zip", "a.zip.fetched.json"}


def test_data_that_nobody_can_fetch(tmp_path: Path) -> None:
    """Gone and gated: one line with where to look, exit 3, and no folder is made."""
    gone = make_dataset(source("a.zip"), status="gone")
    with pytest.raises(DataError, match=r"host is gone; Collected.*pebbles.example.*--from"):
        run(gone, tmp_path)
    for gated in (
        make_dataset(status="gated"),
        make_dataset(source("a.zip"), status="gated"),
    ):
        with pytest.raises(DataError, match=r"accept the terms.*pebbles.example.*pebbles"):
            run(gated, tmp_path)
    with pytest.raises(DataError, match="accept the terms"):
        run(make_dataset(status="gated"), tmp_path, local=tmp_path)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "a.zip").write_bytes(CONTENT)
    folder, _ = run(gone, tmp_path / "data", local=tmp_path)
    assert (folder / "a.zip").exists()


def test_a_document_without_sources(tmp_path: Path) -> None:
    """There is nothing to fetch, and that is said."""
    with pytest.raises(DataError, match="names no files"):
        run(make_dataset(), tmp_path)


def test_two_at_once(tmp_path: Path) -> None:
    """The second is told so; the lock does not outlive its holder."""
    dataset = make_dataset(source("a.zip"))
    (tmp_path / "a.zip").write_bytes(CONTENT)
    with (
        locked(archive_folder(tmp_path / "data", dataset)),
        pytest.raises(DataError, match="another process"),
    ):
        run(dataset, tmp_path / "data", local=tmp_path)
    run(dataset, tmp_path / "data", local=tmp_path)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """One line before anything is asked of a host."""
    (tmp_path / "file").touch()
    dataset = make_dataset(source("a.zip"))
    for place in (tmp_path / "file", Path("/proc/biobench")):
        with pytest.raises(BiobenchError) as caught:
            run(dataset, place)
        assert len(str(caught.value).splitlines()) == 1


def test_more_than_the_disk_has_is_refused_before_the_first_byte(
    server: Server, tmp_path: Path
) -> None:
    """The sizes that the document knows are added up, and those that the hosts tell."""
    seen = server.add("/a.zip", CONTENT)
    sources = [source(f"{x}.zip", url=server.url("/"), bytes=1 << 50) for x in "ab"]
    with pytest.raises(BiobenchError, match=r"a.zip, b.zip needs 2048.0 TiB"):
        run(make_dataset(*sources), tmp_path)
    assert seen.requests == []
    for name in ("/x/a_0", "/x/a_1"):
        server.add(name, CONTENT, f"promise:{1 << 50}")
    parts = source("a.zip", url=server.url("/x/"), parts=["a_0", "a_1"])
    with pytest.raises(BiobenchError, match=r"b.zip, a.zip needs 2048.0 TiB"):
        run(make_dataset(source("b.zip", url=server.url("/none/")), parts), tmp_path)
    assert [server.resources[name].requests for name in ("/x/a_0", "/x/a_1")] == [[], []]


def test_addresses_of_google_drive_give_the_file() -> None:
    """Pages of a file and old download addresses lead to the download itself."""
    wanted = "https://drive.usercontent.google.com/download?id=1mq_L-9&export=download&confirm=t"
    for url in (
        "https://drive.google.com/uc?id=1mq_L-9",
        "https://drive.google.com/uc?export=download&id=1mq_L-9",
        "https://drive.google.com/file/d/1mq_L-9/view?usp=sharing",
        "https://drive.google.com/open?id=1mq_L-9",
    ):
        assert direct(url) == wanted
    for url in ("https://drive.google.com/drive/folders/x", "https://x.org/uc?id=1"):
        assert direct(url) == url


def test_the_token_of_the_hub_goes_to_the_hub_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither to other hosts nor over plain http."""
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    hub = "https://huggingface.co/datasets/imageomics/KABR/resolve/main/x"
    assert authorization_headers(hub) == {"Authorization": "Bearer hf_secret"}
    for url in (
        hub.replace("https", "http"),
        hub.replace("huggingface.co", "huggingface.co.evil.example"),
        hub.replace("huggingface.co", "user@evil.example"),
        hub.replace("huggingface.co", "huggingface.co:444"),
    ):
        assert authorization_headers(url) == {}


def test_what_retry_after_may_say() -> None:
    """Seconds, a date, or nothing that can be read."""
    now = datetime(2026, 9, 1, 10, 0, tzinfo=UTC)
    assert asked_wait("7") == 7.0
    assert asked_wait("Tue, 01 Sep 2026 10:00:30 GMT", now) == 30.0
    assert asked_wait("Tue, 01 Sep 2026 09:00:00 GMT", now) == 0.0
    for nonsense in (None, "", "soon", "-1", "1e3", "²"):
        assert asked_wait(nonsense) is None


def test_files_laid_by_hand_are_checked(tmp_path: Path) -> None:
    """A file that was put among the archives counts if its digest does."""
    dataset = make_dataset(source("a.zip", sha256=SHA256))
    bring(tmp_path, dataset, {"a.zip": CONTENT})
    _, said = run(dataset, tmp_path)
    assert said == ["a.zip: whole, sha256 as in the document"]
