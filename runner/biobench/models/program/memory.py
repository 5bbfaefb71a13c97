"""Memory that a program or a graph takes, compared with what is free."""

from __future__ import annotations

from biobench._common.memory import available_memory
from biobench.errors import ModelError


def require_memory(
    needed: int, where: str, purpose: str, remedy: str = "use a machine with more memory"
) -> None:
    """Raise ModelError where fewer than ``needed`` bytes are free."""
    free = available_memory()
    if needed > free:
        raise ModelError(
            f"needs {needed >> 20:,} MiB {purpose}, and {free >> 20:,} MiB are free",
            where=where,
            remedy=remedy,
        )
