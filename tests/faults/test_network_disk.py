"""Workers of two hosts on one folder over a network: each host has a mount of its own, by sshfs.

Such a disk has no locks between hosts, makes up inodes, counts one name for every file, and keeps
what it knows of files for some seconds.
"""

from __future__ import annotations

import contextlib
import getpass
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
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
def hosts(shared: Path, places: list[Path]) -> Iterator[None]:
    """Mount a folder at several places, each over a connection of its own."""
    with serving(shared.with_name("ssh")) as (port, user), contextlib.ExitStack() as mounts:
        for place in places:
            place.mkdir()
            known = f"IdentityFile={user},StrictHostKeyChecking=no,UserKnownHostsFile=/dev/null"
            line = ["sshfs", "-p", str(port), "-o", known]
            line += [f"{getpass.getuser()}@127.0.0.1:{shared}", str(place)]
            done = subprocess.run(line, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                pytest.skip(f"no sshfs here: {done.stderr.strip()}")
            mounts.callback(subprocess.run, ["umount", "-l", str(place)], check=True)
        yield


@pytest.mark.skipif(
    shutil.which("sshfs") is None or not Path(SSHD).exists() or not Path("/dev/fuse").exists(),
    reason="needs sshfs, openssh-server and /dev/fuse",
)
def test_workers_of_two_hosts_share_a_folder_over_a_network(
    bench: Bench, launcher: Launcher, ground: Path, tally: Callable[[str, int, int], None]
) -> None:
    """One host dies with a part in its hands; the others take it over, with a run's own result."""
    root = ground / "network"
    shared, one, two = (root / name for name in ("shared", "one", "two"))
    shared.mkdir(parents=True)
    task, data = str(bench.root / "classes.yaml"), str(bench.root / "data")
    gate = root / "gate"
    gate.mkdir()

    def worker(host: Path, **variables: str) -> Process:
        place = ("--store", str(host / "store"), "--out", str(host / "out"))
        line = ["work", str(host / "plan.json"), *place, "--workers", "1", "--stale", str(STALE_S)]
        return launcher.start(line, bench.root, **variables)

    with hosts(shared, [one, two]):
        place = ("--store", str(one / "store"), "--out", str(one / "plan.json"))
        line = ["plan", "--model", NET, "--task", task, "--data", data, "--part-size", "8", *place]
        launcher.start([*line, "--device", "cpu"], bench.root).done().good()
        first = worker(two, FAULTS_GATE=str(gate))
        reached(gate, first)
        first.kill()
        first.done()
        others = [worker(host) for host in (one, two, one)]
        for other in others:
            other.done().good()
    (out,) = (path.parent for path in (shared / "out").rglob("results.json"))
    assert outcome(out) == bench.expected[NET]
    hidden = list(shared.rglob(".fuse_hidden*"))
    assert len(hidden) <= 1, "only a host that died leaves a name behind that its disk made up"
    tally("hosts that die with a part on a disk over a network", 1, 0)
