"""The memory that this process may still take."""

from __future__ import annotations

import os
import re
from pathlib import Path

_MEMINFO = Path("/proc/meminfo")
_LIMIT, _USED = "memory.max", "memory.current"
_GROUP = Path("/sys/fs/cgroup")


def available_memory() -> int:
    """Bytes that are free or can be freed, by the system and by the limit of a container; all of
    the machine's where the system does not say."""
    found = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    try:
        stated = re.search(r"^MemAvailable:\s+(\d+) kB$", _MEMINFO.read_text("ascii"), re.M)
        found += [int(stated[1]) << 10] if stated else []
    except (OSError, ValueError):
        pass
    try:
        limit, used = ((_GROUP / name).read_text("ascii").strip() for name in (_LIMIT, _USED))
        found += [int(limit) - int(used)] if limit.isdigit() else []
    except (OSError, ValueError):
        pass
    return max(min(found), 0)
