"""buildah's storage of images, in a folder of the build's own.

buildah gives every file of a layer and the image itself one date, so that two builds of the same
inputs are the same bytes.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from imagebuild.programs import BuildError, output


@dataclass(frozen=True)
class Storage:
    """Images of one architecture below ``folder``.

    Attributes:
        date: Of every file and image, in seconds since 1970.
        architecture: As the engine calls it; the kernel must run its programs.
    """

    folder: Path
    date: int
    architecture: str = "amd64"

    def command(self, *arguments: str) -> list[str]:
        """Return a call of buildah on this storage."""
        places = (f"--root={self.folder}/images", f"--runroot={self.folder}/running")
        return ["buildah", *places, *arguments]

    def run(self, *arguments: str, otherwise: str) -> str:
        """Run buildah and return its standard output; BuildError with ``otherwise``."""
        return output(self.command(*arguments), otherwise)

    @property
    def _arch(self) -> str:
        return f"--arch={self.architecture}"

    def has(self, image: str) -> bool:
        """Return whether there is an image of this name."""
        command = self.command("inspect", "--type=image", image)
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def layers(self, image: str) -> list[str]:
        """Return the digests of an image's layers, the lowest first."""
        failed = f"there is no image {image}"
        found = json.loads(self.run("inspect", "--type=image", image, otherwise=failed))
        digests: list[str] = found["OCIv1"]["rootfs"]["diff_ids"]
        return digests

    def imported(self, archive: Path, name: str) -> str:
        """Return the name of an image whose one layer is the files of ``archive``."""
        image = f"localhost/{name}"
        if not self.has(image):
            failed = f"{archive} could not be imported"
            container = self.run("from", self._arch, "scratch", otherwise=failed).strip()
            self.run("add", "--quiet", container, str(archive), "/", otherwise=failed)
            self.run(
                "commit", "--quiet", "--rm", f"--timestamp={self.date}", container, image,
                otherwise=failed,
            )  # fmt: skip
        return image

    def inside(self, image: str, *command: str) -> str:
        """Return what a command prints in a container of ``image``, which has no network."""
        container = self.run("from", image, otherwise=f"no container of {image}").strip()
        try:
            return self.run(
                "run", "--network=none", container, "--", *command,
                otherwise=f"{command[0]} does not run in {image}",
            )  # fmt: skip
        finally:
            subprocess.run(self.command("rm", container), capture_output=True, check=False)

    def build(
        self,
        dockerfile: Path,
        context: Path,
        image: str,
        arguments: Mapping[str, str],
        *options: str,
    ) -> None:
        """Build an image, its steps without a network; what they print is shown.

        Steps that have not changed are taken from earlier builds. buildah does not look into
        mounted folders for that: a step must name a digest of what it reads there.
        """
        given = [f"--build-arg={name}={value}" for name, value in arguments.items()]
        command = self.command(
            "build", "--quiet", "--layers", "--network=none", f"--timestamp={self.date}",
            self._arch, *given, *options,
            f"--tag={image}", f"--file={dockerfile}", str(context),
        )  # fmt: skip
        try:
            if subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode != 0:
                raise BuildError(f"{image} could not be built, see above")
        except BaseException:
            # buildah leaves the container of a step that fails, mounted, so that not even the
            # folder of the storage could be removed.
            subprocess.run(self.command("rm", "--all"), capture_output=True, check=False)
            raise
