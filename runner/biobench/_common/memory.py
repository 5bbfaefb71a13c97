"""The memory that this process may still take, and what happens where it takes more."""

from __future__ import annotations

import contextlib
import os
import re
import resource
from pathlib import Path

_OVERCOMMIT = Path("/proc/sys/vm/overcommit_memory")
_MEMINFO = Path("/proc/meminfo")
_STATM = Path("/proc/self/statm")
_LIMITS = {resource.RLIMIT_AS: 0, resource.RLIMIT_DATA: 5}
"""Limits of a process, each with the column of statm that has the pages that count for it."""
_LIMIT, _USED = "memory.max", "memory.current"
_GROUP = Path("/sys/fs/cgroup")


def available_memory() -> int:
    """Bytes that are free or can be freed, by the system and the limits of a container and of this
    process; all of the machine's where the system does not say."""
    limits = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    try:
        stated = re.search(r"^MemAvailable:\s+(\d+) kB$", _MEMINFO.read_text("ascii"), re.M)
        limits += [int(stated[1]) << 10] if stated else []
    except (OSError, ValueError):
        pass
    try:
        limit, used = ((_GROUP / name).read_text("ascii").strip() for name in (_LIMIT, _USED))
        limits += [int(limit) - int(used)] if limit.isdigit() else []
    except (OSError, ValueError):
        pass
    for kind, column in _LIMITS.items():
        limit_of_process = resource.getrlimit(kind)[0]
        if limit_of_process != resource.RLIM_INFINITY:
            with contextlib.suppress(OSError, ValueError):
                pages = int(_STATM.read_text("ascii").split()[column])
                limits.append(limit_of_process - pages * os.sysconf("SC_PAGE_SIZE"))
    return max(min(limits), 0)


def can_be_refused() -> bool:
    """True where the system refuses memory to this process beyond a limit; elsewhere it promises
    more than it has, and ends a process that uses it."""
    if any(resource.getrlimit(limit)[0] != resource.RLIM_INFINITY for limit in _LIMITS):
        return True
    try:
        return _OVERCOMMIT.read_text("ascii").strip() == "2"
    except (OSError, ValueError):
        return False
