"""Parameters of the estimators, checked (SPEC.md, section "Protocols").

In: a parameter's name and value. Out: nothing, or an ArgumentError of one line.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Integral
from typing import Any

import numpy as np

from biobench._common.text import short
from biobench.probe.errors import ArgumentError


def whole_number(name: str, value: Any, least: int | None = None) -> None:
    """ArgumentError unless an integer, Python's or NumPy's, of at least ``least``."""
    if (
        isinstance(value, bool)
        or not isinstance(value, Integral)
        or (least is not None and value < least)
    ):
        kind = "a whole number" if least is None else f"a whole number of {least} or more"
        raise ArgumentError(f"{name} is {short(value)}", remedy=f"give {kind}")


def real_number(
    name: str,
    value: Any,
    *,
    least: float = -np.inf,
    above: float = -np.inf,
    most: float = np.inf,
    below: float = np.inf,
) -> None:
    """ArgumentError unless a finite number, Python's or NumPy's, within the bounds."""
    fits = (
        isinstance(value, int | float | np.integer | np.floating)
        and not isinstance(value, bool)
        and _finite(value)
        and least <= value <= most
        and above < value < below
    )
    if not fits:
        bounds = [
            f"{word} {bound:g}"
            for word, bound in (
                ("of at least", least), ("above", above), ("at most", most), ("below", below)
            )
            if np.isfinite(bound)
        ]  # fmt: skip
        kind = " ".join(["a finite number", " and ".join(bounds)]).strip()
        raise ArgumentError(f"{name} is {short(value)}", remedy=f"give {kind}")


def _finite(value: float | np.integer[Any] | np.floating[Any]) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        # An integer beyond the largest float.
        return False


def one_of(name: str, value: Any, choices: Iterable[str]) -> None:
    """ArgumentError unless one of ``choices``."""
    if not isinstance(value, str) or value not in choices:
        raise ArgumentError(f"{name} is {short(value)}", remedy=f"give {' or '.join(choices)}")


def text(name: str, value: Any) -> None:
    """ArgumentError unless a string."""
    if not isinstance(value, str):
        raise ArgumentError(f"{name} is {short(value)}", remedy="give a string")


def function(name: str, value: Any) -> None:
    """ArgumentError unless None or something that can be called."""
    if value is not None and not callable(value):
        raise ArgumentError(
            f"{name} is {short(value)}", remedy="give a function of one number, or None"
        )
