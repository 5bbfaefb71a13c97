"""`biobench work` in real processes: any number of them on one store give the digests of a run."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from checkpoints import transformers_folder
from planned_runs import Cluster, digests_in

from biobench._common.claims import Claims
from biobench._common.store import Store
from biobench.cli import execute
from biobench.work import Status, status
from biobench.work.document import read_plan
from biobench.work.jobs import claims_folder

pytestmark = pytest.mark.slow

PATIENCE_S = 240
Start = Callable[..., "subprocess.Popen[str]"]
SLOWLY = """
import sys, time
from biobench.cli import main
from biobench.work import worker

embed, seconds = worker.embed_rows, float(sys.argv.pop(1))

def slowly(*given, **named):
    time.sleep(seconds)
    return embed(*given, **named)

worker.embed_rows = slowly
main()
"""
"""A worker that has each part for a while, as with a larger model."""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a worker on the plan, store and results of this test, which has each part for
    ``seconds`` at least; those left are killed."""
    running: list[subprocess.Popen[str]] = []

    def started(*more: str, seconds: float = 0.5) -> subprocess.Popen[str]:
        place = ["--store", str(tmp_path / "store"), "--out", str(tmp_path / "out")]
        options = ["--workers", "1", "--no-pictures", "--stale", "2"]
        command = ["work", str(tmp_path / "plan.json"), *place, *options, *more]
        process = subprocess.Popen(
            [sys.executable, "-c", SLOWLY, str(seconds), *command],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        running.append(process)
        return process

    yield started
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


def state(folder: Path) -> Status:
    return status(read_plan(folder / "plan.json"), folder / "store", stale_s=2)


def wait_for(what: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


def ended(process: subprocess.Popen[str], code: int = 0) -> tuple[str, str]:
    """The output of a worker that ends with an exit code."""
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == code, err
    return out, err


def held_by(folder: Path, owner: str) -> Callable[[], bool]:
    """True where a worker has a part."""
    return lambda: any(
        part.state == "claimed" and part.owner == owner for part in state(folder).parts
    )


def read_until(process: subprocess.Popen[str], words: str) -> None:
    """Read what a worker says until it says these words."""
    assert process.stderr is not None
    line = ""
    while words not in line:
        line = process.stderr.readline()
        assert line, "it ended"


def stop_with_part(folder: Path, process: subprocess.Popen[str]) -> int:
    """Stop a worker that has a part and has stored one; returns how many are stored."""
    while True:
        wait_for(lambda: state(folder).count("stored") >= 1 and held_by(folder, "")())
        os.kill(process.pid, signal.SIGSTOP)
        found = state(folder)
        if found.count("claimed") == 1:
            return found.count("stored")
        os.kill(process.pid, signal.SIGCONT)


@pytest.mark.parametrize("count", [2, pytest.param(4, marks=pytest.mark.depth)])
def test_workers_at_once_give_the_digests_of_a_run(
    count: int, cluster: Cluster, tmp_path: Path, start: Start
) -> None:
    """Each part is done once, they share the parts, and all end well."""
    cluster.plan(tmp_path)
    claims = Claims(claims_folder(tmp_path / "store", read_plan(tmp_path / "plan.json")), 3600.0)
    claims.open()
    # All parts are held until every worker looks for one, so that a slow start misses none.
    held = [claims.take(part.part.name) for part in state(tmp_path).parts]
    workers = [start("--name", f"w{i}", "--stale", "3600", seconds=0.1) for i in range(count)]
    for worker in workers:
        read_until(worker, "waits for")
    for claim in held:
        assert claim is not None
        claim.release()
    claims.close()
    said = [ended(worker)[0].splitlines()[-1] for worker in workers]
    done = [re.search(r"done here: ([0-9]+) parts?", line) for line in said]
    assert sum(int(match[1]) for match in done if match) == len(held), said
    cluster.check(tmp_path / "out")
    found = state(tmp_path)
    assert found.count("stored") == len(found.parts)
    assert all(found.probed.values())
    assert all(found.written.values())
    assert {part.owner for part in found.parts} <= {f"w{i}" for i in range(count)}
    assert len({part.owner for part in found.parts}) > 1
    assert Store(tmp_path / "store").damaged() == []
    hidden = [name for path in (tmp_path / "store/claims").iterdir() for name in os.listdir(path)]
    assert all(name.endswith(".done") for name in hidden)


def test_a_killed_worker_is_taken_over(small: Cluster, tmp_path: Path, start: Start) -> None:
    """With kill -9 half-way: its part is another's after the time that `--stale` says."""
    small.plan(tmp_path)
    gone = start("--name", "gone")
    wait_for(lambda: state(tmp_path).count("stored") >= 1 and held_by(tmp_path, "gone")())
    gone.kill()
    gone.communicate()
    ended(start("--name", "heir", seconds=0))
    small.check(tmp_path / "out")
    assert {part.owner for part in state(tmp_path).parts} == {"gone", "heir"}


HOLDS_ALL = """
import sys, time
from pathlib import Path
from biobench._common.claims import Claims

claims = Claims(Path(sys.argv[1]), 2.0, "gone")
claims.open()
held = [claims.take(name) for name in sys.argv[2:]]
print("held", flush=True)
time.sleep(600)
"""


def test_parts_that_a_killed_worker_had_stored_are_not_embedded_again(
    small: Cluster, tmp_path: Path, start: Start
) -> None:
    """Killed between the features and the end of its claim, before it told the others which files
    they are of: who takes the part over finds them, also one who began on an empty store."""
    plan = read_plan(small.plan(tmp_path))
    elsewhere = ["--store", str(tmp_path / "elsewhere"), "--out", str(tmp_path / "elsewhere-out")]
    assert execute(["work", str(tmp_path / "plan.json"), *elsewhere]) == 0
    first, *others = [part.name for part in plan.parts]
    folder = claims_folder(tmp_path / "store", plan)
    gone = subprocess.Popen(
        [sys.executable, "-c", HOLDS_ALL, str(folder), *others], stdout=subprocess.PIPE, text=True
    )
    try:
        assert gone.stdout is not None
        assert gone.stdout.readline() == "held\n"
        heir = start("--name", "heir")
        read_until(heir, "waits for")
        (kind,) = (path.name for path in (tmp_path / "elsewhere").glob("features-*"))
        shutil.copytree(
            tmp_path / "elsewhere" / kind, tmp_path / "store" / kind, dirs_exist_ok=True
        )
    finally:
        gone.kill()
        gone.communicate()
    said = ended(heir)[0].splitlines()[-1]
    images = next(part.rows.images for part in plan.parts if part.name == first)
    assert f"{len(plan.parts)} parts ({images} images embedded)" in said
    small.check(tmp_path / "out")


def test_a_worker_that_hangs_is_taken_over(small: Cluster, tmp_path: Path, start: Start) -> None:
    """A stopped process gives no sign; when it goes on, it ends well and moves nothing."""
    small.plan(tmp_path)
    stuck = start("--name", "stuck")
    wait_for(held_by(tmp_path, "stuck"))
    os.kill(stuck.pid, signal.SIGSTOP)
    ended(start("--name", "heir", seconds=0))
    small.check(tmp_path / "out")
    os.kill(stuck.pid, signal.SIGCONT)
    ended(stuck)
    small.check(tmp_path / "out")
    assert state(tmp_path).count("stored") == len(state(tmp_path).parts)


def test_sigterm_ends_with_the_part(small: Cluster, tmp_path: Path, start: Start) -> None:
    """Exit 143, the part is stored, no claim is left, and the next worker goes on at once."""
    small.plan(tmp_path)
    asked = start()
    # Stopped while the signal is sent: it arrives while the worker has a part.
    before = stop_with_part(tmp_path, asked)
    asked.send_signal(signal.SIGTERM)
    asked.send_signal(signal.SIGCONT)
    _, err = ended(asked, 143)
    assert err.splitlines()[-1] == (
        "biobench: terminated; what was computed is kept, the same command goes on from here"
    )
    assert state(tmp_path).count("claimed") == 0
    # Between two parts it ends at once; that the part is stored is the next test's.
    assert state(tmp_path).count("stored") >= before
    ended(start("--stale", "3600", seconds=0))
    small.check(tmp_path / "out")


FAILS_WHEN_ASKED = """
import os, signal, sys
from biobench._common.claims import Claims
from biobench.cli import main
from biobench.errors import DataError
from biobench.work import worker

embed, fails = worker.embed_rows, sys.argv.pop(1)

def asked(*given, **named):
    found = embed(*given, **named)
    os.kill(os.getpid(), signal.SIGTERM)
    if fails == "part":
        raise DataError("the part fails")
    return found

def full(self, name):
    raise OSError(28, "No space left on device")

worker.embed_rows = asked
if fails == "mark":
    Claims.mark_done = full
main()
"""


@pytest.mark.parametrize("fails", ["nothing", "part", "mark"])
def test_sigterm_within_a_part(fails: str, small: Cluster, tmp_path: Path) -> None:
    """A worker that is asked to end while it embeds ends with that part, whatever becomes of it: it
    begins no other one, and leaves no claim."""
    small.plan(tmp_path)
    place = ["--store", str(tmp_path / "store"), "--out", str(tmp_path / "out")]
    words = [fails, "work", str(tmp_path / "plan.json"), *place, "--workers", "1"]
    done = subprocess.run(
        [sys.executable, "-c", FAILS_WHEN_ASKED, *words],
        capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert done.returncode == 143, done.stderr
    assert "this worker ends with the part that it has" in done.stderr
    assert ("the part fails" in done.stderr) == (fails == "part")
    assert state(tmp_path).count("stored") == (fails == "nothing")
    assert state(tmp_path).count("claimed") == 0


def test_ctrl_c_ends_at_once(small: Cluster, tmp_path: Path, start: Start) -> None:
    """Exit 130, and no claim is left that the others would have to wait for."""
    small.plan(tmp_path)
    asked = start()
    wait_for(held_by(tmp_path, ""))
    asked.send_signal(signal.SIGINT)
    _, err = ended(asked, 130)
    assert "interrupted; what was computed is kept" in err.splitlines()[-1]
    assert state(tmp_path).count("claimed") == 0


def test_a_worker_waits_for_what_another_has(small: Cluster, tmp_path: Path, start: Start) -> None:
    """It ends when nothing is left, not when nothing is free: another may die with its part."""
    small.plan(tmp_path)
    stuck = start("--name", "stuck", "--stale", "3600")
    wait_for(held_by(tmp_path, "stuck"))
    os.kill(stuck.pid, signal.SIGSTOP)
    waiting = start("--name", "waiting", "--stale", "3600", seconds=0)
    read_until(waiting, "waits for")
    assert state(tmp_path).count("stored") == len(state(tmp_path).parts) - 1
    os.kill(stuck.pid, signal.SIGCONT)
    ended(stuck)
    ended(waiting)
    small.check(tmp_path / "out")


def test_work_that_is_done_is_not_done_again(
    small: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A second worker has nothing to do; into another folder it writes the results alone; after the
    features of a store are gone the same digests come again."""
    plan = str(small.plan(tmp_path))
    store = ["--store", str(tmp_path / "store")]

    def work(out: str) -> str:
        assert execute(["work", plan, *store, "--out", str(tmp_path / out)]) == 0
        small.check(tmp_path / out)
        return capsys.readouterr().out.splitlines()[-1]

    assert "6 parts (142 images embedded), 1 task probed, 1 result" in work("out")
    assert "0 parts (0 images embedded), 0 tasks probed, 0 results" in work("out")
    assert "0 parts (0 images embedded), 0 tasks probed, 1 result" in work("other")
    assert execute(["store", "gc", "--size", "0", *store]) == 0
    capsys.readouterr()
    assert "0 tasks probed, 1 result" in work("third")


def test_what_a_run_stored_is_not_embedded_again(
    small: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Parts are found by content: a run with other cuts on the same store has done the work."""
    store = ["--store", str(tmp_path / "store")]
    assert execute(["run", *small.chosen, *store, "--out", str(tmp_path / "run")]) == 0
    capsys.readouterr()
    plan = str(small.plan(tmp_path))
    assert "6 parts: 6 stored, 0 to do, about 0 s" in capsys.readouterr().out
    assert execute(["work", plan, *store, "--out", str(tmp_path / "out")]) == 0
    small.check(tmp_path / "out")
    assert "6 parts (0 images embedded), 1 task probed" in capsys.readouterr().out


def test_until_begins_no_further_part(
    small: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A worker with a time limit ends well before it."""
    plan = str(small.plan(tmp_path))
    place = ["--store", str(tmp_path / "store"), "--out", str(tmp_path / "out")]
    assert execute(["work", plan, *place, "--until", "0"]) == 0
    assert "the time is over" in capsys.readouterr().err
    assert state(tmp_path).count("open") == len(state(tmp_path).parts)


def test_torch_shards_of_parts_are_those_of_a_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """At level E a part is whole shards: the digests of a run, and a run finds all of them."""
    model = f"hf:{transformers_folder(tmp_path / 'vit', 'vit')}"
    chosen = ["--model", model, "--task", "demo-plankton", "--engine", "torch", "--device", "cpu"]
    store, path = ["--store", str(tmp_path / "store")], tmp_path / "plan.json"
    assert execute(["plan", *chosen, *store, "--part-size", "1", "--out", str(path)]) == 0
    assert len(read_plan(path).parts) == 2, "256 train images and the rest"
    assert execute(["work", str(path), *store, "--out", str(tmp_path / "out")]) == 0
    capsys.readouterr()
    alone = ["--store", str(tmp_path / "alone"), "--out", str(tmp_path / "run")]
    assert execute(["run", *chosen, *alone]) == 0
    (found,) = digests_in(tmp_path / "out").values()
    assert found == digests_in(tmp_path)["run"]
    again = ["plan", *chosen, *store, "--part-size", "1", "--out", str(path), "--n-train", "2"]
    assert execute(again) == 0
    assert " 0 to do" in capsys.readouterr().out


def test_an_unreadable_image_costs_its_task_alone(
    small_program: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The other task is scored and written, the exit code is that of the data, and once the file is
    restored the same command ends well."""
    demo = Path(__file__).resolve().parents[2] / "runner/biobench/_demo"
    for task in ("demo-beluga", "demo-plankton"):
        shutil.copytree(demo / task, tmp_path / "data" / task)
    image = next((tmp_path / "data/demo-beluga").rglob("*.jp*g"))
    whole = image.read_bytes()
    image.write_bytes(whole[:100])
    store, path = ["--store", str(tmp_path / "store")], tmp_path / "plan.json"
    data = ["--data", str(tmp_path / "data")]
    tasks = ["--task", "demo-beluga", "--task", "demo-plankton"]
    made = ["plan", "--model", small_program, *tasks, *data, *store, "--part-size", "50"]
    assert execute([*made, "--out", str(path)]) == 0
    work = ["work", str(path), *store, "--out", str(tmp_path / "out")]
    assert execute(work) == 3
    lines = capsys.readouterr().err.splitlines()
    assert image.name in lines[-1]
    assert any("demo-beluga by" in line and "the work goes on" in line for line in lines)
    folder = tmp_path / "out/program-small/predictions"
    assert os.listdir(folder) == ["demo-plankton.parquet"]
    image.write_bytes(whole)
    assert execute(work) == 0
    assert sorted(os.listdir(folder)) == ["demo-beluga.parquet", "demo-plankton.parquet"]
