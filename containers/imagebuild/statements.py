"""Statements beside an image: its bill of materials (CycloneDX) and its provenance (SLSA).

In: the locks, Debian's list of packages, Cargo.lock, digests of what was built. Out: two JSON
documents that hold no time of the build, no path and no host: the same inputs give the same bytes.
"""

from __future__ import annotations

import datetime
import json
import re
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from imagebuild.base import SUITE
from imagebuild.crates import Crate, crates
from imagebuild.wheels import file_digest, hashes

ROOT = Path(__file__).resolve().parents[2]
BUILD_TYPE = "urn:biobench:containers/build:1"
BUILDER = "urn:biobench:containers/imagebuild"
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"


def bill_of_materials(
    name: str,
    version: str,
    image: str,
    base: tuple[str, str],
    requirements: Sequence[str],
    debian: Sequence[str],
    date: int,
    architecture: str = "amd64",
) -> dict[str, Any]:
    """CycloneDX 1.6 of an image. Crates that serve tests alone have the scope ``excluded``.

    Args:
        name: The image's name, such as ``biobench:1.0-slim``.
        version: biobench's version.
        image: The image's id, ``sha256:`` and 64 digits.
        base: Name and digest of the base.
        requirements: Lines of locks: the Python packages inside.
        debian: ``NAME VERSION`` of Debian's packages inside; none where the base is another one,
            whose packages nobody listed: the bill then says that it is incomplete.
        date: The date of the image, seconds since 1970.
        architecture: The image's, as Debian calls it.
    """
    found = [
        _component("container", base[0], base[1], None, [base[1].partition(":")[2]]),
        *map(_python, requirements),
        *(_debian(line, architecture) for line in debian),
        *map(_crate, crates(ROOT)),
    ]
    components = sorted(found, key=lambda component: component["bom-ref"])
    when = datetime.datetime.fromtimestamp(date, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    algorithm, _, digest = image.partition(":")
    document: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": when,
            "component": {
                "type": "container",
                "bom-ref": name,
                "name": name,
                "version": version,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
                "hashes": [{"alg": _algorithm(algorithm), "content": digest}],
            },
        },
        "components": components,
        "dependencies": [
            {"ref": name, "dependsOn": [component["bom-ref"] for component in components]}
        ],
    }
    if not debian:
        document["compositions"] = [
            {"aggregate": "incomplete", "assemblies": [name], "dependencies": [name]}
        ]
    number = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(document, sort_keys=True))
    return {**document, "serialNumber": number.urn}


def provenance(
    name: str,
    image: str,
    parameters: Mapping[str, Any],
    base: tuple[str, str],
    wheel: Path,
    locks: Sequence[Path],
) -> dict[str, Any]:
    """An in-toto statement with SLSA's provenance of an image, to be signed by whoever built it.

    Args:
        name: The image's name.
        image: The image's id.
        parameters: What the caller of the build chose.
        base: Name and digest of the base.
        wheel: biobench's own wheel.
        locks: The locks that were read.
    """
    algorithm, _, digest = image.partition(":")
    base_algorithm, _, base_digest = base[1].partition(":")
    materials = [
        {"name": base[0], "digest": {base_algorithm: base_digest}},
        {"name": wheel.name, "digest": {"sha256": file_digest(wheel)}},
        *(
            {"name": _name(path), "digest": {"sha256": file_digest(path)}}
            for path in (*locks, ROOT / "Cargo.lock")
        ),
    ]
    commit, clean = source()
    if commit is not None:
        materials.append({"name": "source", "digest": {"gitCommit": commit}})
    return {
        "_type": STATEMENT,
        "subject": [{"name": name, "digest": {algorithm: digest}}],
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": dict(parameters),
                "internalParameters": {"sourceUnchanged": clean},
                "resolvedDependencies": materials,
            },
            "runDetails": {"builder": {"id": BUILDER}},
        },
    }


def _name(path: Path) -> str:
    inside = path.is_relative_to(ROOT)
    return path.relative_to(ROOT).as_posix() if inside else path.name


def source() -> tuple[str | None, bool]:
    """The commit of the checkout, and whether its files are those of it.

    The commit is None outside of git, and inside another project's repository, whose commit says
    nothing of these files. A file that git does not know is a change: the build sees it.
    """
    command = ["git", "-C", str(ROOT)]
    try:
        top = _said([*command, "rev-parse", "--show-toplevel"]).removesuffix("\n")
        if Path(top).resolve() != ROOT.resolve():
            return None, False
        commit = _said([*command, "rev-parse", "HEAD"]).strip()
        changed = _said([*command, "status", "--porcelain", "--untracked-files=normal"])
    except (OSError, subprocess.CalledProcessError):
        return None, False
    return commit, not changed


def write(path: Path, document: Mapping[str, Any]) -> None:
    """Write a document beside an image, whole or not at all."""
    part = path.with_name(path.name + ".part")
    text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    part.write_text(text, encoding="utf-8")
    part.rename(path)


def _said(command: Sequence[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _algorithm(name: str) -> str:
    return {"sha256": "SHA-256", "sha512": "SHA-512"}[name]


def _component(kind: str, name: str, version: str, purl: str | None, digests: Sequence[str]) -> Any:
    found: dict[str, Any] = {
        "type": kind, "bom-ref": purl or f"base@{version}", "name": name, "version": version,
    }  # fmt: skip
    if purl is not None:
        found["purl"] = purl
    if digests:
        found["hashes"] = [{"alg": "SHA-256", "content": digest} for digest in sorted(digests)]
    return found


def _python(line: str) -> Any:
    name, version = line.split(maxsplit=1)[0].split("==")
    normal = re.sub(r"[-_.]+", "-", name).lower()
    purl = f"pkg:pypi/{normal}@{quote(version)}"
    return _component("library", name, version, purl, [*hashes(line)])


def _debian(line: str, architecture: str) -> Any:
    name, version = line.split()
    purl = f"pkg:deb/debian/{quote(name)}@{quote(version)}?arch={architecture}&distro={SUITE}"
    return _component("library", name, version, purl, [])


def _crate(crate: Crate) -> Any:
    purl = f"pkg:cargo/{crate.name}@{quote(crate.version)}"
    found = _component("library", crate.name, crate.version, purl, [crate.checksum])
    return {**found, "scope": "excluded"} if crate.only_tests else found
