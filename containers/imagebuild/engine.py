"""The machine's Docker engine and other programs, and the one error of a build."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO


class BuildError(Exception):
    """A build cannot go on; the message is the one line that says why and what to do."""


STARTED = time.monotonic()


def say(message: str) -> None:
    """A line of progress, with the seconds since the start."""
    print(f"image: {time.monotonic() - STARTED:4.0f} s  {message}", flush=True)


def output(command: Sequence[str], otherwise: str) -> str:
    """Standard output of a command. Raises BuildError with ``otherwise`` where it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise BuildError(f"{otherwise} ({error.strerror})") from error
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        raise BuildError(otherwise + (f" ({lines[-1]})" if lines else ""))
    return done.stdout


def logged(
    command: Sequence[str], log: Path, otherwise: str, environment: Mapping[str, str] | None = None
) -> None:
    """Run a command with its output in a file.

    Raises BuildError with ``otherwise`` and the output's last line where it fails.
    """
    with open(log, "wb") as stream:
        done = subprocess.run(
            command, stdout=stream, stderr=subprocess.STDOUT, env=environment, check=False
        )
    if done.returncode != 0:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise BuildError(otherwise + (f" ({lines[-1]})" if lines else "") + f", see {log}")


def has_image(name: str) -> bool:
    """Whether the engine has an image of this name or id."""
    command = ["docker", "image", "inspect", name]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def inspect(name: str, template: str) -> str:
    """One fact of an image, by a template of ``docker image inspect``."""
    command = ["docker", "image", "inspect", "--format", template, name]
    return output(command, f"the engine has no image {name}").strip()


def load(write: Callable[[IO[bytes]], object]) -> None:
    """Give the engine the image whose archive ``write`` writes to a stream."""
    with subprocess.Popen(
        ["docker", "load", "--quiet"],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    ) as engine:  # fmt: skip
        assert engine.stdin is not None
        assert engine.stderr is not None
        with contextlib.suppress(BrokenPipeError), engine.stdin as stream:
            write(stream)
        said = engine.stderr.read().decode(errors="replace").strip()
    if engine.returncode != 0:
        raise BuildError(f"the engine did not take the image ({said})")


def remove_left_over(keep: Sequence[str], base: str) -> None:
    """Remove images that earlier builds left: unnamed ones of ours, and bases but ``keep``."""
    title = "label=org.opencontainers.image.title=biobench"
    subprocess.run(
        ["docker", "image", "prune", "--force", "--filter", title], capture_output=True, check=False
    )
    names = output(
        ["docker", "images", "--format", "{{.Repository}}:{{.Tag}}", base], "docker images failed"
    )
    old = [name for name in names.split() if name not in keep]
    if old:
        subprocess.run(["docker", "rmi", *old], capture_output=True, check=False)
