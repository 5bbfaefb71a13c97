"""The software that can move a bit: its record in a result, and its differences between two
results.

In: this process, or two result documents. Out: digests and versions by name. None of them enters a
digest of a result (docs/decisions/verifying.md).
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, distributions, version
from pathlib import Path
from typing import Any

from biobench.spec.canonical import sha256_json

PACKAGES = (
    "torch", "torchvision", "timm", "open_clip_torch", "transformers", "numpy", "scipy",
    "scikit-learn", "faiss-cpu", "faiss-gpu-cu12", "pyarrow", "pillow", "safetensors",
    "huggingface_hub",
)  # fmt: skip

MOVE_FEATURES = (*PACKAGES[:10], "pillow")
"""Packages whose version can move a feature or a prediction; others only read and write files."""

PACKAGE = Path(__file__).resolve().parents[1]
_CODE = frozenset({".py", ".so", ".pyd", ".dylib"})
_OF_THE_INSTALLER = frozenset(
    {"INSTALLER", "REQUESTED", "RECORD", "direct_url.json", "uv_cache.json"}
)
_NOT_USED: Mapping[str, frozenset[str]] = {
    "timm": frozenset({"transformers", "open_clip_torch"}),
    "hf": frozenset({"open_clip_torch"}),
    "open_clip": frozenset({"transformers"}),
}
"""Packages that have no part in the features of a model that a loader made."""


DRIVER = "NVIDIA driver"
"""Name of the driver's version among the packages of a result of a GPU."""
UNKNOWN = "unknown"
_PROC_DRIVER = Path("/proc/driver/nvidia/version")
_SYS_DRIVER = Path("/sys/module/nvidia/version")
_OF_LOADER: Mapping[str, str] = {
    "timm": "timm",
    "hf": "transformers",
    "open_clip": "open_clip_torch",
}
"""The package that a loader is."""


@cache
def code_digest(package: Path = PACKAGE) -> str:
    """Digest of the runner's own code: ``[[path, sha256], ...]`` of its modules and native library.

    A checkout and the wheel that was built from it have the same digest, as far as their native
    libraries are the same.
    """
    files = (path for path in package.rglob("*") if path.suffix in _CODE)
    return sha256_json(
        [
            [path.relative_to(package).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()]
            for path in sorted(files, key=lambda path: path.relative_to(package).as_posix())
            if not {"__pycache__", "_spec"} & set(path.relative_to(package).parts)
        ]
    )


@cache
def build_digests(names: tuple[str, ...] = MOVE_FEATURES) -> dict[str, str]:
    """Digest of the files that each installed package of ``names`` came with.

    Two wheels can have one version and other libraries inside: another BLAS, another compiler. The
    digest is over the wheel's own list of its files and their hashes, without what an installer
    adds. A package that has no such list is left out.
    """
    found: dict[str, str] = {}
    for name in names:
        try:
            listed = distribution(name).read_text("RECORD")
        except PackageNotFoundError:
            continue
        if listed:
            found[name] = sha256_json(_own_lines(listed))
    return found


def _own_lines(listed: str) -> list[str]:
    lines = []
    for line in listed.splitlines():
        path, _, rest = line.partition(",")
        name = path.rpartition("/")[2]
        added = ".dist-info/" in path and name in _OF_THE_INSTALLER
        if not added and not path.startswith(("../", "/")) and rest.startswith("sha256="):
            lines.append(line)
    return sorted(lines)


def package_versions(names: tuple[str, ...] = PACKAGES) -> dict[str, str]:
    """Versions of the installed packages among ``names``, in their order."""
    found: dict[str, str] = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@cache
def nvidia_packages() -> tuple[str, ...]:
    """Names of the installed packages with NVIDIA's libraries (cuBLAS, cuDNN), sorted."""
    names = (found.metadata["Name"] for found in distributions())
    return tuple(sorted({name.lower() for name in names if name and _is_nvidia(name)}))


def _is_nvidia(name: str) -> bool:
    return name.lower().startswith("nvidia-")


def driver(proc: Path = _PROC_DRIVER, sys: Path = _SYS_DRIVER) -> str | None:
    """Version of NVIDIA's driver as the kernel module reports it; None where it does not.

    Args:
        proc: The module's file with its version and that of a compiler.
        sys: The module's file with its version alone.
    """
    for path in (sys, proc):
        try:
            found = re.search(r"\b[0-9]+\.[0-9]+(\.[0-9]+)?\b", path.read_text(errors="replace"))
        except OSError:
            continue
        if found:
            return found[0]
    return None


def record(device: str, names: tuple[str, ...]) -> tuple[dict[str, str], dict[str, str]]:
    """Versions and build digests by name: those of the installed packages among ``names``, and
    with CUDA those of NVIDIA's libraries and its driver.

    Args:
        device: ``cpu`` or ``cuda``.
        names: Packages whose version is recorded.
    """
    versions, builds = package_versions(names), dict(build_digests())
    if device.startswith("cuda"):
        versions |= package_versions(nvidia_packages())
        builds |= build_digests(nvidia_packages())
        found = driver()
        versions |= {DRIVER: found} if found else {}
    return versions, builds


def libc() -> str | None:
    """Name and version of the C library, whose functions torch and NumPy call; None where it is
    unknown."""
    try:
        return os.confstr("CS_GNU_LIBC_VERSION")
    except (AttributeError, OSError, ValueError):
        return None


def software(document: Mapping[str, Any]) -> dict[str, str]:
    """Software that decides the bits of a result's features beside model, data and processor, by
    name.

    Libraries that only another loader of models uses are left out. Level E holds
    between results that have equal software. A part that is not known has ``unknown`` in its
    value: a package without a digest of its files, one that must have been used and has no version.
    """
    environment, model = document["environment"], document["model"]
    loader = str(model["resolved"]).partition(":")[0]
    used = [name for name in MOVE_FEATURES if name not in _NOT_USED.get(loader, frozenset())]
    versions, builds = environment["packages"], environment["builds"]
    needed = {"numpy"}
    if model["program"] is None:
        needed |= {"torch", _OF_LOADER.get(loader, "torch")}
    found = {
        "biobench": f"{document['biobench']} ({environment['code']})",
        "C library": environment["libc"] or UNKNOWN,
        "Python": environment["python"],
    }
    if environment["gpu"] is not None:
        found[DRIVER] = versions.get(DRIVER, UNKNOWN)
        of_nvidia = sorted(name for name in versions if _is_nvidia(name))
        used += of_nvidia
        for library in ("cublas", "cudnn"):
            if not any(name.startswith(f"nvidia-{library}") for name in of_nvidia):
                found[library] = UNKNOWN
    for name in used:
        if name in versions:
            found[name] = f"{versions[name]} ({builds.get(name, f'{UNKNOWN} build')})"
        elif name in needed:
            found[name] = UNKNOWN
    return found


def is_unknown(value: str) -> bool:
    """True where a value of :func:`software` leaves open what it was."""
    return value == UNKNOWN or value.endswith(f" ({UNKNOWN} build)")


def differing_software(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Software of two result documents that is not known to be equal: name -> both values,
    shortened to the version where that differs already. Two equal values are unknown ones."""
    ours, theirs = software(a), software(b)
    found = {}
    for name in dict.fromkeys((*ours, *theirs)):
        one, other = ours.get(name, "none"), theirs.get(name, "none")
        # What nobody knows of two machines is not known to be equal.
        if one != other or is_unknown(one):
            plain = one.partition(" (")[0], other.partition(" (")[0]
            found[name] = plain if plain[0] != plain[1] else (one, other)
    return found
