"""Workers of a plan that are forked from one process, and what they did.

Each is the worker of `biobench work`, in a process of its own: what is measured is its claims, its
store and its waits. A process that has the package imported forks in milliseconds, where a new one
takes half a second.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn
from unittest import mock

import numpy as np
import numpy.typing as npt

from biobench._common.claim import Claim
from biobench._common.claims import Claims
from biobench.cli import execute
from biobench.embed.embedded import Embedded
from biobench.models.program_model import ProgramBackbone
from biobench.work import worker
from biobench.work.document import read_plan
from biobench.work.jobs import Jobs
from biobench.work.make import Prepared, prepare_work

CLAIMS: tuple[tuple[type[Any], str], ...] = (
    (Claims, "list"),
    (Claims, "take"),
    (Claim, "finish"),
    (Claim, "release"),
    (Jobs, "left"),
    (Jobs, "ordered"),
)
"""What a worker does to find its next job and to claim it."""


@dataclass(frozen=True)
class Setting:
    """A plan of one model on one task, and the digests of the run that it has to equal.

    Attributes:
        expected: Of a run without workers, on another store.
    """

    root: Path
    prepared: Prepared
    expected: dict[str, str]

    @classmethod
    def make(cls, root: Path, model: str, task: str, part_size: int) -> Setting:
        """Run the model once, and plan the same with parts of ``part_size`` images."""
        chosen = ["--model", model, "--engine", "exact", "--task", task]
        data = ["--data", str(root / "data")]
        place = ["--store", str(root / "first"), "--out", str(root / "run"), "--workers", "1"]
        plan = ["--store", str(root / "store"), "--out", str(root / "plan.json")]
        with quiet(root / "said.txt"):
            assert execute(["run", *chosen, *data, *place, "--no-pictures"]) == 0
            size = ["--part-size", str(part_size)]
            assert execute(["plan", *chosen, *data, *plan, *size]) == 0
        return cls(root, prepared_in(root, root / "store"), digests_in(root / "run"))


def prepared_in(root: Path, store: Path) -> Prepared:
    """The plan of a folder, prepared as `biobench work` does."""
    return prepare_work(
        read_plan(root / "plan.json"), data=None, store=store, out=store.with_suffix(".out"),
        workers=1, offline=True, pictures=False,
    )  # fmt: skip


def digests_in(folder: Path) -> dict[str, str]:
    """The digests of a result."""
    found: dict[str, str] = json.loads((folder / "results.json").read_bytes())["digests"]
    return found


@dataclass
class Events:
    """What workers wrote down.

    Attributes:
        begun: Numbers of the parts whose embedding began, once for each time.
        embedded: Those that were computed to the end, once for each time.
        times: Of these, the value of the monotonic clock then.
        ended: Of each worker that ended by itself: seconds in all, those of processor time, those
            until its last job was done and of these for claims.
    """

    begun: list[int] = field(default_factory=list)
    embedded: list[int] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    ended: list[dict[str, float]] = field(default_factory=list)


@dataclass
class Crew:
    """Workers on the plan of a setting.

    Args:
        store: Folder of their store.
        stale_s: As `--stale`.
        pass_s: Seconds that a forward pass sleeps, as one does that waits for a GPU.
        nice: What the workers add to their niceness, so that this process goes first.
    """

    prepared: Prepared
    store: Path
    stale_s: float
    pass_s: float = 0.0
    nice: int = 0
    running: set[int] = field(default_factory=set)
    failed: list[int] = field(default_factory=list)
    dying: set[int] = field(default_factory=set)

    @property
    def out(self) -> Path:
        """Folder of the results."""
        return self.store.with_suffix(".out")

    def start(self, count: int = 1) -> None:
        """Fork workers, which begin at once when all are there."""
        # What is made before the first fork stays shared.
        assert self.prepared.plan.parts
        gc.freeze()
        gate, opener = os.pipe()
        for _ in range(count):
            pid = os.fork()
            if not pid:
                os.close(opener)
                os.read(gate, 1)
                self._work()
            self.running.add(pid)
        os.close(opener)
        os.close(gate)

    def kill(self, pid: int) -> None:
        """End a worker with SIGKILL; it may take seconds to die where hundreds wait for a core."""
        os.kill(pid, signal.SIGKILL)
        self.running.discard(pid)
        self.dying.add(pid)

    def reap(self) -> None:
        """Take notice of workers that ended."""
        self.dying -= {pid for pid in self.dying if os.waitpid(pid, os.WNOHANG)[0]}
        for pid in list(self.running):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                self.running.discard(pid)
                code = os.waitstatus_to_exitcode(status)
                self.failed += [code] if code else []

    def events(self) -> Events:
        """What the workers wrote down so far."""
        found = Events()
        with suppress(FileNotFoundError):
            for line in self._log.read_text().splitlines():
                kind, *values = json.loads(line)
                if kind == "begin":
                    found.begun.append(values[0])
                elif kind == "end" and values[1]:
                    found.embedded.append(values[0])
                    found.times.append(values[2])
                elif kind == "worker":
                    found.ended.append(values[0])
        return found

    @property
    def _log(self) -> Path:
        return self.store.with_suffix(".log")

    def _work(self) -> NoReturn:
        code = 1
        try:
            os.nice(self.nice)
            said = os.open(self.store.with_suffix(".said"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(said, 1)
            os.dup2(said, 2)
            log = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

            def note(*event: object) -> None:
                # One write to the end of a file is whole, whoever else writes.
                os.write(log, (json.dumps(event) + "\n").encode())

            with _watched(note, self.pass_s):
                worker.work(self.prepared, self.store, self.out, stale_s=self.stale_s)
            code = 0
        except BaseException:  # noqa: BLE001 - as Python itself ends a process
            traceback.print_exc()
        os._exit(code)


@contextmanager
def _watched(note: Callable[..., None], pass_s: float) -> Iterator[None]:
    """Write down what this process does as a worker."""
    embed_rows, run = worker.embed_rows, ProgramBackbone.run
    began, last = time.perf_counter(), time.perf_counter()
    claims, until_last, depth = 0.0, 0.0, 0

    def embed(context: Any, task: int, rows: slice, *rest: Any, **named: Any) -> Embedded:
        note("begin", rows.start)
        found = embed_rows(context, task, rows, *rest, **named)
        note("end", rows.start, found.computed, time.monotonic())
        return found

    def slow(self: ProgramBackbone, images: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        time.sleep(pass_s)
        return run(self, images)

    def timed(original: Callable[..., Any], name: str) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            nonlocal claims, depth, last, until_last
            start, outer, depth = time.perf_counter(), depth == 0, depth + 1
            try:
                found = original(*given, **named)
                return iter(list(found)) if name == "ordered" else found
            finally:
                depth -= 1
                if outer:
                    claims += time.perf_counter() - start
                if name == "finish":
                    last, until_last = time.perf_counter(), claims

        return call

    with mock.patch.object(worker, "embed_rows", embed):
        if pass_s:
            mock.patch.object(ProgramBackbone, "run", slow).start()
        for owner, name in CLAIMS:
            mock.patch.object(owner, name, timed(getattr(owner, name), name)).start()
        yield
    used = resource.getrusage(resource.RUSAGE_SELF)
    note(
        "worker",
        {
            "wall": time.perf_counter() - began,
            "cpu": used.ru_utime + used.ru_stime,
            "working": last - began,
            "claims": until_last,
        },
    )


@contextmanager
def quiet(path: Path) -> Iterator[None]:
    """Have what commands print go to a file, not among the tables."""
    target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    kept = [os.dup(number) for number in (1, 2)]
    try:
        for number in (1, 2):
            os.dup2(target, number)
        yield
    finally:
        for number, copy in zip((1, 2), kept, strict=True):
            os.dup2(copy, number)
            os.close(copy)
        os.close(target)
