"""Downloads that would never end: each is left after bounded tries, bytes and seconds."""

from __future__ import annotations

import re
import resource as limits
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from downloads import CONTENT, RIGHT, UNKNOWN, Waits, assert_whole, get
from hostile import Server, serving

from biobench.data.fetch.download import download
from biobench.data.fetch.remote_sizes import told_bytes
from biobench.data.fetch.retries import RetryPolicy
from biobench.data.fetch.transfer import make_client
from biobench.data.sources import File, Known
from biobench.errors import DataError


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def test_wrong_bytes_in_pieces_are_left(server: Server, tmp_path: Path) -> None:
    """Each new beginning brings bytes again, which is no progress: the tries are bounded."""
    seen = server.add("/pieces.bin", CONTENT[::-1], "drop:5000")
    file = File("pieces.bin", (server.url("/pieces.bin"),), RIGHT)
    waits = Waits()
    with make_client(waits.policy) as client, pytest.raises(DataError, match="expected"):
        download(client, file, tmp_path, policy=waits.policy, say=lambda _: None, quiet=True)
    # Twelve pieces, and once again to see that the same bytes come.
    assert len(seen.requests) <= 2 * 12 + 2
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_another_each_time_is_left(server: Server, tmp_path: Path) -> None:
    """The host changes what it sends between the pieces, for ever."""
    seen = server.add("/other.bin", CONTENT)
    file = File("other.bin", (server.url("/other.bin"),), RIGHT)
    waits = Waits()
    # A file of another kind for each request; the validator says nothing of it.
    seen.script = ["unnamed:5000", "unnamed:9000", "wrong"] * 1_000
    with make_client(waits.policy) as client, pytest.raises(DataError, match=r"times|expected"):
        download(client, file, tmp_path, policy=waits.policy, say=lambda _: None, quiet=True)
    assert len(seen.requests) <= 3 * waits.policy.tries


def test_tries_that_bring_something_are_bounded_too(server: Server, tmp_path: Path) -> None:
    """A host that drops after every piece of a huge file is left, and what came is kept."""
    seen = server.add("/drops.bin", CONTENT, "drop:2000")
    policy = replace(Waits().policy, most_tries=20)
    file = File("drops.bin", (server.url("/drops.bin"),), RIGHT)
    with make_client(policy) as client, pytest.raises(DataError, match="ended 20 times") as caught:
        download(client, file, tmp_path, policy=policy, say=lambda _: None, quiet=True)
    assert len(seen.requests) == 20
    # How much of a piece arrives before its connection ends depends on the machine.
    assert re.search(r"\b3[0-9]\.[0-9] KiB are kept", str(caught.value))


@pytest.mark.parametrize("known", [Known(bytes=len(CONTENT)), replace(RIGHT, bytes=len(CONTENT))])
def test_no_more_than_the_declared_bytes_are_taken(
    server: Server, tmp_path: Path, known: Known
) -> None:
    """Chunks say nothing of their sum: the document's size bounds them before the disk does."""
    before = limits.getrlimit(limits.RLIMIT_FSIZE)
    limits.setrlimit(limits.RLIMIT_FSIZE, (10 * len(CONTENT), before[1]))
    try:
        with pytest.raises(DataError, match="more than the 60000 bytes expected"):
            get(server, tmp_path, "endless", known=known)
    finally:
        limits.setrlimit(limits.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def test_bytes_that_nobody_counts_are_bounded(server: Server, tmp_path: Path) -> None:
    """There is a limit even where neither document nor host says how many bytes come."""
    policy = replace(Waits().policy, most_unsaid=100_000)
    server.add("/endless.bin", CONTENT, "endless")
    file = File("endless.bin", (server.url("/endless.bin"),), UNKNOWN)
    with make_client(policy) as client, pytest.raises(DataError, match=r"more than 97\.7 KiB"):
        download(client, file, tmp_path, policy=policy, say=lambda _: None, quiet=True)
    assert list(tmp_path.iterdir()) == []
    assert RetryPolicy().most_unsaid == 256 << 30


@pytest.mark.parametrize("way", ["drip", "drip_comment", "drip_head", "drip_page", "interim"])
def test_a_drip_is_a_failure(server: Server, tmp_path: Path, way: str) -> None:
    """Bytes that come one by one begin each timeout anew; the rate has a least value."""
    server.add("/drip.bin", CONTENT, way)
    file = File("drip.bin", (server.url("/drip.bin"),), RIGHT)
    policy = replace(Waits().policy, tries=2, window_s=0.3)
    start = time.monotonic()
    with (
        make_client(policy) as client,
        pytest.raises(DataError, match="sends less than 1000 B in"),
    ):
        download(client, file, tmp_path, policy=policy, say=lambda _: None, quiet=True)
    assert time.monotonic() - start < 5


def test_a_slow_host_that_keeps_the_rate_is_heard_out(server: Server, tmp_path: Path) -> None:
    """Longer than a window, and never too little in one."""
    get(server, tmp_path, "slow:0.06", known=UNKNOWN)
    assert_whole(tmp_path)


@pytest.mark.parametrize("way", ["huge_head", "huge_head:1"])
def test_a_huge_head_is_refused(server: Server, tmp_path: Path, way: str) -> None:
    """Headers of megabytes are a fault of the host, in one line."""
    with pytest.raises(DataError, match="cannot be fetched") as caught:
        get(server, tmp_path, way)
    assert len(str(caught.value)) < 1_000
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("way", ["drip_head", "interim"])
def test_asking_for_a_size_ends(server: Server, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that never answers the question for the size is left to the download itself."""
    monkeypatch.setattr("biobench.data.fetch.remote_sizes.TIMEOUT_S", 0.3)
    server.add("/size.bin", CONTENT, f"head:{way}")
    start = time.monotonic()
    with make_client(Waits().policy) as client:
        assert told_bytes(client, [File("size.bin", (server.url("/size.bin"),), UNKNOWN)]) == 0
    assert time.monotonic() - start < 2
