"""Claims of workers on a shared folder: exclusive, seen to be alive, and taken over when not."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from biobench._common.claims import LEFTOVER_S, Claims
from biobench.errors import UsageError

NAME = "0" * 64


@contextmanager
def worker(folder: Path, stale_s: float = 60.0, owner: str = "") -> Iterator[Claims]:
    claims = Claims(folder, stale_s, owner)
    claims.open()
    try:
        yield claims
    finally:
        claims.close()


def age(path: Path, seconds: float) -> None:
    """Make a file look as if it was not touched for so long."""
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_one_of_many_gets_a_claim(tmp_path: Path) -> None:
    """A link is made once, however many processes try at a time."""
    workers = [Claims(tmp_path, 60.0, str(i)) for i in range(16)]
    for one in workers:
        one.open()
    start, taken = threading.Barrier(len(workers)), []

    def take(one: Claims) -> None:
        start.wait()
        if (claim := one.take(NAME)) is not None:
            taken.append(claim)

    threads = [threading.Thread(target=take, args=(one,)) for one in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 1
    taken[0].finish()
    assert all(one.take(NAME) is None for one in workers)
    for one in workers:
        one.close()
    assert sorted(os.listdir(tmp_path)) == [f"{NAME}.done"]


def test_a_claim_says_who_has_it(tmp_path: Path) -> None:
    """For people who look what their workers do."""
    with worker(tmp_path, owner="seven") as claims:
        assert claims.holder(NAME) is None
        claim = claims.take(NAME)
        assert claim is not None
        holder = claims.holder(NAME)
        assert holder is not None
        assert (holder.owner, holder.pid, holder.host != "") == ("seven", os.getpid(), True)
        assert holder.age_s < 30
        assert claims.list().claimed == {NAME}
        claim.release()
        assert (claims.list().done, claims.list().claimed) == (frozenset(), frozenset())
        assert claims.holder(NAME) is None


def test_a_claim_is_touched_while_it_is_held(tmp_path: Path) -> None:
    """A worker with a part of hours keeps it: its claim never gets old."""
    with worker(tmp_path, 1.0) as claims, worker(tmp_path, 1.0) as other:
        claim = claims.take(NAME)
        assert claim is not None
        age(tmp_path / NAME, 3600)
        end = time.monotonic() + 20
        while other.is_stale(NAME) and time.monotonic() < end:
            time.sleep(0.05)
        assert not other.is_stale(NAME)
        assert other.take(NAME) is None
        claim.release()


def test_a_stale_claim_is_taken_over(tmp_path: Path) -> None:
    """The process that made it is gone; of many that see it, one gets it."""
    with worker(tmp_path) as gone:
        lost = gone.take(NAME)
        assert lost is not None
    age(tmp_path / NAME, 61)
    with worker(tmp_path) as one, worker(tmp_path) as two:
        assert one.is_stale(NAME)
        claim = one.take(NAME)
        assert claim is not None
        assert claim.held
        assert two.take(NAME) is None
        # The process was not gone, only slow: what it does now touches no claim of another.
        assert not lost.held
        lost.finish()
        assert one.list().done == frozenset()
        assert claim.held
        claim.finish()
        assert one.list().done == {NAME}


def test_a_claim_that_was_just_taken_over_is_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two see a stale claim; the slower one moves away the fresh claim of the other, sees it, and
    puts it back."""
    (tmp_path / NAME).write_text("{}")
    age(tmp_path / NAME, 3600)
    with worker(tmp_path) as quick, worker(tmp_path) as slow:
        rename, got = os.rename, []

        def late(source: Path, target: Path) -> None:
            monkeypatch.setattr(os, "rename", rename)
            got.append(quick.take(NAME))
            rename(source, target)

        monkeypatch.setattr(os, "rename", late)
        assert slow.take(NAME) is None
        (claim,) = got
        assert claim is not None
        assert claim.held
        claim.release()
    assert os.listdir(tmp_path) == []


def test_a_link_whose_answer_was_lost_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network disk sends a request again and is told that the file exists: the number of links
    says that it is our own."""
    link = os.link

    def twice(source: Path, target: Path) -> None:
        link(source, target)
        raise FileExistsError(errno.EEXIST, "File exists", str(target))

    with worker(tmp_path) as claims:
        monkeypatch.setattr(os, "link", twice)
        claim = claims.take(NAME)
        assert claim is not None
        assert claim.held
        claim.release()


@pytest.mark.parametrize("call", ["link", "rename"])
def test_a_disk_that_cannot_is_refused_at_the_start(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As FAT, which has no links: one line before any work, and nothing is left behind."""

    def refused(source: Path, target: Path) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted", str(source))

    monkeypatch.setattr(os, call, refused)
    claims = Claims(tmp_path, 60.0)
    with pytest.raises(UsageError, match="cannot hold claims of workers: Operation not permitted"):
        claims.open()
    claims.close()
    assert os.listdir(tmp_path) == []


def test_a_disk_whose_links_replace_files_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then everybody would get every claim."""

    def replaces(source: Path, target: Path) -> None:
        Path(target).unlink(missing_ok=True)
        Path(target).write_bytes(Path(source).read_bytes())

    monkeypatch.setattr(os, "link", replaces)
    with pytest.raises(UsageError, match="did not do what it must"):
        Claims(tmp_path, 60.0).open()


def test_clocks_of_hosts_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host whose clock is an hour ahead sees no claim as stale that is touched, nor one of its
    own."""
    with worker(tmp_path) as claims:
        claim = claims.take(NAME)
        assert claim is not None
        clock = time.time
        monkeypatch.setattr(time, "time", lambda: clock() + 3600)
        with worker(tmp_path) as ahead:
            assert 3500 < ahead.clock_difference() < 3700
            assert not ahead.is_stale(NAME)
            assert ahead.take(NAME) is None
        claim.release()


def test_what_killed_processes_left_is_removed(tmp_path: Path) -> None:
    """After an hour, and nothing else: not a claim, which may be taken over, nor another's file."""
    old = [f".claim-{1:016x}-abc", f".clock-{1:016x}", f".stale-{1:016x}-ab"]
    for name in (*old, NAME, f"{NAME[1:]}1.done", "note.txt"):
        (tmp_path / name).write_text("{}")
        age(tmp_path / name, LEFTOVER_S + 60)
    (tmp_path / f".claim-{2:016x}-new").write_text("{}")
    with worker(tmp_path):
        pass
    left = [f".claim-{2:016x}-new", NAME, f"{NAME[1:]}1.done", "note.txt"]
    assert sorted(os.listdir(tmp_path)) == sorted(left)


def test_a_claim_with_strange_content_is_a_claim(tmp_path: Path) -> None:
    """Anyone may have written to a shared folder: it is held until it is stale."""
    for content in (b"", b"[]", b"\xff\xfe", b'{"owner": 3, "host": null, "pid": "x"}'):
        (tmp_path / NAME).write_bytes(content)
        with worker(tmp_path) as claims:
            holder = claims.holder(NAME)
            assert holder is not None
            assert (holder.owner, holder.pid) == ("", 0)
            assert claims.take(NAME) is None
