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
_LIMIT, _USED = "memory.max", "memory.current"
_GROUP = Path("/sys/fs/cgroup")


def available_memory() -> int:
    """Bytes that are free or can be freed, by the system and the limits of a container and of this
    process; all of the machine's where the system does not say."""
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
    limit_of_process = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit_of_process != resource.RLIM_INFINITY:
        with contextlib.suppress(OSError, ValueError):
            taken = int(_STATM.read_text("ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")
            found.append(limit_of_process - taken)
    return max(min(found), 0)


def can_be_refused() -> bool:
    """True where the system refuses memory to this process beyond a limit; elsewhere it promises
    more than it has, and ends a process that uses it."""
    limits = (resource.RLIMIT_AS, resource.RLIMIT_DATA)
    if any(resource.getrlimit(limit)[0] != resource.RLIM_INFINITY for limit in limits):
        return True
    try:
        return _OVERCOMMIT.read_text("ascii").strip() == "2"
    except (OSError, ValueError):
        return False
