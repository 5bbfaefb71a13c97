"""A benchmark that takes a moment, and its command line in processes that faults are made for."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from biobench.report.current import current

sys.path.append(str(Path(__file__).resolve().parent.parent / "pipeline"))

from drawn import draw_folders, write_task

HERE = Path(__file__).resolve().parent
NET = "py:small_net:SmallNet"
OTHER = "py:small_net:OtherNet"
USER = 54_321
"""A user that nobody is, with no rights and no processes."""
LIMIT_S = 120.0
"""Seconds after which a command counts as one that hangs, on a machine that does other work too."""


def times(quick: int, full: int) -> int:
    """The tries to make: ``quick`` in CI, the share ``BIOBENCH_FAULTS_SCALE`` of ``full`` else."""
    scale = float(os.environ.get("BIOBENCH_FAULTS_SCALE") or 0)
    return max(quick, round(full * scale))


def long() -> bool:
    """Return whether more than the sample of CI is asked for."""
    return bool(os.environ.get("BIOBENCH_FAULTS_SCALE"))


def seeded(name: str) -> random.Random:
    """Draws of a test: others for each ``BIOBENCH_FAULTS_SEED``."""
    return random.Random(f"{os.environ.get('BIOBENCH_FAULTS_SEED', '0')}/{name}")


def environment(**more: str) -> dict[str, str]:
    """The environment of a process: nothing of the tests' own."""
    kept = {n: v for n, v in os.environ.items() if not n.startswith("BIOBENCH_")}
    return {**kept, "HF_HUB_OFFLINE": "1", **more}


@dataclass(frozen=True)
class Done:
    """A command that ended: its exit code, negative for a signal, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The last line on standard error."""
        return (self.err.strip().splitlines() or [""])[-1]

    def refused(self, *codes: int) -> str:
        """Check that it ended with one of the codes and one line that says why; that line."""
        assert self.code in codes, f"exit {self.code}: {self.err[-3000:]}"
        assert self.line.startswith("biobench: "), self.err[-3000:]
        assert "Traceback" not in self.err, self.err[-3000:]
        assert "failed unexpectedly" not in self.line, self.line
        return self.line

    def good(self) -> Done:
        """Check that it did its work."""
        assert self.code == 0, f"exit {self.code}: {self.err[-3000:]}"
        assert "Traceback" not in self.err, self.err[-3000:]
        return self


class Process:
    """A command line that runs, in a process group of its own."""

    def __init__(self, pid: int, launcher: Launcher, files: tuple[Path, Path]) -> None:
        self.pid = pid
        self._launcher = launcher
        self._files = files

    def kill(self, number: int = signal.SIGKILL) -> None:
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            # It ended, or has no group of its own yet.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def running(self) -> bool:
        """Return whether it has not ended; one that ended waits to be waited for."""
        with contextlib.suppress(OSError):
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        return False

    def done(self, limit: float = LIMIT_S) -> Done:
        """Wait for its end; a process that does not end fails the test."""
        code = self._launcher.wait(self.pid, limit)
        if code is None:
            self.kill()
            self._launcher.wait(self.pid, 10)
        # One that was killed at once has made none.
        out, err = (
            path.read_text(errors="replace") if path.exists() else "" for path in self._files
        )
        assert code is not None, f"it hangs: {limit:.0f} s and no end; {err[-2000:]}"
        return Done(code, out, err)


class Launcher:
    """Starts command lines, warm or cold. ``preload`` is the library of preload.c."""

    def __init__(self, folder: Path, preload: Path | None = None) -> None:
        self._folder = folder
        self._preload = preload
        self._number = 0
        # Found by every user that a process may become.
        folder.chmod(0o755)
        more = {"LD_PRELOAD": str(preload)} if preload is not None else {}
        self._server = subprocess.Popen(
            [sys.executable, str(HERE / "launcher.py")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(**more),
        )  # fmt: skip

    def close(self) -> None:
        """End it."""
        assert self._server.stdin is not None
        self._server.stdin.close()
        assert self._server.stdout is not None
        self._server.stdout.close()
        self._server.wait(20)

    def _ask(self, request: Mapping[str, Any]) -> Any:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(request) + "\n")
        self._server.stdin.flush()
        return json.loads(self._server.stdout.readline())

    def wait(self, pid: int, seconds: float) -> int | None:
        """The exit code of a process, or None."""
        code: int | None = self._ask({"wait": pid, "seconds": seconds})
        return code

    def start(
        self,
        arguments: Sequence[str],
        folder: Path,
        *,
        user: int | None = None,
        limits: Mapping[str, int] | None = None,
        **variables: str,
    ) -> Process:
        """Start a command line in ``folder``."""
        self._number += 1
        files = tuple(self._folder / f"{self._number}.{name}" for name in ("out", "err"))
        pid = self._ask(
            {
                "arguments": list(arguments), "folder": str(folder), "environment": variables,
                "out": str(files[0]), "err": str(files[1]), "user": user, "limits": limits or {},
                "preload": self._preload is not None,
            }
        )  # fmt: skip
        return Process(pid, self, (files[0], files[1]))


def cold(
    arguments: Sequence[str],
    folder: Path,
    *,
    before: Sequence[str] = (),
    limit: float = LIMIT_S,
    **variables: str,
) -> Done:
    """Run a command line from the first instruction of its process on.

    before: a command that starts it (``prlimit``, ``setpriv``).
    """
    line = [*before, sys.executable, "-m", "biobench", *arguments]
    try:
        done = subprocess.run(
            line, cwd=folder, env=environment(**variables), capture_output=True, text=True,
            errors="replace", check=False, stdin=subprocess.DEVNULL, timeout=limit,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise AssertionError(f"it hangs: {limit:.0f} s and no end; {error.stderr!r}") from error
    return Done(done.returncode, done.stdout, done.stderr)


@dataclass
class Bench:
    """A folder with drawn images, tasks on them and a model, and what its runs give.

    expected: by model what :func:`outcome` says of a sound run.
    """

    root: Path
    expected: dict[str, Any] = field(default_factory=dict)
    tasks: tuple[str, ...] = ("classes",)

    @classmethod
    def draw(cls, root: Path, train: int = 8, test: int = 8, more: int = 0) -> Bench:
        """Three classes, so many images of each in a split; ``more`` tasks on the same images."""
        root.mkdir(parents=True, exist_ok=True)
        draw_folders(root / "data" / "drawn", {"train": train, "test": test})
        task = Path(write_task(root, "classes"))
        task.write_text(task.read_text().replace("linear_probe_short", "nearest_centroid"))
        names = ("classes", *(f"classes-{i}" for i in range(more)))
        for name in names[1:]:
            text = task.read_text().replace("task: classes", f"task: {name}")
            (root / f"{name}.yaml").write_text(text)
        shutil.copy(HERE / "small_net.py", root)
        return cls(root, tasks=names)

    @property
    def images(self) -> list[Path]:
        """Every image, the ones to learn from first."""
        return sorted((self.root / "data/drawn/train").rglob("*.png")) + sorted(
            (self.root / "data/drawn/test").rglob("*.png")
        )

    def arguments(self, out: Path, store: Path, model: str = NET, workers: int = 1) -> list[str]:
        """The command line of a run."""
        tasks = [
            word for name in self.tasks for word in ("--task", str(self.root / f"{name}.yaml"))
        ]
        # Several tasks take their data from the folder of the data set.
        return [
            *("run", "--model", model, *tasks),
            *("--data", str(self.root / "data"), "--device", "cpu", "--workers", str(workers)),
            *("--out", str(out), "--store", str(store)),
        ]

    def copy(self, root: Path) -> Bench:
        """The same in another folder, which a test may change."""
        shutil.copytree(self.root, root)
        return Bench(root, self.expected, self.tasks)

    def check(self, out: Path, model: str = NET) -> None:
        """Check that a folder holds the result of a model, whole and right."""
        found = outcome(out)
        assert found == self.expected[model], f"{found} instead of {self.expected[model]}"

    def holder(self, out: Path) -> str | None:
        """The model whose whole result lies in a folder; None for a folder without one.

        A result that is no model's, or not whole, fails the test.
        """
        if not (current(out) / "results.json").exists():
            return None
        found = outcome(out)
        models = [model for model, right in self.expected.items() if right == found]
        assert models, f"{out} holds a result that is nobody's: {found}"
        return models[0]


def outcome(out: Path) -> dict[str, Any]:
    """Digests, scores and predictions of the result in a folder, and that its page is whole.

    They lie where every reader looks for them.
    """
    out = current(out)
    document = json.loads((out / "results.json").read_bytes())
    found: dict[str, Any] = {"digests": document["digests"], "model": document["model"]["weights"]}
    for id, entry in document["tasks"].items():
        table = (out / entry["predictions"]).read_bytes()
        found[id] = [
            entry["digests"], entry["score"], entry["counts"], hashlib.sha256(table).hexdigest(),
        ]  # fmt: skip
    found["page"] = (out / "report.html").read_text().rstrip().endswith("</html>")
    return found


def leftovers(folder: Path) -> list[str]:
    """Files that a killed process left behind."""
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.name.startswith(".") and path.is_file() and "lock" not in path.name
    )


def reached(gate: Path, process: Process, limit: float = LIMIT_S) -> None:
    """Wait until a run is held in its first forward pass."""
    end = time.monotonic() + limit
    while not (gate / "reached").exists():
        assert process.running(), f"it ended before its first pass: {process.done().err[-2000:]}"
        assert time.monotonic() < end, "it does not come to its first pass"
        time.sleep(0.005)


@contextlib.contextmanager
def mounted(folder: Path, *options: str, kind: str = "tmpfs") -> Iterator[Path]:
    """A file system of its own on ``folder`` while the block runs; a skip where none can be had."""
    folder.mkdir(parents=True, exist_ok=True)
    line = ["mount", "-t", kind, "-o", ",".join(options), kind, str(folder)]
    with contextlib.suppress(OSError):
        if subprocess.run(line, capture_output=True, check=False).returncode == 0:
            try:
                yield folder
            finally:
                subprocess.run(["umount", "-l", str(folder)], check=True)
            return
    pytest.skip("mounting is not allowed here")


def grow(folder: Path, *options: str) -> None:
    """Change the size of a mounted tmpfs."""
    line = ["mount", "-o", ",".join(["remount", *options]), str(folder)]
    subprocess.run(line, check=True, capture_output=True)
