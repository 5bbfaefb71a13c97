"""Sizes of the train split: those of a learning curve, or the one of a run.

In: the text of the option. Out: sizes, ascending.
"""

from __future__ import annotations

import re

from biobench.data.sample import size_name
from biobench.errors import UsageError

Sizes = tuple[int | None, ...]
"""Sizes of the train split that are scored; None is all of it."""


def in_order(sizes: Sizes) -> Sizes:
    """Sizes ascending, the whole train split last.

    Raises:
        UsageError: The values are not sizes.
    """
    numbers = [size for size in sizes if size is not None]
    if not sizes or any(size < 1 for size in numbers) or len(set(sizes)) < len(sizes):
        raise UsageError(
            f"--n-train {','.join(map(size_name, sizes))} is not a list of sizes",
            remedy="give numbers from 1, and all, each once: 1,3,10,all",
        )
    return (*sorted(numbers), *([None] if None in sizes else []))


def parse_sizes(text: str) -> Sizes:
    """Parse the sizes of ``10`` or ``1,3,10,all``, ascending; None is the whole train split.

    Raises:
        UsageError: The text is something else.
    """
    words = [word.strip() for word in text.split(",")]
    if not all(word == "all" or re.fullmatch("[0-9]{1,9}", word) for word in words):
        raise UsageError(
            f"--n-train {text!r} is neither a size nor a list of sizes",
            remedy="give numbers from 1, and all: 10, or 1,3,10,all",
        )
    return in_order(tuple(None if word == "all" else int(word) for word in words))
