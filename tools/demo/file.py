"""A file of the demo suite, and how many pictures a class gets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from demo.draws import Draws

Draw = Callable[[], bytes]
Name = TypeVar("Name")


@dataclass(frozen=True)
class File:
    """One file of the suite: its path below the demo folder, and what makes its bytes."""

    path: str
    draw: Draw


def class_sizes(name: str, classes: Sequence[Name], sizes: Sequence[int]) -> dict[Name, int]:
    """The size of each class, drawn among those given."""
    # Which class is common must not follow from the order of the names.
    order = Draws(f"{name}/sizes").shuffled(len(classes))
    return {classes[k]: size for k, size in zip(order, sizes, strict=True)}
