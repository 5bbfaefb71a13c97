"""Take torch from wheels of the user's own, such as the builds for CPUs alone.

In: selected lines of a lock and a folder of wheels. Out: the lines with those wheels in place of
the locked ones, by version and hash, and without the CUDA packages that they do not ask for.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path

from packaging.requirements import Requirement
from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

ENVIRONMENT = {
    "implementation_name": "cpython",
    "implementation_version": "3.11.2",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_release": "",
    "platform_system": "Linux",
    "platform_version": "",
    "python_full_version": "3.11.2",
    "python_version": "3.11",
    "sys_platform": "linux",
    "extra": "",
}
"""The image's Python, as Debian 12 ships it."""

FOR_CUDA = re.compile(r"(nvidia|cuda)-.*|triton")
"""Packages of the lock that only torch's build for CUDA asks for."""


@dataclass(frozen=True)
class Wheel:
    """A wheel of the user's. ``needs``: names of the packages that it asks for in the image."""

    path: Path
    name: str
    version: Version
    needs: frozenset[str]


def instead(lines: str, folder: Path) -> str:
    """``lines`` with the wheels of ``folder`` in place of the locked ones of the same names.

    Raises ValueError where there is no torch among them, where one has another version than the
    lock or is for another machine, and where one needs a package that the lock does not have.
    """
    wheels = {wheel.name: wheel for wheel in read_wheels(folder)}
    locked = {line.split("==")[0]: line for line in lines.splitlines()}
    if "torch" not in wheels:
        raise ValueError(f"{folder} has no wheel of torch; download torch and torchvision into it")
    for wheel in wheels.values():
        check(wheel, locked)
    # CUDA's packages ask for one another, and torch for some of them: all or none.
    for_cuda = any(FOR_CUDA.fullmatch(name) for wheel in wheels.values() for name in wheel.needs)
    return "".join(
        (pinned(wheels[name]) if name in wheels else line) + "\n"
        for name, line in locked.items()
        if name in wheels or for_cuda or not FOR_CUDA.fullmatch(name)
    )


def read_wheels(folder: Path) -> list[Wheel]:
    """The wheels of a folder, sorted by name of file."""
    found = []
    for path in sorted(folder.glob("*.whl")):
        try:
            name, version, _, tags = parse_wheel_filename(path.name)
            with zipfile.ZipFile(path) as archive:
                (metadata,) = (
                    member
                    for member in archive.namelist()
                    if re.fullmatch(r"[^/]+\.dist-info/METADATA", member)
                )
                text = archive.read(metadata).decode("utf-8")
        except (InvalidWheelFilename, zipfile.BadZipFile, ValueError) as error:
            raise ValueError(f"{path} is no wheel ({error})") from error
        if not any(fits(tag) for tag in tags):
            raise ValueError(f"{path} is not for CPython 3.11 on x86-64 Linux")
        requirements = map(Requirement, HeaderParser().parsestr(text).get_all("Requires-Dist", []))
        needs = frozenset(
            canonicalize_name(item.name)
            for item in requirements
            if item.marker is None or item.marker.evaluate(ENVIRONMENT)
        )
        found.append(Wheel(path, canonicalize_name(name), version, needs))
    return found


def fits(tag: Tag) -> bool:
    """Whether a wheel with this tag may be installed in the image."""
    if tag.interpreter not in {"cp311", "py3"} and tag.abi != "abi3":
        return False
    return re.fullmatch(r"any|(many)?linux\w*_x86_64", tag.platform) is not None


def check(wheel: Wheel, locked: dict[str, str]) -> None:
    """Raise ValueError where a wheel does not fit the lock."""
    line = locked.get(wheel.name)
    if line is None:
        raise ValueError(f"{wheel.path}: the lock has no package {wheel.name}")
    version = line.split()[0].split("==")[1]
    # 2.9.0+cpu is a build of 2.9.0.
    if wheel.version.public != Version(version).public:
        raise ValueError(f"{wheel.path}: the lock has {wheel.name} {version}; take that version")
    missing = sorted(wheel.needs - locked.keys())
    if missing:
        raise ValueError(f"{wheel.path} needs {missing[0]}, which the lock does not have")


def pinned(wheel: Wheel) -> str:
    """The line that pins a wheel by version and hash."""
    with open(wheel.path, "rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return f"{wheel.name}=={wheel.version} --hash=sha256:{digest}"
