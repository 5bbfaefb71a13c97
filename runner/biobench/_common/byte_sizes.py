"""Numbers of bytes as people write them, in powers of 1,024."""

from __future__ import annotations

import re

from biobench.errors import UsageError

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def parse_size(text: str) -> int:
    """Bytes of ``500M``, ``20G``, ``1000``.

    Raises:
        UsageError: The text is not such a size.
    """
    match = re.fullmatch(r"(\d+)\s*([KMGT]?)(?:i?B)?", text.strip(), re.IGNORECASE)
    if match is None:
        raise UsageError(f"{text!r} is not a size", remedy="write it like 500M or 20G")
    return int(match[1]) * _UNITS[match[2].upper()]


def show_size(count: float) -> str:
    """A number of bytes for people."""
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
