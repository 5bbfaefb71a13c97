"""The base of an image: Debian's packages by mmdebstrap, or the official Python image by digest.

In: a folder to keep files in. Out: the base as buildah's storage has it.
"""

from __future__ import annotations

import difflib
import hashlib
import os
import re
import tarfile
from dataclasses import dataclass
from pathlib import Path

from imagebuild.programs import BuildError, logged, output, say
from imagebuild.storage import Storage

CONTAINERS = Path(__file__).resolve().parents[1]
SUITE = "bookworm"
PACKAGES = "python3,libstdc++6,ca-certificates,usr-is-merged"
GLIBC_MINOR = 36
"""Of glibc 2.x in the base; a wheel that needs a newer one cannot be loaded there."""
DEBIAN = {"x86_64": "amd64", "aarch64": "arm64"}
"""Architectures of images, as uname and wheels call them, with Debian's names, which are the
engine's too."""
NATIVE = "x86_64"
"""The architecture of the machine that builds; programs of another are emulated."""
LISTS = ("/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list")
OTHER_SUITES = re.compile(r"\b(bullseye|trixie|forky|testing|unstable|sid|experimental)\b")


@dataclass(frozen=True)
class Base:
    """A base image.

    Attributes:
        image: Its name in buildah's storage.
        name: Its name in the label of the built image.
        digest: Its digest in the label of the built image.
    """

    image: str
    name: str
    digest: str


def apt_sources() -> str | None:
    """Return the list of Debian's mirrors to use, None where mmdebstrap's own will do.

    This machine's list is taken where it is for the same suite and no other.

    Raises:
        BuildError: BIOBENCH_APT_SOURCES names a file that cannot be read.
    """
    named = os.environ.get("BIOBENCH_APT_SOURCES")
    if named:
        if not os.access(named, os.R_OK):
            raise BuildError(f"BIOBENCH_APT_SOURCES: {named} cannot be read")
        return str(Path(named).resolve())
    for path in LISTS:
        if os.access(path, os.R_OK):
            lines = Path(path).read_text(encoding="utf-8").splitlines()
            text = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
            if re.search(rf"\b{SUITE}\b", text) and not OTHER_SUITES.search(text):
                return path
    return None


def offline(work: Path, storage: Storage, architecture: str, *, locked: bool) -> Base:
    """Make the base from Debian's packages; no image is pulled.

    Args:
        work: Where the base is kept.
        storage: Where it is imported.
        architecture: One of :data:`DEBIAN`.
        locked: Raise BuildError where the packages are not those of base-packages.txt, which
            are the same for every architecture; otherwise the difference is printed.
    """
    sources = apt_sources()
    recipe = (
        Path(__file__).read_bytes()
        + architecture.encode()
        + output(["mmdebstrap", "--version"], "no mmdebstrap").encode()
    )
    if sources is not None:
        recipe += Path(sources).read_bytes()
    path = work / f"base-{hashlib.sha256(recipe).hexdigest()[:12]}.tar"
    if not path.exists():
        say(f"making the base from Debian's packages for {architecture}")
        for old in work.glob("base-*.tar"):
            old.unlink()
        _bootstrap(path, sources, architecture, work / "base.log")
    _compare_packages(path, work / "base-packages.txt", locked=locked)
    with open(path, "rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    image = storage.imported(path, f"biobench-base:{digest[:12]}")
    return Base(image, f"debian:{SUITE}, by mmdebstrap", f"sha256:{digest}")


def _bootstrap(path: Path, sources: str | None, architecture: str, log: Path) -> None:
    part = path.with_suffix(".part")
    # resolv.conf and hostname are this machine's; the list of its mirrors is too, and there is no
    # apt. Manuals are left out, licences stay.
    ours = ("resolv.conf", "hostname", "apt/sources.list", "apt/sources.list.d")
    excluded = ("man", "info", "locale", "doc")
    command = [
        "mmdebstrap", "--variant=essential", f"--include={PACKAGES}",
        f"--architectures={DEBIAN[architecture]}",
        "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
        *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in excluded),
        "--dpkgopt=path-include=/usr/share/doc/*/copyright",
        "--customize-hook=rm -rf " + " ".join(f'"$1/etc/{name}"' for name in ours),
        "--format=tar", SUITE, str(part), *([sources] if sources else []),
    ]  # fmt: skip
    remedy = "BIOBENCH_APT_SOURCES names another list of mirrors"
    logged(command, log, f"mmdebstrap could not make the base; {remedy}")
    part.rename(path)


def _compare_packages(base: Path, listed: Path, *, locked: bool) -> None:
    with tarfile.open(base) as archive:
        status = archive.extractfile("./var/lib/dpkg/status")
        if status is None:
            raise BuildError(f"{base} has no list of packages; delete it")
        text = status.read().decode("utf-8")
    found = re.findall(r"^Package: (\S+)$.*?^Version: (\S+)$", text, re.M | re.S)
    lines = sorted(f"{name} {version}" for name, version in found)
    listed.write_text("\n".join(lines) + "\n", encoding="utf-8")
    pinned = (CONTAINERS / "base-packages.txt").read_text(encoding="utf-8").splitlines()
    changes = [line for line in difflib.ndiff(pinned, lines) if line[0] in "+-"]
    if not changes:
        return
    for line in changes:
        say(f"  {line}")
    what = "Debian's packages differ from containers/base-packages.txt"
    if locked:
        raise BuildError(f"{what} as listed; a snapshot mirror in BIOBENCH_APT_SOURCES has those")
    say(f"note: {what}, so the image gets an id of its own; after a look, copy {listed} there")


def reference() -> str:
    """Return the official Python image, by digest.

    Raises:
        BuildError: No digest is filled in.
    """
    file = CONTAINERS / "base-image.txt"
    lines = file.read_text(encoding="utf-8").splitlines()
    written = " ".join(line for line in lines if line and not line.startswith("#"))
    found = os.environ.get("BIOBENCH_BASE_IMAGE") or written
    if not re.fullmatch(r"[^@\s]+@sha256:[0-9a-f]{64}", found):
        raise BuildError(
            f"{found} has no digest; fill it in where containers/base-image.txt says so, or name "
            "an image by digest in BIOBENCH_BASE_IMAGE, or use --mode offline"
        )
    return found


def outside(storage: Storage) -> Base:
    """Pull the base from a registry, by digest.

    Raises:
        BuildError: It cannot be had, or its Python or glibc is not what the wheels need.
    """
    image = reference()
    if not storage.has(image):
        say(f"pulling {image}")
        storage.run("pull", "--quiet", image, otherwise=f"{image} could not be pulled")
    program = (
        "import platform, sys; print(*sys.version_info[:2], sys.platform, platform.machine(), "
        "*platform.libc_ver())"
    )
    found = storage.inside(image, "python3", "-c", program).strip()
    match = re.fullmatch(r"3 11 linux x86_64 glibc 2\.(\d+)", found)
    if match is None or int(match[1]) < GLIBC_MINOR:
        raise BuildError(
            f"{image} has ({found}); CPython 3.11 on x86-64 with glibc 2.{GLIBC_MINOR} is needed"
        )
    name, _, digest = image.partition("@")
    return Base(image, name, digest)
