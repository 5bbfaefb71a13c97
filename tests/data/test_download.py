"""Downloads from a server that does everything wrong: the right bytes, or no file."""

from __future__ import annotations

import errno
import hashlib
import json
import resource as limits
from collections.abc import Iterator
from pathlib import Path

import pytest
from downloads import CONTENT, MD5, RIGHT, SHA256, UNKNOWN, Waits, assert_whole, get
from hostile import Server, serving

from biobench.data.fetch.download import download
from biobench.data.fetch.transfer import make_client
from biobench.data.sources import File, Known
from biobench.errors import BiobenchError, DataError


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def test_a_sound_server_is_asked_once(server: Server, tmp_path: Path) -> None:
    """One request, for the bytes as they are."""
    (seen,) = get(server, tmp_path)
    assert_whole(tmp_path)
    assert len(seen.requests) == 1
    assert seen.requests[0]["accept-encoding"] == "identity"
    assert "range" not in seen.requests[0]


@pytest.mark.parametrize("known", [RIGHT, UNKNOWN, Known(md5=MD5), Known(bytes=len(CONTENT))])
@pytest.mark.parametrize("way", ["drop:20000", "reset:20000", "stall:20000", "slow", "silence"])
def test_a_broken_connection_goes_on(
    server: Server, tmp_path: Path, way: str, known: Known
) -> None:
    """Received bytes are kept, and the rest is asked for by range and validator."""
    (seen,) = get(server, tmp_path, way, "sound", known=known)
    assert_whole(tmp_path)
    if way in {"drop:20000", "stall:20000"}:
        assert seen.requests[1]["range"] == "bytes=20000-"
        assert seen.requests[1]["if-range"] == seen.etag


def test_many_drops_are_no_failure_as_long_as_bytes_come(server: Server, tmp_path: Path) -> None:
    """Tries are counted anew with each new byte; the wait begins anew too."""
    waits = Waits()
    get(server, tmp_path, *["drop:5000"] * 11, "sound", waits=waits)
    assert_whole(tmp_path)
    assert waits == [1.0] * 11


def test_a_trickle_is_a_failure(server: Server, tmp_path: Path) -> None:
    """A host that drops after every few bytes would take days; it is left like one that is dead."""
    with pytest.raises(DataError, match="cannot be fetched"):
        get(server, tmp_path, "drop:10")


def test_waits_double_and_tries_end(server: Server, tmp_path: Path) -> None:
    """A host that brings nothing new is left; the message says what is kept."""
    waits = Waits()
    with pytest.raises(DataError, match="status 503") as caught:
        get(server, tmp_path, "drop:20000", "status:503", waits=waits)
    assert caught.value.exit_code == 3
    assert "19.5 KiB are kept" in str(caught.value)
    assert waits == [1.0, 2.0, 4.0]
    assert not (tmp_path / "a.bin").exists()
    get(server, tmp_path, "sound")
    assert_whole(tmp_path)


def test_retry_after_is_honoured_within_a_limit(server: Server, tmp_path: Path) -> None:
    """A number of seconds is waited; an hour is not, and the next address is asked."""
    waits = Waits()
    get(server, tmp_path, "status:429:7", "status:503:9", "sound", waits=waits)
    assert waits == [7.0, 9.0]
    (tmp_path / "a.bin").unlink()
    waits.clear()
    said: list[str] = []
    get(server, tmp_path, "status:429:3600", mirrors=(("sound",),), waits=waits, said=said)
    assert waits == []
    assert "asks to wait 3600 s" in said[0]


def test_addresses_in_turn(server: Server, tmp_path: Path) -> None:
    """Lasting faults go on with the next address, and the last one decides."""
    ways = ("status:404", "status:403", "loop", "page", "brotli", "redirect:ftp://127.0.0.1/x")
    get(server, tmp_path, ways[0], mirrors=(*((way,) for way in ways[1:]), ("sound",)))
    assert_whole(tmp_path)
    (tmp_path / "a.bin").unlink()
    with pytest.raises(DataError) as caught:
        get(server, tmp_path, ways[0], mirrors=tuple((way,) for way in ways[1:]))
    message = str(caught.value)
    assert "404, not found" in message
    assert "403, access is refused" in message
    assert "'Quota exceeded'" in message
    assert "--from" in message
    assert len(message.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_host_that_is_not_there(tmp_path: Path) -> None:
    """No network: few tries, one line, nothing left behind."""
    waits = Waits()
    file = File("a.bin", ("http://127.0.0.1:9/a.bin", "http://no-such-host.invalid/a.bin"), RIGHT)
    with (
        make_client(waits.policy) as client,
        pytest.raises(DataError, match="cannot be fetched") as caught,
    ):
        download(client, file, tmp_path, policy=waits.policy, say=lambda _: None, quiet=True)
    assert "no-such-host.invalid" in str(caught.value)
    assert len(waits) == 2
    assert list(tmp_path.iterdir()) == []


def test_redirects_are_followed_with_their_range(server: Server, tmp_path: Path) -> None:
    """A content network behind the address is asked for the rest."""
    behind = server.add("/behind", CONTENT, "drop:30000", "sound")
    get(server, tmp_path, "redirect:/behind")
    assert_whole(tmp_path)
    assert behind.requests[1]["range"] == "bytes=30000-"


@pytest.mark.parametrize(
    "way", ["ignore_range", "other_range", "no_range_said", "lying_range", "too_long"]
)
def test_a_range_that_is_not_the_one_asked_for(server: Server, tmp_path: Path, way: str) -> None:
    """Bytes of another place are never joined to those that are kept."""
    get(server, tmp_path, "drop:20000", way, "sound")
    assert_whole(tmp_path)


@pytest.mark.parametrize("way", ["ignore_range", "other_range", "no_range_said", "too_long"])
def test_the_same_without_a_checksum(server: Server, tmp_path: Path, way: str) -> None:
    """The head of an answer is enough."""
    get(server, tmp_path, "drop:20000", way, "sound", known=UNKNOWN)
    assert_whole(tmp_path)


@pytest.mark.parametrize("known", [RIGHT, UNKNOWN])
@pytest.mark.parametrize("way", ["sound", "ignore_condition"])
def test_a_file_that_changes_between_tries(
    server: Server, tmp_path: Path, way: str, known: Known
) -> None:
    """The kept bytes are of the old file: it begins anew, whether If-Range is honoured or not."""
    with pytest.raises(DataError):
        get(server, tmp_path, "drop:20000", "status:503", content=CONTENT[::-1], known=known)
    assert (tmp_path / "a.bin.part").stat().st_size == 20_000
    get(server, tmp_path, way, known=known)
    assert_whole(tmp_path)


def test_without_a_validator_or_checksum_nothing_is_joined(server: Server, tmp_path: Path) -> None:
    """Nobody could tell whether the second half is of the same file."""
    for way in ("unnamed:20000", "weak:20000"):
        (seen,) = get(server, tmp_path, way, "unnamed", known=UNKNOWN)
        assert_whole(tmp_path)
        assert "range" not in seen.requests[1]
        (tmp_path / "a.bin").unlink()
    (seen,) = get(server, tmp_path, "unnamed:20000", "unnamed", known=RIGHT)
    assert_whole(tmp_path)
    assert seen.requests[1]["range"] == "bytes=20000-"


def test_another_host_goes_on_only_where_a_checksum_will_tell(
    server: Server, tmp_path: Path
) -> None:
    """Two hosts may have two files under one name."""
    _, mirror = get(server, tmp_path, "drop:20000", "status:404", mirrors=(("sound",),))
    assert_whole(tmp_path)
    assert mirror.requests[0]["range"] == "bytes=20000-"
    assert "if-range" not in mirror.requests[0]
    (tmp_path / "a.bin").unlink()
    script = ("drop:20000", "status:404")
    _, mirror = get(server, tmp_path, *script, mirrors=(("sound",),), known=UNKNOWN)
    assert_whole(tmp_path)
    assert "range" not in mirror.requests[0]


def test_wrong_bytes_are_thrown_away(server: Server, tmp_path: Path) -> None:
    """A whole file with a wrong digest is tried at the next address, and never kept."""
    get(server, tmp_path, "wrong", mirrors=(("sound",),))
    assert_whole(tmp_path)
    (tmp_path / "a.bin").unlink()
    with pytest.raises(DataError, match=f"expected {SHA256}"):
        get(server, tmp_path, "wrong")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("way", ["sound", "chunked", "unknown_length"])
@pytest.mark.parametrize("known", [RIGHT, UNKNOWN])
def test_an_empty_file_is_none(server: Server, tmp_path: Path, way: str, known: Known) -> None:
    """Hosts that have lost a file may still have its name."""
    with pytest.raises(DataError):
        get(server, tmp_path, way, content=b"", known=known)
    assert list(tmp_path.iterdir()) == []


def test_a_length_other_than_the_document_says(server: Server, tmp_path: Path) -> None:
    """It is refused before the first byte."""
    known = Known(bytes=len(CONTENT) + 1)
    with pytest.raises(DataError, match="60000 bytes there, expected 60001"):
        get(server, tmp_path, known=known)
    assert list(tmp_path.iterdir()) == []


def test_a_promise_of_too_little_cuts_no_file(server: Server, tmp_path: Path) -> None:
    """The checksum tells; the other host gives the rest."""
    get(server, tmp_path, "too_short", mirrors=(("sound",),))
    assert_whole(tmp_path)


def test_an_unknown_length_needs_a_checksum(server: Server, tmp_path: Path) -> None:
    """Half a file looks like a whole one where the end of the connection is the end of the file."""
    get(server, tmp_path, "unknown_length:9000", mirrors=(("unknown_length",),))
    assert_whole(tmp_path)
    (tmp_path / "a.bin").unlink()
    with pytest.raises(DataError, match="how long the file is"):
        get(server, tmp_path, "unknown_length", known=UNKNOWN)
    get(server, tmp_path, "chunked:9000", "chunked", known=UNKNOWN)
    assert_whole(tmp_path)


@pytest.mark.parametrize("known", [True, False])
def test_content_encodings(server: Server, tmp_path: Path, known: bool) -> None:
    """A table compressed for the way is decoded; an archive that is called encoded is not."""
    import gzip

    table = b"name,label\n" * 5000
    digest = Known(sha256=hashlib.sha256(table).hexdigest()) if known else UNKNOWN
    get(server, tmp_path, "gzipped", name="t.csv", content=table, known=digest)
    assert_whole(tmp_path, "t.csv", table)
    (tmp_path / "t.csv").unlink()
    archive = gzip.compress(CONTENT)
    digest = Known(sha256=hashlib.sha256(archive).hexdigest()) if known else UNKNOWN
    for way in ("called_gzip", "gzipped", "sound"):
        get(server, tmp_path, way, name="t.tar.gz", content=archive, known=digest)
        assert_whole(tmp_path, "t.tar.gz", archive)
        (tmp_path / "t.tar.gz").unlink()


def test_the_form_of_a_page_that_asks_back(server: Server, tmp_path: Path) -> None:
    """As Google Drive asks before it gives a large file; strangers are not followed."""
    behind = server.add("/confirmed", CONTENT)
    get(server, tmp_path, "page:/confirmed")
    assert_whole(tmp_path)
    assert len(behind.requests) == 1
    (tmp_path / "a.bin").unlink()
    for action in ("http://localhost:1/elsewhere", "/0/a.bin"):
        with pytest.raises(DataError, match=r"web page|again and again"):
            get(server, tmp_path, f"page:{action}")


def test_a_damaged_part_is_not_gone_on_with(server: Server, tmp_path: Path) -> None:
    """The kept bytes are hashed again; a state that is nonsense counts as none."""
    for damage in ("bytes", "state", "shorter"):
        with pytest.raises(DataError):
            get(server, tmp_path, "drop:20000", "status:503", known=UNKNOWN)
        part, state = tmp_path / "a.bin.part", tmp_path / "a.bin.part.json"
        if damage == "bytes":
            part.write_bytes(b"x" * 20_000)
        elif damage == "state":
            state.write_text(json.dumps({"kept": "many"}))
        else:
            part.write_bytes(CONTENT[:19_999])
        (seen,) = get(server, tmp_path, "sound", known=UNKNOWN)
        assert "range" not in seen.requests[0]
        assert_whole(tmp_path)
        (tmp_path / "a.bin").unlink()


def test_bytes_beyond_what_was_noted_are_dropped(server: Server, tmp_path: Path) -> None:
    """A killed process may have written more than it synced."""
    with pytest.raises(DataError):
        get(server, tmp_path, "drop:20000", "status:503", known=UNKNOWN)
    with (tmp_path / "a.bin.part").open("ab") as handle:
        handle.write(b"not synced")
    (seen,) = get(server, tmp_path, "sound", known=UNKNOWN)
    assert seen.requests[0]["range"] == "bytes=20000-"
    assert_whole(tmp_path)


def test_a_file_larger_than_the_disk_is_refused_first(server: Server, tmp_path: Path) -> None:
    """The room is asked for before the first byte, of the disk that is really there."""
    for known in (UNKNOWN, RIGHT):
        with pytest.raises(BiobenchError, match=r"needs 1024.0 TiB, and .* are free") as caught:
            get(server, tmp_path, f"promise:{1 << 50}", known=known)
        assert caught.value.exit_code == 1
        assert list(tmp_path.iterdir()) == []


def test_a_full_disk_keeps_what_is_good(server: Server, tmp_path: Path) -> None:
    """A quota that ends in the middle: exit 1 with the reason, and the same command goes on."""
    before = limits.getrlimit(limits.RLIMIT_FSIZE)
    limits.setrlimit(limits.RLIMIT_FSIZE, (30_000, before[1]))
    try:
        with pytest.raises(BiobenchError, match="cannot be written") as caught:
            get(server, tmp_path, "slow", known=UNKNOWN)
    finally:
        limits.setrlimit(limits.RLIMIT_FSIZE, before)
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno == errno.EFBIG
    assert not (tmp_path / "a.bin").exists()
    (seen,) = get(server, tmp_path, "sound", known=UNKNOWN)
    assert 0 < int(seen.requests[0]["range"].removeprefix("bytes=").rstrip("-")) <= 30_000
    assert_whole(tmp_path)
