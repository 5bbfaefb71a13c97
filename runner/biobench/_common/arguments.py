"""Checks of the arguments of estimators and metrics, before anything is computed.

In: an argument's name and value, which may be anything. Out: arrays and numbers of the kind that is
asked for, or an ArgumentError of one line.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench._common.text import short
from biobench.errors import ArgumentError

_LARGEST = int(np.iinfo(np.int64).max)


def whole_number(name: str, value: Any, least: int | None = None) -> int:
    """An integer, Python's or NumPy's, of at least ``least``; ArgumentError otherwise."""
    if (
        isinstance(value, bool)
        or not isinstance(value, Integral)
        or (least is not None and value < least)
    ):
        kind = "a whole number" if least is None else f"a whole number of {least} or more"
        raise ArgumentError(f"{name} is {short(value)}", remedy=f"give {kind}")
    return int(value)


def real_number(
    name: str,
    value: Any,
    *,
    least: float = -np.inf,
    above: float = -np.inf,
    most: float = np.inf,
    below: float = np.inf,
) -> None:
    """Raise ArgumentError unless the value is a finite number, Python's or NumPy's, within the
    bounds."""
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
    """Raise ArgumentError unless the value is one of ``choices``."""
    if not isinstance(value, str) or value not in choices:
        raise ArgumentError(f"{name} is {short(value)}", remedy=f"give {' or '.join(choices)}")


def text(name: str, value: Any) -> None:
    """Raise ArgumentError unless the value is a string."""
    if not isinstance(value, str):
        raise ArgumentError(f"{name} is {short(value)}", remedy="give a string")


def function(name: str, value: Any) -> None:
    """Raise ArgumentError unless the value is None or can be called."""
    if value is not None and not callable(value):
        raise ArgumentError(
            f"{name} is {short(value)}", remedy="give a function of one number, or None"
        )


def as_array(name: str, values: npt.ArrayLike) -> npt.NDArray[Any]:
    """Return an array of whatever NumPy can read.

    Raises:
        ArgumentError: NumPy cannot read the value.
    """
    try:
        return np.asarray(values)
    except (ValueError, TypeError, RuntimeError) as error:
        # Rows of unequal lengths, or a tensor on a GPU.
        raise ArgumentError(
            f"{name} cannot be read as an array: {' '.join(str(error).split())}",
            remedy="pass an array, or rows of equal lengths",
        ) from None


def _of_kind(name: str, values: Any, kinds: str, remedy: str) -> npt.NDArray[Any]:
    """Return an array whose dtype is of one of ``kinds``; raise ArgumentError otherwise.

    An empty array may be of any kind, as NumPy makes an empty list float64.
    """
    array = as_array(name, values)
    if array.size and array.dtype.kind not in kinds:
        raise ArgumentError(f"{name} holds {array.dtype} values", remedy=remedy)
    return array


def integers(name: str, values: Any, *, remedy: str) -> npt.NDArray[np.int64]:
    """Return integers as int64, of any shape.

    Raises:
        ArgumentError: A value is not an integer, or is above 2^63 - 1.
    """
    array = _of_kind(name, values, "iub", remedy)
    if array.dtype.kind == "u" and array.size and int(array.max()) > _LARGEST:
        raise ArgumentError(f"{name} holds a number above 2^63 - 1", remedy=remedy)
    return array.astype(np.int64)


def flags(name: str, values: Any, size: int | None = None) -> npt.NDArray[np.bool_]:
    """Return booleans (n,), which may be written 0 and 1.

    Raises:
        ArgumentError: A value is something else, or n is not ``size``.
    """
    remedy = "pass true or false for each item"
    array = _of_kind(name, values, "iub", remedy)
    _one_axis(name, array, size, remedy)
    if not np.isin(array, (0, 1)).all():
        raise ArgumentError(f"{name} holds a value that is neither 0 nor 1", remedy=remedy)
    return array.astype(np.bool_)


def reals(
    name: str,
    values: Any,
    size: int | None = None,
    *,
    remedy: str = "pass one number for each item",
) -> npt.NDArray[np.float64]:
    """Return finite reals as float64 (n,).

    Raises:
        ArgumentError: A value is not a finite real, or n is not ``size``.
    """
    array = _of_kind(name, values, "fiu", remedy)
    _one_axis(name, array, size, remedy)
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise ArgumentError(f"{name} holds NaN or an infinity", remedy=remedy)
    return array


def _one_axis(name: str, array: npt.NDArray[Any], size: int | None, remedy: str) -> None:
    if array.ndim != 1:
        raise ArgumentError(f"{name} has {array.ndim} axes", remedy=remedy)
    if size is not None and array.size != size:
        raise ArgumentError(f"{name} has {array.size} values for {size} items", remedy=remedy)
