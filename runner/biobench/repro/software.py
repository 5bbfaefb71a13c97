"""The software that can move a bit: its record in a result, and its differences between two
results.

In: this process, or two result documents. Out: digests and versions by name. None of them enters a
digest of a result (docs/decisions/verifying.md).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path
from typing import Any

from biobench.spec.canonical import sha256_json

PACKAGES = (
    "torch", "torchvision", "timm", "open_clip_torch", "transformers", "numpy", "scipy",
    "scikit-learn", "faiss-cpu", "pyarrow", "pillow", "safetensors", "huggingface_hub",
)  # fmt: skip

MOVE_FEATURES = (*PACKAGES[:9], "pillow")
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

    Libraries that only another loader of models uses are left out. Levels E1, E2 and E3 hold
    between results that have equal software.
    """
    environment = document["environment"]
    loader = str(document["model"]["resolved"]).partition(":")[0]
    used = [name for name in MOVE_FEATURES if name not in _NOT_USED.get(loader, frozenset())]
    versions, builds = environment["packages"], environment["builds"]
    found = {
        "biobench": f"{document['biobench']} ({environment['code']})",
        "C library": environment["libc"] or "unknown",
        "Python": environment["python"],
    }
    for name in used:
        if name in versions:
            found[name] = versions[name] + (f" ({builds[name]})" if name in builds else "")
    return found


def differing_software(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Differences in software of two result documents: name -> both values, shortened to the
    version where that differs already."""
    ours, theirs = software(a), software(b)
    found = {}
    for name in dict.fromkeys((*ours, *theirs)):
        one, other = ours.get(name, "none"), theirs.get(name, "none")
        # What nobody knows of two machines is not known to be equal.
        if one != other or one == "unknown":
            plain = one.partition(" (")[0], other.partition(" (")[0]
            found[name] = plain if plain[0] != plain[1] else (one, other)
    return found
