"""``containers/build``: the images biobench:<major.minor> and biobench:<major.minor>-slim.

base -> packages -> models (not in slim) -> biobench -> archive -> the engine
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from imagebuild import base as bases
from imagebuild import engine, wheels
from imagebuild.archive import Image, Layer, assemble, write_archive
from imagebuild.dockerfile import image_config, over
from imagebuild.engine import BuildError, say
from imagebuild.layers import Maker
from imagebuild.requirements import but, local_label, select
from imagebuild.torch_wheels import instead

CONTAINERS = bases.CONTAINERS
ROOT = CONTAINERS.parent
DATE = 1793491200
"""2026-11-01: the one date that files and image have."""


@dataclass(frozen=True)
class Locks:
    """Selected lines of the locks: what every image has, what the full one has besides."""

    installer: str
    packages: str
    models: str | None
    variant: str
    """What the image's tag has after the version."""


def selected(name: str) -> str:
    """The lines of a lock that the image's Python needs."""
    return select((ROOT / "requirements" / name).read_text(encoding="utf-8"))


def read_locks(*, slim: bool, torch_wheels: Path | None) -> Locks:
    """The lines of every lock. Raises ValueError where one is not usable."""
    installer = select((CONTAINERS / "installer.txt").read_text(encoding="utf-8"))
    packages = selected("slim.txt")
    if slim:
        return Locks(installer, packages, None, "-slim")
    everything, variant = selected("runtime.txt"), ""
    if torch_wheels is not None:
        everything = instead(everything, torch_wheels)
        variant = f"-{local_label(everything, 'torch') or 'own-torch'}"
    return Locks(installer, packages, but(everything, packages), variant)


def check_machine(mode: str) -> None:
    """Raise BuildError where this machine cannot build."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise BuildError("the image is for x86-64 Linux and is built there")
    if shutil.which("docker") is None:
        raise BuildError("docker is missing; install a Docker engine (Debian: docker.io)")
    engine.output(
        ["docker", "info"], "no Docker engine answers; start it, or join the group docker"
    )
    needed = {"mmdebstrap": "mmdebstrap"} if mode == "offline" else {}
    if needed and os.geteuid() != 0:
        needed["newuidmap"] = "uidmap"  # mmdebstrap needs it where it does not run as root
    for program, package in needed.items():
        if shutil.which(program) is None:
            install = [str(ROOT / "tools/install-packages"), "image", package]
            done = subprocess.run(install, check=False)
            if done.returncode != 0:
                raise BuildError(f"{package} is missing")


def build(given: argparse.Namespace, work: Path) -> None:
    """Build an image and load it into the engine. Raises BuildError or ValueError."""
    locks = read_locks(slim=given.slim, torch_wheels=given.torch_wheels)
    if given.mode == "outside":
        bases.reference()
    check_machine(given.mode)
    with ThreadPoolExecutor(1) as beside:
        # The compiler works while packages are fetched and unpacked.
        own = beside.submit(lambda: given.wheel or wheels.build_own(work))
        base = (
            bases.outside(work)
            if given.mode == "outside"
            else bases.offline(work, locked=given.locked)
        )
        lines = "".join((locks.installer, locks.packages, locks.models or "")).splitlines()
        wheels.fetch(
            lines,
            work / "wheels",
            others=given.torch_wheels,
            keep=selected("runtime.txt").splitlines(),
        )
        layers = package_layers(base, locks, work, given.torch_wheels)
        wheel = own.result()
    layers.append(own_layer(base, layers[0], wheel, work))
    image = put_together(base, layers, wheel, locks.variant, work)
    archive = write(image, given.save)
    give_to_engine(image)
    engine.remove_left_over([base.image], bases.IMPORTED)
    facts = {"id": f"sha256:{image.id}", "digest": f"sha256:{image.digest}", "archive": archive}
    (work / f"image{locks.variant}.json").write_text(json.dumps(facts, indent=2) + "\n")
    size = sum(layer.size for layer in image.layers) / 1e9
    say(f"built {' and '.join(image.names)}, {size:.1f} GB")
    for name, value in facts.items():
        say(f"{name:8}{value}")


def package_layers(
    base: bases.Base, locks: Locks, work: Path, torch_wheels: Path | None
) -> list[Layer]:
    """The layers of the locked packages."""
    maker = Maker(base, work, DATE)
    packages = maker.make("packages", locks.packages)
    if locks.models is None:
        return [packages]
    name = f"models{locks.variant}"
    models = maker.make(name, locks.models, parents=[packages], more_wheels=torch_wheels)
    return [packages, models]


def own_layer(base: bases.Base, packages: Layer, wheel: Path, work: Path) -> Layer:
    """The layer of biobench itself, its user and the folders that can be mounted.

    It is the same in every image: made over the packages that all of them have.
    """
    version, digest = wheels.check_own(wheel), wheels.file_digest(wheel)
    line = f"biobench=={version} --hash=sha256:{digest}\n"
    return Maker(base, work, DATE).make(
        "biobench", line, parents=[packages], more_wheels=wheel.parent, finish="/inside/add-user"
    )


def put_together(
    base: bases.Base, layers: Sequence[Layer], wheel: Path, variant: str, work: Path
) -> Image:
    """Layers, configuration and names as one image."""
    version = wheels.check_own(wheel)
    name = f"biobench:{'.'.join(version.split('.')[:2])}{variant}"
    arguments = {
        "NAME": name,
        "VERSION": version,
        "SPEC_DIGEST": wheels.spec_digest(wheel, work),
        "WHEEL_DIGEST": f"sha256:{wheels.file_digest(wheel)}",
        "BASE_NAME": base.name,
        "BASE_DIGEST": base.digest,
        "LAYERS_DIGEST": layers_digest([*base.layers, *layers]),
    }
    text = (CONTAINERS / "Dockerfile").read_text(encoding="utf-8")
    config = over(base.config, image_config(text, arguments))
    names = (name, f"biobench:{version}{variant}")
    return assemble([*base.layers, *layers], config, names, DATE)


def layers_digest(layers: Sequence[Layer]) -> str:
    """Digest of the list of an image's layers, ``["sha256:...", ...]``: one for equal files."""
    listed = json.dumps([f"sha256:{layer.digest}" for layer in layers], separators=(",", ":"))
    return f"sha256:{hashlib.sha256(listed.encode()).hexdigest()}"


def write(image: Image, path: Path | None) -> str:
    """The digest of the image's archive, which is kept where a path is given."""
    with ExitStack() as stack:
        part = path.with_name(path.name + ".part") if path is not None else Path(os.devnull)
        digest = write_archive(image, stack.enter_context(open(part, "wb")), DATE)
    if path is not None:
        part.rename(path)
    return f"sha256:{digest}"


def give_to_engine(image: Image) -> None:
    """Load the image where the engine does not have it, name it, and see whether it starts."""
    ids = {f"sha256:{image.id}", f"sha256:{image.digest}"}
    there = next((id for id in sorted(ids) if engine.has_image(id)), None)
    if there is None:
        say("loading the image into the engine")
        engine.load(lambda stream: write_archive(image, stream, DATE))
    else:
        for name in image.names:
            engine.output(["docker", "tag", there, name], f"{name} could not be named")
    for name in image.names:
        if engine.inspect(name, "{{.Id}}") not in ids:
            raise BuildError(f"the engine's {name} is not the image that was built")
    start = ["docker", "run", "--rm", "--network=none", "--read-only", image.names[0], "--version"]
    engine.output(start, f"{image.names[0]} does not start")


def read_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="containers/build", description="Build biobench's image and load it into Docker."
    )
    parser.add_argument("--slim", action="store_true", help="all but torch and model libraries")
    parser.add_argument(
        "--mode", choices=("offline", "outside"), default="offline",
        help="base: Debian's packages (offline, the default), or python:3.11-slim-bookworm by the "
        "digest in containers/base-image.txt (outside)",
    )  # fmt: skip
    parser.add_argument(
        "--torch-wheels", type=Path, metavar="DIR",
        help="torch and torchvision from the wheels in DIR, such as the builds for CPUs alone",
    )  # fmt: skip
    parser.add_argument("--wheel", type=Path, metavar="FILE", help="biobench from this wheel")
    parser.add_argument(
        "--locked", action="store_true",
        help="fail where Debian's packages are not those of containers/base-packages.txt",
    )  # fmt: skip
    parser.add_argument("--save", type=Path, metavar="FILE", help="also write the image to FILE")
    parser.add_argument(
        "--work", type=Path, metavar="DIR", default=CONTAINERS / ".build",
        help="keep what is made in DIR instead of containers/.build",
    )  # fmt: skip
    given = parser.parse_args()
    if given.slim and given.torch_wheels is not None:
        parser.error("--slim has no torch, so --torch-wheels has no use")
    for name, exists in (("torch_wheels", Path.is_dir), ("wheel", Path.is_file)):
        path = getattr(given, name)
        if path is not None:
            if not exists(path):
                parser.error(f"--{name.replace('_', '-')}: {path} is not there")
            setattr(given, name, path.resolve())
    given.work = given.work.resolve()
    given.save = given.save.resolve() if given.save is not None else None
    return given


def main() -> int:
    """Exit code: 0, or 1 with one line on standard error."""
    given = read_arguments()
    given.work.mkdir(parents=True, exist_ok=True)
    os.chdir(ROOT)  # cargo and maturin look for their project there
    os.environ["SOURCE_DATE_EPOCH"] = str(DATE)
    try:
        build(given, given.work)
    except (BuildError, ValueError, OSError) as error:
        print(f"image: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
