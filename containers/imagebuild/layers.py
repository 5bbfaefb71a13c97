"""The layers of an image on top of its base, each made in a container without a network.

In: a base, wheels and lists of wheels. Out: archives, kept under a digest of all that they are made
from, so that a layer is made again only when one of its inputs changed.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from imagebuild.archive import Layer, read_layer
from imagebuild.base import CONTAINERS, Base
from imagebuild.engine import BuildError, say

INSIDE = CONTAINERS / "inside"
ENVIRONMENT = "/opt/biobench"
"""Where everything of Python lies in the image; `install-wheels` has it too."""


class Maker:
    """Makes layers over one base. ``date``: of every file, in seconds since 1970."""

    def __init__(self, base: Base, work: Path, date: int) -> None:
        self.base = base
        self.work = work
        self.date = date
        self.folder = work / "layers"
        self.folder.mkdir(exist_ok=True)

    def make(
        self,
        name: str,
        lines: str,
        *,
        parents: Sequence[Layer] = (),
        more_wheels: Path | None = None,
        finish: str = "true",
    ) -> Layer:
        """The layer of the wheels that ``lines`` pin, on top of ``parents``.

        more_wheels: a second folder of wheels. finish: a command that runs after, with the folders
        of this module mounted; what it changes in /etc or puts at the root is part of the layer.
        """
        inputs = hashlib.sha256(repr((name, lines, finish, self.date)).encode())
        inputs.update(self.base.digest.encode())
        for parent in parents:
            inputs.update(parent.digest.encode())
        for path in (*sorted(INSIDE.iterdir()), CONTAINERS / "installer.txt"):
            if path.is_file():
                inputs.update(path.read_bytes())
        path = self.folder / f"{name}-{inputs.hexdigest()[:12]}.tar"
        if not path.exists():
            for old in self.folder.glob(f"{name}-{'?' * 12}.tar*"):
                old.unlink()
            listed = self.folder / f"{name}.txt"
            listed.write_text(lines, encoding="utf-8")
            say(f"installing {name}, without a network")
            self._run(path, listed, parents, more_wheels, finish)
        return read_layer(path, f"{name}: wheels by hash")

    def _run(
        self,
        path: Path,
        listed: Path,
        parents: Sequence[Layer],
        more_wheels: Path | None,
        finish: str,
    ) -> None:
        container = f"biobench-build-{os.getpid()}"
        mounts = {str(self.work / "wheels"): "/wheels:ro", str(INSIDE): "/inside:ro"}
        if more_wheels is not None:
            mounts[str(more_wheels)] = "/more-wheels:ro"
        # The volume without a name is the engine's own file system: faster than the container's
        # layers, and gone with the container.
        command = [
            "docker", "run", "--rm", "--name", container, "--network=none", "--user=0:0",
            "--env", f"SOURCE_DATE_EPOCH={self.date}", "--volume", ENVIRONMENT,
            *(f"--volume={place}:{target}" for place, target in mounts.items()),
            f"--volume={self.folder}:/layers", "--entrypoint=python3", self.base.image,
            "/inside/layer.py",
            *(f"--parent=/layers/{parent.path.name}" for parent in parents),
            *(f"--under={place}" for place in (ENVIRONMENT, "/etc", "/data", "/models", "/out")),
            f"/layers/{path.name}", "--",
            "/bin/sh", "-euc", f'/inside/install-wheels "/layers/{listed.name}"\n{finish}',
        ]  # fmt: skip
        try:
            done = subprocess.run(command, check=False)
        finally:
            # Also after an interruption, which ends the client and not the container.
            remove = ["docker", "rm", "--force", "--volumes", container]
            subprocess.run(remove, capture_output=True, check=False)
        if done.returncode != 0:
            raise BuildError(f"the layer {path.stem} could not be made, see above")
