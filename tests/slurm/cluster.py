"""A Slurm cluster of two nodes on this machine, with daemons of its own in one folder."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel")
NODES = ("n1", "n2")
LIMIT_S = 240.0
"""Seconds after which something that should have happened counts as failed, on a slow machine."""

CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
MpiDefault=none
SwitchType=switch/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=0,sched_interval=1
SlurmdParameters=config_overrides
ReturnToService=2
SlurmdTimeout=10
SlurmctldTimeout=60
KillWait=2
MinJobAge=300
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
{nodes}
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
"""


def missing_programs() -> list[str]:
    """The programs that a cluster needs and this machine lacks; Debian has them in sbin."""
    return [name for name in PROGRAMS if _find(name) is None]


def _find(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def wait_for(
    what: str, true: Callable[[], bool], limit: float = LIMIT_S, step: float = 0.1
) -> None:
    """Wait until something is so; fails with its name where that does not come."""
    end = time.monotonic() + limit
    while not true():
        assert time.monotonic() < end, f"not within {limit:.0f} s: {what}"
        time.sleep(step)


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


class Cluster:
    """The daemons: munged, slurmctld, and a slurmd a node."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}
        controller, *ports = free_ports(1 + len(NODES))
        host, user = socket.gethostname(), pwd.getpwuid(os.geteuid()).pw_name
        nodes = [
            f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=2 "
            "RealMemory=1000"
            for node, port in zip(NODES, ports, strict=True)
        ]
        text = CONFIGURATION.format(
            host=host, controller=controller, user=user, folder=folder, nodes="\n".join(nodes)
        )
        (folder / "slurm.conf").write_text(text)
        (folder / "state").mkdir()
        # munged wants no other users to write beside its socket.
        folder.chmod(0o755)
        key = folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)

    @property
    def environment(self) -> dict[str, str]:
        """The variables of a user of this cluster, by which its processes are known too."""
        kept = {n: v for n, v in os.environ.items() if not n.startswith(("BIOBENCH_", "SLURM"))}
        return {**kept, "SLURM_CONF": str(self.folder / "slurm.conf"), "HF_HUB_OFFLINE": "1"}

    def start(self) -> None:
        files = {"socket": "munge.socket", "pid-file": "munge.pid", "log-file": "munge.log"}
        files |= {"seed-file": "munge.seed", "key-file": "munge.key"}
        options = [f"--{name}={self.folder / file}" for name, file in files.items()]
        self._daemon("munged", "munged", "--foreground", "--force", *options)
        wait_for("munged listens", (self.folder / "munge.socket").exists)
        self._daemon("slurmctld", "slurmctld", "-D", "-c")
        for node in NODES:
            self.start_node(node)
        wait_for("both nodes are idle", self.idle)

    def start_node(self, node: str) -> None:
        self._daemon(node, "slurmd", "-D", "-N", node)

    def idle(self) -> bool:
        """True where every node could take a job."""
        return self.says("sinfo", "--noheader", "--Node", "--format=%N %t").split() == [
            word for node in NODES for word in (node, "idle")
        ]

    def _daemon(self, key: str, program: str, *arguments: str) -> None:
        path = _find(program)
        assert path is not None
        with (self.folder / f"{key}.out").open("ab") as output:
            self._daemons[key] = subprocess.Popen(
                [path, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self.environment,
                start_new_session=True,
            )

    def says(self, *words: str, check: bool = False) -> str:
        """Run a program of Slurm; returns what it prints."""
        done = subprocess.run(
            words, capture_output=True, text=True, env=self.environment, timeout=60, check=False
        )
        assert not check or done.returncode == 0, done.stderr
        return done.stdout

    def kill_node(self, node: str) -> None:
        """End a node as a power failure does: its daemon, and all that runs there."""
        daemon = self._daemons.pop(node)
        daemon.kill()
        daemon.wait()
        for pid in self.processes(f"SLURMD_NODENAME={node}"):
            _kill(pid)
        # The daemon of a step has the environment of slurmd; its name is in the title.
        for pid in self.processes():
            if f"spool-{node}" in _open_files(pid) or f"slurmd-{node}.log" in _open_files(pid):
                _kill(pid)

    def processes(self, *variables: str) -> list[int]:
        """Processes that belong to this cluster by their environment, and have these variables."""
        wanted = {f"SLURM_CONF={self.folder / 'slurm.conf'}", *variables}
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                with contextlib.suppress(OSError):
                    had = (entry / "environ").read_bytes().decode(errors="replace").split("\0")
                    if wanted <= set(had):
                        found.append(int(entry.name))
        return found

    def stop(self) -> None:
        """End everything that was started."""
        with contextlib.suppress(subprocess.SubprocessError, OSError):
            self.says("scancel", "--full", "--state=RUNNING")
        for key in reversed(list(self._daemons)):
            self._daemons[key].terminate()
        for daemon in self._daemons.values():
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        end = time.monotonic() + 20
        while (left := self.processes()) and time.monotonic() < end:
            for pid in left:
                _kill(pid)
            time.sleep(0.1)
        assert left == [], "processes of the cluster are left"

    def logs(self) -> str:
        """The ends of the daemons' logs, for a test that failed."""
        paths = sorted(self.folder.glob("*.log"))
        return "\n".join(
            f"== {path.name}\n{path.read_text(errors='replace')[-1500:]}" for path in paths
        )


def _open_files(pid: int) -> str:
    names = []
    with contextlib.suppress(OSError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                names.append(os.readlink(entry))
    return " ".join(names)


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def variables_of(pid: int) -> Mapping[str, str]:
    """The environment of a process."""
    data = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")
    return dict(line.split("=", 1) for line in data.split("\0") if "=" in line)
