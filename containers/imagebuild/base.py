"""The base of an image: Debian's packages by mmdebstrap, or the official Python image by digest.

In: where to keep files. Out: the base as the engine knows it, and its layers.
"""

from __future__ import annotations

import difflib
import gzip
import hashlib
import json
import os
import re
import shutil
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from imagebuild.archive import BUFFER, Layer, read_layer
from imagebuild.engine import BuildError, has_image, inspect, logged, output, say

CONTAINERS = Path(__file__).resolve().parents[1]
SUITE = "bookworm"
PACKAGES = "python3,libstdc++6,ca-certificates,usr-is-merged"
GLIBC_MINOR = 36
"""Of glibc 2.x in the base; a wheel that needs a newer one cannot be loaded there."""
IMPORTED = "biobench-base"
"""The engine's name for bases that were made here."""
LISTS = ("/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list")
OTHER_SUITES = re.compile(r"\b(bullseye|trixie|forky|testing|unstable|sid|experimental)\b")


@dataclass(frozen=True)
class Base:
    """image: the engine's name. name, digest: what the label of the built image says."""

    image: str
    name: str
    digest: str
    layers: tuple[Layer, ...]
    config: Mapping[str, Any] = field(default_factory=dict)


def apt_sources() -> str | None:
    """The list of Debian's mirrors to use, null where mmdebstrap's own will do.

    This machine's list is taken where it is for the same suite and no other. Raises BuildError
    where BIOBENCH_APT_SOURCES names a file that cannot be read.
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


def offline(work: Path, *, locked: bool) -> Base:
    """The base from Debian's packages: no image is pulled.

    locked: raise BuildError where the packages are not those of base-packages.txt; otherwise the
    difference is printed.
    """
    sources = apt_sources()
    recipe = (
        Path(__file__).read_bytes() + output(["mmdebstrap", "--version"], "no mmdebstrap").encode()
    )
    if sources is not None:
        recipe += Path(sources).read_bytes()
    path = work / f"base-{hashlib.sha256(recipe).hexdigest()[:12]}.tar"
    if not path.exists():
        say("making the base from Debian's packages (half a minute)")
        for old in work.glob("base-*.tar"):
            old.unlink()
        _bootstrap(path, sources, work / "base.log")
    _compare_packages(path, work / "base-packages.txt", locked=locked)
    layer = read_layer(path, f"Debian {SUITE}, by mmdebstrap")
    image = f"{IMPORTED}:{layer.digest[:12]}"
    if not has_image(image):
        output(["docker", "import", str(path), image], "the engine did not take the base")
    return Base(image, f"debian:{SUITE}, by mmdebstrap", f"sha256:{layer.digest}", (layer,))


def _bootstrap(path: Path, sources: str | None, log: Path) -> None:
    part = path.with_suffix(".part")
    # resolv.conf and hostname are this machine's; the list of its mirrors is too, and there is no
    # apt. Manuals are left out, licences stay.
    ours = ("resolv.conf", "hostname", "apt/sources.list", "apt/sources.list.d")
    excluded = ("man", "info", "locale", "doc")
    command = [
        "mmdebstrap", "--variant=essential", f"--include={PACKAGES}",
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
    """The official Python image, by digest. Raises BuildError where no digest is filled in."""
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


def outside(work: Path) -> Base:
    """The base from a registry, by digest."""
    image = reference()
    if not has_image(image):
        say(f"pulling {image}")
        pull = ["docker", "pull", "--quiet", "--platform", "linux/amd64", image]
        output(pull, f"{image} could not be pulled")
    _check_python(image)
    saved = work / "base-saved.tar"
    output(
        ["docker", "save", "--output", str(saved), inspect(image, "{{.Id}}")],
        f"{image} could not be saved",
    )
    layers, config = unpack(saved, work)
    saved.unlink()
    name, _, digest = image.partition("@")
    return Base(image, name, digest, tuple(layers), config)


def _check_python(image: str) -> None:
    program = (
        "import platform, sys; print(*sys.version_info[:2], sys.platform, platform.machine(), "
        "*platform.libc_ver())"
    )
    run = ["docker", "run", "--rm", "--network=none", "--entrypoint=python3", image, "-c", program]
    found = output(run, f"{image} has no python3").strip()
    match = re.fullmatch(r"3 11 linux x86_64 glibc 2\.(\d+)", found)
    if match is None or int(match[1]) < GLIBC_MINOR:
        raise BuildError(
            f"{image} has ({found}); CPython 3.11 on x86-64 with glibc 2.{GLIBC_MINOR} is needed"
        )


def unpack(saved: Path, folder: Path) -> tuple[list[Layer], Mapping[str, Any]]:
    """The layers of an image that ``docker save`` wrote, uncompressed, and its configuration.

    Raises BuildError where a layer is not the one that the configuration names.
    """
    with tarfile.open(saved) as archive:

        def content(name: str) -> IO[bytes]:
            found = archive.extractfile(name)  # also through the links that older engines write
            if found is None:
                raise BuildError(f"{saved}: {name} is no file")
            return found

        (manifest,) = json.load(content("manifest.json"))
        document = json.load(content(manifest["Config"]))
        layers = []
        for number, name in enumerate(manifest["Layers"]):
            path = folder / f"base-layer-{number}.tar"
            with open(path, "wb") as target:
                shutil.copyfileobj(unpacked(content(name)), target, BUFFER)
            layers.append(read_layer(path, "base image"))
    wanted = [digest.removeprefix("sha256:") for digest in document["rootfs"]["diff_ids"]]
    if [layer.digest for layer in layers] != wanted:
        raise BuildError(f"{saved}: the layers of the base image are not those that it names")
    return layers, document.get("config") or {}


def unpacked(blob: IO[bytes]) -> IO[bytes]:
    """A layer as engines name it by digest: without the compression of newer ones."""
    packed = blob.read(2) == b"\x1f\x8b"
    blob.seek(0)
    return gzip.GzipFile(fileobj=blob) if packed else blob  # type: ignore[return-value]
