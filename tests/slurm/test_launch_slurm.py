"""Workers that a real Slurm starts: whatever it does to them, the results are those of one run."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cluster import Cluster, wait_for

from biobench._common.claims import Claims
from biobench.cli import execute
from biobench.errors import counted
from biobench.launch.record import folder_of
from biobench.work.document import WorkPlan, read_plan
from biobench.work.jobs import claims_folder
from biobench.work.overview import PartStatus, status

pytestmark = [pytest.mark.slow, pytest.mark.slurm, pytest.mark.timeout(900)]

TASK, PART = "demo-beluga", 16
IMAGE = "biobench:1.0-slim"


def outcome(folder: Path) -> dict[str, Any]:
    """All of a result that a score rests on."""
    document = json.loads((folder / "results.json").read_text())
    tasks = {
        task: (value["digests"], value["metrics"]) for task, value in document["tasks"].items()
    }
    # The model's name is in the digest of the whole.
    digests = {key: d for key, d in document["digests"].items() if key != "result"}
    return {"tasks": tasks, "digests": digests}


class Launched:
    """A plan of two models, and its launches."""

    def __init__(self, folder: Path, models: list[str], cluster: Cluster) -> None:
        self.cluster = cluster
        self.plan, self.store, self.out = folder / "plan.json", folder / "store", folder / "out"
        words = [word for model in models for word in ("--model", model)]
        words += ["--task", TASK, "--part-size", str(PART), "--store", str(self.store)]
        assert execute(["plan", *words, "--out", str(self.plan)]) == 0
        self.made: WorkPlan = read_plan(self.plan)
        self.job = ""

    def launch(self, *options: str, workers: int = 1) -> None:
        places = ["--store", str(self.store), "--out", str(self.out), "--workers", str(workers)]
        words = ["launch", "slurm", str(self.plan), *places, "--no-pictures", *options]
        assert execute(words) == 0
        records = sorted(folder_of(self.plan).glob("*.json"), key=lambda path: int(path.stem))
        self.job = records[-1].stem

    def log(self, task: int = 0) -> str:
        path = folder_of(self.plan) / f"{self.job}_{task}.log"
        return path.read_text() if path.exists() else ""

    def parts(self) -> tuple[PartStatus, ...]:
        return status(self.made, self.store, 2).parts

    def stored(self) -> int:
        return sum(part.state == "stored" for part in self.parts())

    def hurry(self) -> str:
        """The tasks that wait or run. Slurm lets one that was requeued wait for two minutes, where
        nobody says otherwise."""
        words = ["squeue", "--noheader", "--array", "--format=%i %r", f"--jobs={self.job}"]
        lines = self.cluster.says(*words)
        for line in lines.splitlines():
            task, _, reason = line.strip().partition(" ")
            if reason == "BeginTime":
                self.cluster.says("scontrol", "update", f"JobId={task}", "StartTime=now")
        return lines

    def wait_for_end(self) -> None:
        wait_for(f"job {self.job} leaves the queue", lambda: not self.hurry().strip())

    def finish(self) -> None:
        """Wait until both results are written and nothing runs."""
        self.wait_for_end()
        folders = [self.out / model.folder for model in self.made.models]
        written = [folder for folder in folders if (folder / "results.json").is_file()]
        assert written == folders, "".join(self.log(task) for task in range(2))

    @contextlib.contextmanager
    def held_parts(self, *, all_of_them: bool = False) -> Iterator[None]:
        """Parts that another worker has, the last one or all, so that those of Slurm cannot come to
        an end."""
        # Touched often, for workers with a short `--stale`.
        claims = Claims(claims_folder(self.store, self.made), 1.0, "the test")
        claims.open()
        parts = self.made.parts if all_of_them else self.made.parts[-1:]
        held = [claims.take(part.name) for part in parts]
        assert None not in held
        try:
            yield
        finally:
            for claim in held:
                if claim is not None:
                    claim.release()
            claims.close()


@pytest.fixture(scope="session")
def models(demo_program: str, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Two models: the demo program, and a copy of it under another name."""
    other = tmp_path_factory.mktemp("models") / "other"
    shutil.copytree(demo_program.removeprefix("program:"), other)
    return [demo_program, f"program:{other}"]


@pytest.fixture(scope="session")
def alone(models: list[str], made_once: Callable[..., Path]) -> dict[str, Any]:
    """The result of a run on one machine."""

    def make(folder: Path) -> None:
        words = ["run", "--model", models[0], "--task", TASK, "--no-pictures"]
        words += ["--store", str(folder / "store"), "--out", str(folder / "out")]
        assert execute(words) == 0

    return outcome(made_once("slurm-alone", make) / "out")


@pytest.fixture
def launched(
    cluster: Cluster, models: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Launched]:
    for name in [name for name in os.environ if name.startswith("SLURM")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SLURM_CONF", cluster.environment["SLURM_CONF"])
    made = Launched(tmp_path, models, cluster)
    try:
        yield made
    except BaseException:
        print(cluster.logs())
        raise
    finally:
        user = pwd.getpwuid(os.geteuid()).pw_name
        cluster.says("scancel", "--user", user, *([made.job] if made.job else []))
        wait_for("the nodes are idle again", cluster.idle)


def assert_equal(launched: Launched, alone: dict[str, Any]) -> None:
    for model in launched.made.models:
        assert outcome(launched.out / model.folder) == alone


def test_an_array_of_workers(
    launched: Launched, alone: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """Two workers share two models; their results are those of one run, and the state and the logs
    can be seen. A second launch finds nothing left."""
    launched.launch("--cpus", "1", workers=2)
    assert f"job {launched.job}: 2 workers" in capsys.readouterr().out
    launched.finish()
    assert_equal(launched, alone)
    mode = ["launch", "slurm", str(launched.plan)]
    assert execute([*mode, "--status"]) == 0
    out = capsys.readouterr().out
    parts = len(launched.made.parts)
    assert f"parts: {parts} stored, 0 claimed, 0 stale, 0 open; 2 of 2 results written" in out
    assert f"job {launched.job}, 2 workers: 2 COMPLETED" in out
    assert execute([*mode, "--status", "--json"]) == 0
    state = json.loads(capsys.readouterr().out)
    assert {part["worker"] for part in state["parts"]} <= {f"{launched.job}_{i}" for i in (0, 1)}
    assert execute([*mode, "--log", state["parts"][0]["name"][:12]]) == 0
    worker = state["parts"][0]["worker"]
    assert f"biobench worker {worker} on" in capsys.readouterr().out
    assert execute([*mode, "--log", "1"]) == 0
    assert f"biobench worker {launched.job}_1 on" in capsys.readouterr().out
    assert execute([*mode, "--cancel"]) == 0
    assert "no job of the plan waits or runs" in capsys.readouterr().out
    before = {path: path.stat().st_mtime_ns for path in launched.out.rglob("results.json")}
    launched.launch()
    launched.wait_for_end()
    assert "done here: 0 parts (0 images embedded), 0 tasks probed, 0 results" in launched.log()
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_a_node_that_dies(launched: Launched, alone: dict[str, Any]) -> None:
    """`kill -9` of a node's daemon and of all that ran there: the worker of the other node takes
    over what it had, and the node's own comes back by itself."""
    cluster = launched.cluster

    def claimed_there() -> bool:
        there = set(cluster.processes("SLURMD_NODENAME=n1"))
        return any(part.state == "claimed" and part.pid in there for part in launched.parts())

    # No part is free until both wait for one, so that neither does all of them.
    with launched.held_parts(all_of_them=True):
        launched.launch("--cpus", "2", "--stale", "2", workers=2)
        wait_for(
            "both workers wait",
            lambda: all("waits for" in launched.log(task) for task in range(2)),
        )
    wait_for("a worker of n1 has a part", claimed_there, step=0.02)
    cluster.kill_node("n1")
    assert cluster.processes("SLURMD_NODENAME=n1") == []
    results = [launched.out / model.folder / "results.json" for model in launched.made.models]
    wait_for("the other worker ends the plan", lambda: all(path.is_file() for path in results))
    cluster.start_node("n1")
    launched.finish()
    assert_equal(launched, alone)


def test_a_job_that_is_cancelled(
    launched: Launched, alone: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """A cancelled worker ends with what it has stored, and the next launch goes on from there."""
    with launched.held_parts():
        launched.launch()
        wait_for("all but the held part are stored", lambda: launched.stored() == PARTS_BUT_ONE)
        assert execute(["launch", "slurm", str(launched.plan), "--cancel"]) == 0
        assert f"cancelled: {launched.job}; what was computed is kept" in capsys.readouterr().out
        launched.wait_for_end()
        assert "biobench: terminated; what was computed is kept" in launched.log()
    launched.launch()
    launched.finish()
    assert "done here: 1 part (" in launched.log()
    assert_equal(launched, alone)


def test_a_time_limit(launched: Launched, alone: dict[str, Any]) -> None:
    """The signal before the limit reaches the worker, which ends by itself; the next goes on."""
    with launched.held_parts():
        # Slurm may signal a minute earlier than it was asked to, at which the worker must run.
        launched.launch("--time", "2", "--signal-before", "20")
        launched.wait_for_end()
        log = launched.log()
        assert "biobench: terminated; what was computed is kept" in log
        assert "DUE TO TIME LIMIT" not in log
        left = len(launched.made.parts) - launched.stored()
    launched.launch()
    launched.finish()
    assert f"done here: {counted(left, 'part')} (" in launched.log()
    assert_equal(launched, alone)


def test_a_job_that_is_requeued(launched: Launched, alone: dict[str, Any]) -> None:
    """A requeued worker goes on, and its log keeps what the first start said."""
    with launched.held_parts():
        launched.launch()
        wait_for("all but the held part are stored", lambda: launched.stored() == PARTS_BUT_ONE)
        launched.cluster.says("scontrol", "requeue", launched.job, check=True)
        wait_for("it starts again", lambda: bool(launched.hurry()) and "start 2" in launched.log())
    launched.finish()
    assert "start 1" in launched.log()
    assert_equal(launched, alone)


def test_a_worker_that_hangs(launched: Launched, alone: dict[str, Any]) -> None:
    """A part whose worker gives no sign is taken over; when it wakes up it spoils nothing."""
    launched.launch("--cpus", "1", "--stale", "2", workers=2)
    stopped: list[int] = []

    def stop_one() -> bool:
        for part in launched.parts():
            if part.state != "claimed":
                continue
            os.kill(part.pid, signal.SIGSTOP)
            again = next(p for p in launched.parts() if p.part == part.part)
            if (again.state, again.pid) != ("stored", part.pid):
                stopped.append(part.pid)
                return True
            # It had just finished.
            os.kill(part.pid, signal.SIGCONT)
        return False

    wait_for("a worker has a part", stop_one, step=0.02)
    results = [launched.out / model.folder / "results.json" for model in launched.made.models]
    wait_for("the other worker ends the plan", lambda: all(path.is_file() for path in results))
    assert_equal(launched, alone)
    os.kill(stopped[0], signal.SIGCONT)
    launched.finish()
    assert_equal(launched, alone)


def image_with_biobench() -> str:
    """The slim image; skips where it was not built, or no engine runs it."""
    words = ["docker", "image", "inspect", IMAGE]
    docker = shutil.which("docker")
    if docker is None or subprocess.run(words, capture_output=True, check=False).returncode != 0:
        pytest.skip(f"no image {IMAGE} here; `make image-slim` builds it")
    return IMAGE


def test_workers_in_containers(launched: Launched, alone: dict[str, Any]) -> None:
    """Protects: a worker in an image finds plan, store and models, is asked to end as one outside
    is, and leaves files of the user's own; its features are those of a run outside."""
    inside = ["--container", image_with_biobench(), "--container-runtime", "docker"]
    with launched.held_parts():
        launched.launch(*inside, "--cpus", "1")
        wait_for("all but the held part are stored", lambda: launched.stored() == PARTS_BUT_ONE)
        assert execute(["launch", "slurm", str(launched.plan), "--cancel"]) == 0
        launched.wait_for_end()
        wait_for(
            "the worker ended by itself", lambda: "what was computed is kept" in launched.log()
        )
    launched.launch(*inside, "--cpus", "1", workers=2)
    launched.finish()
    assert_equal(launched, alone)
    assert {path.stat().st_uid for path in launched.out.rglob("*")} == {os.getuid()}


def test_what_slurm_refuses(launched: Launched, capsys: pytest.CaptureFixture[str]) -> None:
    """sbatch's own reason is in one line, and nothing is recorded."""
    places = ["--store", str(launched.store), "--out", str(launched.out), "--workers", "1"]
    words = ["launch", "slurm", str(launched.plan), *places]
    capsys.readouterr()
    assert execute([*words, "--partition", "none-such"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "sbatch does not take the script: invalid partition specified: none-such" in line
    assert execute([*words, "--sbatch-option=--no-such-option"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "no-such-option" in line
    assert not folder_of(launched.plan).exists()


PARTS_BUT_ONE = 2 * -(-142 // PART) - 1
