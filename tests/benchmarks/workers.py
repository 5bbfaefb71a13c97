"""A loader in a process of its own, and the memory that it takes there.

The programs lie in `peers`, whose `protocol.py` says what is asked and answered.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from peers.protocol import content

PEERS = Path(__file__).parent / "peers"
MIB = 2**20


class Stopped(Exception):
    """The program ended before it answered; the last line that it wrote."""


class Worker:
    """One program of `peers`, started with a Python; a context manager."""

    def __init__(self, python: Path, program: str, *arguments: str) -> None:
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115, close() ends it
        self._process = subprocess.Popen(
            [python, PEERS / program, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        try:
            self.versions: dict[str, str] = self._answer()["versions"]
        except Stopped:
            self.close()
            raise

    def load(
        self, files: Sequence[Path], workers: int, pixels: Path | None = None
    ) -> tuple[float, float]:
        """CPU and wall seconds of loading the files; their pixels go to ``pixels``."""
        question = {
            "files": [str(file) for file in files],
            "workers": workers,
            "pixels": pixels and str(pixels),
        }
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise Stopped(self._last_words()) from None
        answer = self._answer()
        return answer["cpu"], answer["wall"]

    def peak(self, files: Sequence[Path], workers: int, pixels: Path | None = None) -> float:
        """MiB that the process and its children hold at most while they load the files.

        Beyond what the process held before; libraries that are read from files do not count.
        """
        done = threading.Event()
        seen = [held(self._process.pid)]

        def watch() -> None:
            while not done.wait(0.005):
                seen.append(held(self._process.pid))

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            self.load(files, workers, pixels)
        finally:
            done.set()
            watcher.join()
        return max(seen) - seen[0]

    def close(self) -> None:
        """End the program."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._errors.close()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise Stopped(self._last_words())
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _last_words(self) -> str:
        self._process.wait()
        self._errors.seek(0)
        return next(iter(self._errors.read().splitlines()[-1:]), "it said nothing")


def held(process: int) -> float:
    """MiB that a process and its children hold, what several share divided among them.

    Pages of files do not count: their share would depend on who else uses the same libraries.
    """
    total = 0.0
    for path in Path(f"/proc/{process}/task").glob("*/children"):
        total += sum(held(int(child)) for child in content(path).split())
    for line in content(Path(f"/proc/{process}/smaps_rollup")).splitlines():
        if line.startswith(("Pss_Anon:", "Pss_Shmem:")):
            total += int(line.split()[1]) * 1024 / MIB
    return total
