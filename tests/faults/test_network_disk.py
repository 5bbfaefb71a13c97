"""Workers of two hosts on one folder over a network: each host has a mount of its own, by sshfs.

Such a disk has no locks between hosts, makes up inodes, counts one name for every file, and keeps
what it knows of files for some seconds.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from harness import NET, Bench, Launcher, Process, outcome, reached

pytestmark = [pytest.mark.slow, pytest.mark.faults]
SSHD = shutil.which("sshd") or "/usr/sbin/sshd"
STALE_S = 5
"""Less than sshfs keeps the time of a file, so that claims of the living are taken over, too."""


def key(path: Path) -> Path:
    """Make a key; its public half lies beside it."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[tuple[int, Path]]:
    """An SSH server of this user alone; its port, and the key that opens it."""
    folder.mkdir()
    if os.getuid() == 0:
        # sshd of root wants it; the service makes it, which nobody starts here.
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    host, user = key(folder / "host"), key(folder / "user")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "ListenAddress": f"127.0.0.1:{port}", "HostKey": host, "PidFile": "none",
        "StrictModes": "no", "UsePAM": "no", "AuthorizedKeysFile": f"{user}.pub",
        "Subsystem": "sftp internal-sftp",
    }  # fmt: skip
    (folder / "config").write_text("".join(f"{n} {v}\n" for n, v in settings.items()))
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([SSHD, "-D", "-e", "-f", folder / "config"], stderr=log)
    try:
        end = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert server.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < end, "the server does not answer"
            time.sleep(0.05)
        yield port, user
    finally:
        server.terminate()
        server.wait(20)


@contextlib.contextmanager
def hosts(shared: Path, places: Mapping[Path, Mapping[str, str]]) -> Iterator[None]:
    """Mount a folder at several places, each over a connection of its own, whose program has
    these variables beside its own."""
    with serving(shared.with_name("ssh")) as (port, user), contextlib.ExitStack() as mounts:
        for place, variables in places.items():
            place.mkdir()
            known = f"IdentityFile={user},StrictHostKeyChecking=no,UserKnownHostsFile=/dev/null"
            line = ["sshfs", "-p", str(port), "-o", known]
            line += [f"{getpass.getuser()}@127.0.0.1:{shared}", str(place)]
            done = subprocess.run(
                line, capture_output=True, text=True, check=False, env={**os.environ, **variables}
            )
            if done.returncode != 0:
                pytest.skip(f"no sshfs here: {done.stderr.strip()}")
            mounts.callback(subprocess.run, ["umount", "-l", str(place)], check=True)
        yield


needs_sshfs = pytest.mark.skipif(
    shutil.which("sshfs") is None or not Path(SSHD).exists() or not Path("/dev/fuse").exists(),
    reason="needs sshfs, openssh-server and /dev/fuse",
)


class Shared:
    """A plan on a folder that every host mounts, and its workers."""

    def __init__(self, bench: Bench, launcher: Launcher, root: Path) -> None:
        self.bench, self.launcher, self.root = bench, launcher, root
        self.folder, self.gate = root / "shared", root / "gate"
        self.folder.mkdir(parents=True)
        self.gate.mkdir()

    def plan(self, host: Path) -> None:
        """Plan from a host."""
        task, data = str(self.bench.root / "classes.yaml"), str(self.bench.root / "data")
        place = ("--store", str(host / "store"), "--out", str(host / "plan.json"))
        line = ["plan", "--model", NET, "--task", task, "--data", data, "--part-size", "8", *place]
        self.launcher.start([*line, "--device", "cpu"], self.bench.root).done().good()

    def work(self, host: Path, **variables: str) -> Process:
        """Start a worker on a host."""
        place = ("--store", str(host / "store"), "--out", str(host / "out"))
        line = ["work", str(host / "plan.json"), *place, "--workers", "1", "--stale", str(STALE_S)]
        return self.launcher.start(line, self.bench.root, **variables)

    def die(self, host: Path, **variables: str) -> None:
        """Have a worker of a host die with a part in its hands."""
        first = self.work(host, FAULTS_GATE=str(self.gate), **variables)
        reached(self.gate, first)
        first.kill()
        first.done()

    def assert_done(self) -> None:
        """The result is a run's own, and no host that lives left a name that its disk made up."""
        (out,) = (path.parent for path in (self.folder / "out").rglob("results.json"))
        assert outcome(out) == self.bench.expected[NET]
        assert len(list(self.folder.rglob(".fuse_hidden*"))) <= 1


@needs_sshfs
def test_workers_of_two_hosts_share_a_folder_over_a_network(
    bench: Bench, launcher: Launcher, ground: Path, tally: Callable[[str, int, int], None]
) -> None:
    """One host dies with a part in its hands; the others take it over, with a run's own result."""
    shared = Shared(bench, launcher, ground / "network")
    one, two = (shared.root / name for name in ("one", "two"))
    with hosts(shared.folder, {one: {}, two: {}}):
        shared.plan(one)
        shared.die(two)
        others = [shared.work(host) for host in (one, two, one)]
        for other in others:
            other.done().good()
    shared.assert_done()
    tally("hosts that die with a part on a disk over a network", 1, 0)


@needs_sshfs
def test_workers_of_hosts_whose_clocks_are_an_hour_apart(
    bench: Bench,
    faulty: Launcher,
    library: Path,
    ground: Path,
    tally: Callable[[str, int, int], None],
) -> None:
    """Protects: such a disk stamps files with the clock of the host that touches them; a claim of
    an hour to come is taken over once its host is dead, and one of an hour ago, whose host lives,
    is known again."""
    shared = Shared(bench, faulty, ground / "clocks")
    clocks = {shared.root / name: name for name in ("0", "3600", "-3600")}
    mounts = {
        host: {"LD_PRELOAD": str(library), "FAULTS_CLOCK": clock} for host, clock in clocks.items()
    }
    with hosts(shared.folder, mounts):
        right, ahead, _ = clocks
        mark = ahead / "mark"
        mark.touch()
        os.utime(mark)
        assert (shared.folder / "mark").stat().st_mtime > time.time() + 3000
        shared.plan(right)
        shared.die(ahead, FAULTS_CLOCK="3600")
        others = [shared.work(host, FAULTS_CLOCK=clock) for host, clock in clocks.items()]
        for other in others:
            other.done().good()
    shared.assert_done()
    tally("hosts whose clocks are an hour apart", 3, 0)
