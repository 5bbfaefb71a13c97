"""``containers/build``: the images biobench:<major.minor> and biobench:<major.minor>-slim, and
for aarch64 biobench:<major.minor>-aarch64 and biobench:<major.minor>-aarch64-slim.

base -> wheels -> containers/Dockerfile, built by buildah -> the engine
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
from dataclasses import dataclass
from pathlib import Path

from imagebuild import base as bases
from imagebuild import statements, wheels
from imagebuild.programs import BuildError, output, say
from imagebuild.storage import Storage

CONTAINERS = bases.CONTAINERS
ROOT = CONTAINERS.parent
DATE = 1793491200
"""2026-11-01: the one date that files and image have."""


@dataclass(frozen=True)
class Locks:
    """Requirements of the image: pip's, those that every image has, all of this one's."""

    installer: list[str]
    packages: list[str]
    models: list[str]

    @property
    def all(self) -> list[str]:
        """Every requirement, once."""
        return list(dict.fromkeys((*self.installer, *self.packages, *self.models)))


def read_locks(*, slim: bool, own: Path | None) -> Locks:
    """Read the locks. ``own``: in the place of requirements/image.txt.

    Raises:
        BuildError: One is not usable, or the image would have two versions of a package.
    """
    installer = wheels.requirements(CONTAINERS / "installer.txt")
    packages = wheels.requirements(ROOT / "requirements/image-slim.txt")
    models = [] if slim else wheels.requirements(own or ROOT / "requirements/image.txt")
    pinned = {line.split("==")[0]: line.split()[0] for line in packages}
    for line in models:
        name = line.split("==")[0]
        if pinned.get(name, line.split()[0]) != line.split()[0]:
            raise BuildError(f"two locks differ in {name}; run `make lock`")
    return Locks(installer, packages, models)


def check_machine(mode: str, architecture: str) -> None:
    """Raise BuildError where this machine cannot build."""
    if (platform.system(), platform.machine()) != ("Linux", bases.NATIVE):
        raise BuildError("images are built on x86-64 Linux")
    if shutil.which("docker") is None:
        raise BuildError("docker is missing; install a Docker engine (Debian: docker.io)")
    output(["docker", "info"], "no Docker engine answers; start it, or join the group docker")
    needed = {"buildah": "buildah"}
    if mode == "offline":
        needed["mmdebstrap"] = "mmdebstrap"
    if os.geteuid() != 0:
        needed["newuidmap"] = "uidmap"  # both need it where they do not run as root
    for program, package in needed.items():
        if shutil.which(program) is None:
            install = [str(ROOT / "tools/install-packages"), "image", package]
            if subprocess.run(install, check=False).returncode != 0:
                raise BuildError(f"{package} is missing")
    if architecture != bases.NATIVE:
        emulate = [str(ROOT / f"tools/emulate-{architecture}")]
        if subprocess.run(emulate, check=False).returncode != 0:
            raise BuildError(f"programs for {architecture} do not run on this machine")


def build(given: argparse.Namespace, work: Path) -> None:
    """Build an image and give it to the engine.

    Raises:
        BuildError: Something is missing or fails.
    """
    locks = read_locks(slim=given.slim, own=given.lock)
    if given.mode == "outside":
        bases.reference()
    check_machine(given.mode, given.arch)
    storage = Storage(work / "storage", DATE, bases.DEBIAN[given.arch])
    with ThreadPoolExecutor(1) as beside:
        # The compiler works while packages are fetched.
        building = beside.submit(lambda: given.wheel or wheels.build_own(work, given.arch))
        base = (
            bases.outside(storage)
            if given.mode == "outside"
            else bases.offline(work, storage, given.arch, locked=given.locked)
        )
        both = wheels.requirements(ROOT / "requirements/image.txt")
        wheels.fetch(locks.all, work / "wheels", given.arch, keep=both)
        wheel = building.result()
    version = wheels.check_own(wheel, given.arch)
    variant = tag_end(given)
    name = f"biobench:{'.'.join(version.split('.')[:2])}{variant}"
    arguments = {
        "BASE": base.image,
        "PACKAGES_DIGEST": digest(locks.installer + locks.packages),
        "MODELS_DIGEST": digest(locks.models) if locks.models else "",
        "NAME": name,
        "VERSION": version,
        "SPEC_DIGEST": wheels.spec_digest(wheel, work),
        "WHEEL_DIGEST": f"sha256:{wheels.file_digest(wheel)}",
        "BASE_NAME": base.name,
        "BASE_DIGEST": base.digest,
    }
    say(f"building {name}")
    context = make_context(locks, wheel, version, work)
    image = f"localhost/{name}"
    storage.build(CONTAINERS / "Dockerfile", context, image, arguments)
    # The layers' digest is known once they are there; all steps of the second build are cached.
    layers = layers_digest(storage.layers(image))
    stated = (f"--env=BIOBENCH_LAYERS={layers}", f"--label=biobench.layers.digest={layers}")
    storage.build(CONTAINERS / "Dockerfile", context, image, arguments, *stated)
    if layers_digest(storage.layers(image)) != layers:
        raise BuildError(f"{name} has other layers when it is built again")
    shutil.rmtree(context)
    facts = hand_over(storage, name, version, variant, given.save)
    describe(given, work, locks, base, wheel, name, version, facts["id"])


def tag_end(given: argparse.Namespace) -> str:
    """Suffix of the image's tag after the version."""
    architecture = "" if given.arch == bases.NATIVE else f"-{given.arch}"
    return architecture + ("-slim" if given.slim else given.variant)


def describe(
    given: argparse.Namespace,
    work: Path,
    locks: Locks,
    base: bases.Base,
    wheel: Path,
    name: str,
    version: str,
    image: str,
) -> None:
    """Write the bill of materials and the provenance of an image, beside its id and its archive."""
    listed = work / "base-packages.txt"
    debian = listed.read_text().splitlines() if given.mode == "offline" else []
    own = f"biobench=={version} --hash=sha256:{wheels.file_digest(wheel)}"
    # A lock allows every file of a version; the image has one.
    fetched = {wheels.file_digest(path) for path in (work / "wheels").glob("*.whl")}
    packages = dict.fromkeys((*locks.packages, *locks.models))
    inside = [_narrowed(line, fetched) for line in packages]
    documents = {
        "sbom": statements.bill_of_materials(
            name,
            version,
            image,
            (base.name, base.digest),
            [*inside, own],
            debian,
            DATE,
            bases.DEBIAN[given.arch],
        ),
        "provenance": statements.provenance(
            name,
            image,
            {
                "architecture": given.arch,
                "mode": given.mode,
                "slim": given.slim,
                "variant": given.variant,
                # One that was given need not be of this commit.
                "wheel": "built" if given.wheel is None else "given",
            },
            (base.name, base.digest),
            wheel,
            [ROOT / "requirements/image-slim.txt", CONTAINERS / "installer.txt"]
            + ([] if given.slim else [given.lock or ROOT / "requirements/image.txt"]),
        ),
    }
    variant = tag_end(given)
    for kind, document in documents.items():
        statements.write(work / f"{kind}{variant}.json", document)
        if given.save is not None:
            statements.write(given.save.with_name(f"{given.save.name}.{kind}.json"), document)
    say(f"wrote sbom{variant}.json and provenance{variant}.json in {work}")


def _narrowed(line: str, files: set[str]) -> str:
    """A line of a lock with the hashes of the given files alone."""
    kept = [f"--hash=sha256:{digest}" for digest in wheels.hashes(line) if digest in files]
    return " ".join([line.split(maxsplit=1)[0], *kept])


def digest(lines: list[str]) -> str:
    """Return the digest of requirements and of the scripts that install them."""
    inputs = hashlib.sha256("\n".join(lines).encode())
    for path in sorted((CONTAINERS / "inside").iterdir()):
        inputs.update(path.read_bytes())
    return f"sha256:{inputs.hexdigest()}"


def layers_digest(layers: Sequence[str]) -> str:
    """Return the digest of the list of an image's layers, ``["sha256:...", ...]``.

    Images of equal files have one, whatever their labels say.
    """
    listed = json.dumps(list(layers), separators=(",", ":"))
    return f"sha256:{hashlib.sha256(listed.encode()).hexdigest()}"


def make_context(locks: Locks, wheel: Path, version: str, work: Path) -> Path:
    """Make the folder that the steps of the Dockerfile see; wheels are links to the kept ones."""
    context = work / "context"
    shutil.rmtree(context, ignore_errors=True)
    (context / "locks").mkdir(parents=True)
    shutil.copytree(work / "wheels", context / "wheels", copy_function=os.link)
    shutil.copy(wheel, context / "wheels")
    shutil.copytree(CONTAINERS / "inside", context / "inside")
    own = f"biobench=={version} --hash=sha256:{wheels.file_digest(wheel)}"
    for name, lines in (
        ("packages", locks.packages),
        ("models", locks.models),
        ("biobench", [own]),
    ):
        text = "".join(line + "\n" for line in lines)
        (context / "locks" / f"{name}.txt").write_text(text, encoding="utf-8")
    return context


def hand_over(
    storage: Storage, name: str, version: str, variant: str, save: Path | None
) -> dict[str, str]:
    """Give the image to the engine by both of its names, see whether it starts, and save it.

    Returns:
        Its id, and the digest of the archive where one was asked for.
    """
    image = f"localhost/{name}"
    full = f"biobench:{version}{variant}"
    say("giving the image to the engine")
    failed = "the engine did not take the image"
    storage.run("push", "--quiet", image, f"docker-daemon:{name}", otherwise=failed)
    output(["docker", "tag", name, full], f"{full} could not be named")
    start = ["docker", "run", "--rm", "--network=none", "--read-only"]
    output(
        [*start, f"--platform=linux/{storage.architecture}", name, "--version"],
        f"{name} does not start",
    )
    facts = {"id": output(["docker", "inspect", "--format={{.Id}}", name], failed).strip()}
    if save is not None:
        part = save.with_name(save.name + ".part")
        part.unlink(missing_ok=True)
        saved = f"docker-archive:{part}:{name}"
        storage.run("push", "--quiet", image, saved, otherwise=f"{save} could not be written")
        part.rename(save)
        facts["archive"] = f"sha256:{wheels.file_digest(save)}"
    (storage.folder.parent / f"image{variant}.json").write_text(json.dumps(facts, indent=2) + "\n")
    # Images of earlier builds have lost their name to this one.
    prune = ["docker", "image", "prune", "--force", "--filter"]
    title = "label=org.opencontainers.image.title=biobench"
    subprocess.run([*prune, title], capture_output=True, check=False)
    size = int(output(["docker", "inspect", "--format={{.Size}}", name], failed)) / 1e9
    say(f"built {name} and {full}, {size:.1f} GB")
    for fact, value in facts.items():
        say(f"{fact:8}{value}")
    return facts


def read_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="containers/build", description="Build biobench's image and load it into Docker."
    )
    parser.add_argument("--slim", action="store_true", help="all but torch and model libraries")
    parser.add_argument(
        "--arch", choices=bases.DEBIAN, default=bases.NATIVE,
        help="the processors that it is for; aarch64 is built under emulation",
    )  # fmt: skip
    parser.add_argument(
        "--mode", choices=("offline", "outside"), default="offline",
        help="base: Debian's packages (offline, the default), or python:3.11-slim-bookworm by the "
        "digest in containers/base-image.txt (outside)",
    )  # fmt: skip
    parser.add_argument(
        "--lock", type=Path, metavar="FILE",
        help="packages from this hashed lock instead of requirements/image.txt, such as one with "
        "torch's builds for CPUs alone",
    )  # fmt: skip
    parser.add_argument(
        "--variant", default="", metavar="-NAME", help="what the tag has after the version"
    )
    parser.add_argument("--wheel", type=Path, metavar="FILE", help="biobench from this wheel")
    parser.add_argument(
        "--locked", action="store_true",
        help="fail where Debian's packages are not those of containers/base-packages.txt",
    )  # fmt: skip
    parser.add_argument("--save", type=Path, metavar="FILE", help="also write the image to FILE")
    parser.add_argument(
        "--work", type=Path, metavar="DIR",
        help="keep what is made in DIR instead of containers/.build, or containers/.build/aarch64",
    )  # fmt: skip
    given = parser.parse_args()
    if given.arch != bases.NATIVE and given.mode == "outside":
        parser.error("--mode outside was never tried with another --arch than x86_64")
    if given.slim and (given.lock is not None or given.variant):
        parser.error("--slim has packages and a tag of its own")
    if given.lock is not None and not given.variant:
        parser.error("--lock needs a --variant, so that the tag says that it is another image")
    for name in ("lock", "wheel"):
        path = getattr(given, name)
        if path is not None:
            if not path.is_file():
                parser.error(f"--{name}: {path} is not there")
            setattr(given, name, path.resolve())
    own = CONTAINERS / ".build" / ("" if given.arch == bases.NATIVE else given.arch)
    given.work = (given.work or own).resolve()
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
    except (BuildError, OSError) as error:
        print(f"image: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
