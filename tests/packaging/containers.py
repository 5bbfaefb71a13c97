"""Containers as users run them: locked down, with folders mounted, and what they leave."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

IMAGE = "biobench:1.0"
LOCKED_DOWN = (
    "--network=none",
    "--read-only",
    "--tmpfs=/tmp",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
)


def built_image(name: str, target: str) -> str:
    """The image's name; what needs it is skipped where there is no engine or no image."""
    if shutil.which("docker") is None:
        pytest.skip("no docker command")
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no Docker engine answers")
    inspect = ["docker", "image", "inspect", name]
    if subprocess.run(inspect, capture_output=True, check=False).returncode != 0:
        pytest.skip(f"no image {name}; `make {target}` builds it")
    return name


@dataclass(frozen=True)
class Done:
    """Exit code and output of one run."""

    code: int
    output: str
    errors: str

    def table(self) -> list[str]:
        """The lines that a run prints about the scores: all but where the files lie."""
        places = ("result:", "page:")
        return [line for line in self.output.splitlines() if not line.startswith(places)]


def call(*command: str, environment: dict[str, str] | None = None) -> Done:
    """Run a command to its end."""
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    return Done(done.returncode, done.stdout, done.stderr)


def container(image: str, *arguments: str, options: tuple[str, ...] = ()) -> Done:
    """One locked-down container; ``options`` are Docker's, ``arguments`` the command's."""
    return call("docker", "run", "--rm", *LOCKED_DOWN, *options, image, *arguments)


def open_folder(path: Path) -> Path:
    """A folder that any user may write to, as a container's user is no user of this machine."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o1777)
    let_through(path)
    return path


def let_through(path: Path) -> None:
    """Open the folders above ``path``, which pytest closes to other users, for passing through."""
    for parent in path.parents:
        facts = parent.stat()
        if facts.st_uid == os.getuid() and not facts.st_mode & 0o001:
            parent.chmod(facts.st_mode | 0o011)


def readable(folder: Path) -> Path:
    """Let every user read what is in ``folder``, links not followed."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
    let_through(folder)
    return folder


def inodes(folder: Path) -> dict[str, int]:
    """Every file with its inode, which changes when the file is written anew."""
    return {str(path): path.stat().st_ino for path in folder.rglob("*") if path.is_file()}
