"""Reduce a lock for every platform to the lines of one: CPython 3.11 on x86-64 Linux with glibc.

In: a hashed lock with markers, as `tools/lock` writes it. Out, on standard output: the same
requirements and hashes without markers. pip evaluates markers for the Python that runs it, which
need not be the image's, so they are decided here.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

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


def select(lock: str) -> str:
    """The lines of a lock that hold for :data:`ENVIRONMENT`, one requirement a line.

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


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: select_requirements.py LOCK")
    try:
        sys.stdout.write(select(Path(sys.argv[1]).read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        sys.exit(f"{sys.argv[1]}: {error}")
