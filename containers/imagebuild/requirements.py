"""Reduce a lock for every platform to the lines of one: CPython 3.11 on x86-64 Linux with glibc.

In: a hashed lock with markers, as `tools/lock` writes it. Out: the same requirements and hashes
without markers. pip evaluates markers for the Python that runs it, which need not be the image's,
so they are decided here.
"""

from __future__ import annotations

import re

from packaging.requirements import InvalidRequirement, Requirement

from imagebuild.torch_wheels import ENVIRONMENT


def select(lock: str) -> str:
    """The lines of a lock that hold for the image's Python, one requirement a line.

    Raises ValueError for a requirement that is not pinned by ``==`` or has no hash.
    """
    chosen = []
    for line in re.sub(r"\\\n", " ", lock).splitlines():
        text = line.split(" #")[0].strip()
        if not text or text.startswith("#"):
            continue
        head, *hashes = re.split(r"\s+--hash=", text)
        try:
            requirement = Requirement(head)
        except InvalidRequirement as error:
            raise ValueError(f"not a requirement: {head!r} ({error})") from error
        if not re.fullmatch(r"==[^*,]+", str(requirement.specifier)) or not hashes:
            raise ValueError(f"not pinned by version and hash: {head!r}")
        if requirement.marker is None or requirement.marker.evaluate(ENVIRONMENT):
            pinned = f"{requirement.name}{requirement.specifier}"
            chosen.append(" ".join([pinned, *(f"--hash={item}" for item in hashes)]))
    return "\n".join(chosen) + "\n"


def but(lines: str, there: str) -> str:
    """Selected ``lines`` without those that are ``there`` already.

    Raises ValueError where the two have different versions of a package.
    """
    have = {line.split("==")[0]: line for line in there.splitlines()}
    kept = []
    for line in lines.splitlines():
        name = line.split("==")[0]
        if name not in have:
            kept.append(line)
        elif have[name] != line:
            raise ValueError(f"two locks differ in {name}; run `make lock`")
    return "".join(line + "\n" for line in kept)


def local_label(lines: str, name: str) -> str | None:
    """The local label of a package's version, ``cpu`` of 2.9.0+cpu, null where it has none."""
    match = re.search(rf"^{name}==[^ +]+\+([^ ]+)", lines, re.M)
    return match[1] if match else None
