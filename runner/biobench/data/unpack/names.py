"""Names of entries: only those that are places below the folder that is unpacked to.

In: a name as an archive has it. Out: its parts; ArchiveError for any that could lead elsewhere.
"""

from __future__ import annotations

import re

from biobench.data.unpack.archive_error import ArchiveError
from biobench.errors import shown

MOST_PARTS = 64
MOST_BYTES = 2048
_DRIVE = re.compile(r"[A-Za-z]:")


def entry_parts(name: str) -> tuple[str, ...]:
    """Parts of a name without ``.`` and empty ones; ``()`` is the folder itself.

    Raises:
        ArchiveError: The name is absolute, climbs, is too long or too deep, or is not UTF-8.
    """
    fault = _fault(name)
    if fault:
        raise ArchiveError(f"the entry {shown(name[:200])!r} {fault}")
    return tuple(part for part in name.split("/") if part not in ("", "."))


def _fault(name: str) -> str | None:
    parts = name.split("/")
    try:
        sizes = [len(part.encode("utf-8", "strict")) for part in parts]
    except UnicodeEncodeError:
        return "has a name that is not UTF-8"
    faults = {
        "has a NUL in its name": "\0" in name,
        "has an absolute name": name.startswith("/") or _DRIVE.match(name) is not None,
        "climbs out of its folder": ".." in parts,
        "has a backslash in its name": "\\" in name,
        "has too long a name": max(sizes) > 255 or sum(sizes) > MOST_BYTES,
        "lies too deep": len(parts) > MOST_PARTS,
    }
    return next((fault for fault, holds in faults.items() if holds), None)
