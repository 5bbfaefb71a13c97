"""Programs that a build calls, and the one error of a build."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path


class BuildError(Exception):
    """A build cannot go on; the message is the one line that says why and what to do."""


STARTED = time.monotonic()


def say(message: str) -> None:
    """Print a line of progress with the seconds since the start."""
    print(f"image: {time.monotonic() - STARTED:4.0f} s  {message}", flush=True)


def output(
    command: Sequence[str], otherwise: str, environment: Mapping[str, str] | None = None
) -> str:
    """Return the standard output of a command.

    Raises:
        BuildError: It fails; the message is ``otherwise`` and the last line of its errors.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    except OSError as error:
        raise BuildError(f"{otherwise} ({error.strerror})") from error
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        raise BuildError(otherwise + (f" ({lines[-1]})" if lines else ""))
    return done.stdout


def logged(
    command: Sequence[str], log: Path, otherwise: str, environment: Mapping[str, str] | None = None
) -> None:
    """Run a command with its output in the file ``log``.

    Raises:
        BuildError: It fails; the message is ``otherwise`` and the last line of its output.
    """
    with open(log, "wb") as stream:
        done = subprocess.run(
            command, stdout=stream, stderr=subprocess.STDOUT, env=environment, check=False
        )
    if done.returncode != 0:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise BuildError(otherwise + (f" ({lines[-1]})" if lines else "") + f", see {log}")
