"""The division whose rules a metric follows (SPEC.md, section "Metrics")."""

from __future__ import annotations

from typing import Any, get_args

from biobench._common.text import short
from biobench.errors import ArgumentError
from biobench.spec.documents import Division

DIVISIONS: tuple[str, ...] = get_args(Division)


def known_division(division: Any) -> None:
    """Raise ArgumentError unless ``division`` is a known name, so that no typing error scores
    officially."""
    if not isinstance(division, str) or division not in DIVISIONS:
        *others, last = DIVISIONS
        raise ArgumentError(
            f"there is no division {short(division)}",
            remedy=f"pass {', '.join(others)} or {last}",
        )
