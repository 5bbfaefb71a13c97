"""Claims of workers on a shared folder: exclusive, seen to be alive, and taken over when not."""

from __future__ import annotations

import errno
import itertools
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from biobench._common.claims import LEFTOVER_S, Claims
from biobench.errors import BiobenchError, UsageError

NAME = "0" * 64
SOON_S, PATIENCE_S = 0.2, 60.0


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


def wait_until_stale(claims: Claims) -> None:
    end = time.monotonic() + PATIENCE_S
    while not claims.is_stale(NAME):
        assert time.monotonic() < end, "it never got stale"
        time.sleep(0.02)


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


def test_a_look_counts_who_has_the_folder_open(tmp_path: Path) -> None:
    """Those who wait look the more seldom the more they are; who ended is not counted."""
    with worker(tmp_path) as one:
        with worker(tmp_path):
            assert one.list().processes == 2
        assert one.list().processes == 1
        claim = one.take(NAME)
        assert claim is not None
        assert one.list().processes == 1
        claim.finish()


def test_a_claim_says_who_has_it(tmp_path: Path) -> None:
    """For people who look what their workers do."""
    with worker(tmp_path, owner="seven") as claims:
        assert claims.holder(NAME, claims.now()) is None
        claim = claims.take(NAME)
        assert claim is not None
        holder = claims.holder(NAME, claims.now())
        assert holder is not None
        assert (holder.owner, holder.pid, holder.host != "") == ("seven", os.getpid(), True)
        assert holder.age_s < 30
        assert claims.list().claimed == {NAME}
        claim.release()
        assert (claims.list().done, claims.list().claimed) == (frozenset(), frozenset())
        assert claims.holder(NAME, claims.now()) is None


def test_a_claim_is_touched_while_it_is_held(tmp_path: Path) -> None:
    """A worker with a part of hours keeps it: its claim never gets old."""
    with worker(tmp_path, 10.0) as claims, worker(tmp_path, SOON_S) as other:
        claim = claims.take(NAME)
        assert claim is not None
        age(tmp_path / NAME, 3600)
        wait_until_stale(other)
        assert other.list().stale == {NAME}
        end = time.monotonic() + PATIENCE_S
        while other.is_stale(NAME):
            assert time.monotonic() < end, "it was not touched"
            time.sleep(0.02)
        claim.release()


def test_a_stale_claim_is_taken_over(tmp_path: Path) -> None:
    """The process that made it is gone; of many that see it, one gets it."""
    with worker(tmp_path, 3600.0) as gone:
        lost = gone.take(NAME)
        assert lost is not None
    with worker(tmp_path, SOON_S) as one, worker(tmp_path, SOON_S) as two:
        assert one.take(NAME) is None
        wait_until_stale(one)
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
    with worker(tmp_path, SOON_S) as quick, worker(tmp_path, SOON_S) as slow:
        wait_until_stale(quick)
        wait_until_stale(slow)
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
    """A network disk sends a request again and is told that the file exists: what the file says
    tells that it is our own."""
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


def test_a_disk_that_makes_up_inodes_holds_claims(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As sshfs: each name has an inode of its own, and every file one name."""

    def copies(source: Path, target: Path) -> None:
        with open(target, "xb") as file:
            file.write(Path(source).read_bytes())

    monkeypatch.setattr(os, "link", copies)
    with worker(tmp_path) as claims:
        claim = claims.take(NAME)
        assert claim is not None
        assert claim.held
        assert claims.take(NAME) is None
        claim.finish()
        assert claims.list().done == {NAME}


def test_no_inode_stays_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a disk that numbers files anew at each look: a stale claim is taken over there too."""
    with worker(tmp_path, 3600.0) as gone:
        assert gone.take(NAME) is not None
    look, numbers = os.stat, itertools.count(1)

    def renumbered(*asked: Any, **options: Any) -> os.stat_result:
        found = look(*asked, **options)
        times = {name: getattr(found, name) for name in dir(found) if name.startswith("st_")}
        return os.stat_result((found[0], next(numbers), *found[2:]), times)

    with worker(tmp_path, SOON_S) as claims:
        monkeypatch.setattr(os, "stat", renumbered)
        wait_until_stale(claims)
        claim = claims.take(NAME)
        assert claim is not None
        assert claim.inherited
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


@pytest.mark.parametrize("ahead_s", [-3600, 3600])
def test_clocks_of_hosts_do_not_matter(ahead_s: float, tmp_path: Path) -> None:
    """A claim that a host with a wrong clock touches, on a disk that takes its time from there, is
    not stale; one that it touches no more is."""
    (tmp_path / NAME).write_text("{}")
    with worker(tmp_path, 0.5) as claims:
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            age(tmp_path / NAME, -ahead_s)
            # At once after the touch: no stall of this process can make it look old.
            assert not claims.is_stale(NAME)
            assert claims.take(NAME) is None
            time.sleep(0.05)
        wait_until_stale(claims)
        claim = claims.take(NAME)
        assert claim is not None
        claim.release()


HOLDER = """
import sys, threading
from pathlib import Path
from biobench._common.claims import Claims

claims = Claims(Path(sys.argv[1]), float(sys.argv[3]), still_s=float(sys.argv[4]))
claims.open()
claim = claims.take(sys.argv[2])
print("held", flush=True)
sys.stdin.readline()
print("works", flush=True)
while True:
    sum(range(1000))
"""


@pytest.mark.slow
@pytest.mark.parametrize(("stale_s", "still_s"), [(0.4, 2.0), (0.01, 0.2)])
def test_a_worker_whose_work_stands_still_gives_no_sign(
    stale_s: float, still_s: float, tmp_path: Path
) -> None:
    """Its main thread waits for something that does not come, as for a disk; once it goes on, it
    gives signs again. The time that the signs themselves take, much on a slow machine or with many
    of them, counts for no work."""
    held = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path), NAME, str(stale_s), str(still_s)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert held.stdin is not None
    assert held.stdout is not None
    try:
        assert held.stdout.readline() == "held\n"
        with worker(tmp_path, 1.2) as claims:
            wait_until_stale(claims)
            held.stdin.write("\n")
            held.stdin.flush()
            assert held.stdout.readline() == "works\n"
            end = time.monotonic() + PATIENCE_S
            while claims.is_stale(NAME):
                assert time.monotonic() < end, "it gives no sign"
                time.sleep(0.02)
    finally:
        held.kill()
        held.wait()
        held.stdin.close()
        held.stdout.close()


def test_a_clock_that_was_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker with a job of hours finds its file of the clock removed by one that started since,
    which on NFS makes the open file stale; it goes on."""
    touch = os.utime

    def as_nfs(path: object, *times: object) -> None:
        if isinstance(path, int) and os.fstat(path).st_nlink == 0:
            raise OSError(errno.ESTALE, "Stale file handle")
        touch(path, *times)  # type: ignore[arg-type, call-overload]

    with worker(tmp_path) as claims:
        monkeypatch.setattr(os, "utime", as_nfs)
        claims.now()
        (clock,) = tmp_path.glob(".clock-*")
        age(clock, LEFTOVER_S + 60)
        with worker(tmp_path):
            pass
        assert not clock.exists()
        assert abs(claims.now() - time.time()) < 60


def test_a_folder_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    """Something else took its place, or its disk went away: no traceback."""
    (tmp_path / "claims").write_text("no folder")
    claims = Claims(tmp_path / "claims", 60.0)
    for look in (claims.list, lambda: claims.is_stale(NAME)):
        with pytest.raises(BiobenchError, match="claims of workers cannot be read"):
            look()


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
            holder = claims.holder(NAME, claims.now())
            assert holder is not None
            assert (holder.owner, holder.pid) == ("", 0)
            assert claims.take(NAME) is None
