"""What every metric asks of its arguments, so that nothing is scored that was not meant.

In: anything. Out: arrays and numbers of the kind that a metric is defined on, or one line that says
what is wrong (SPEC.md, section "Metrics").
"""

from __future__ import annotations

import operator
from numbers import Real
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from biobench._common.text import short
from biobench.errors import UsageError
from biobench.spec.documents import Division

DIVISIONS: tuple[str, ...] = get_args(Division)
_LARGEST = int(np.iinfo(np.int64).max)


def as_array(values: Any, name: str, *, kinds: str, remedy: str) -> npt.NDArray[Any]:
    """An array whose dtype is of one of ``kinds``; UsageError otherwise.

    An empty one may be of any kind, as NumPy makes an empty list float64.
    """
    try:
        array = np.asarray(values)
    except (ValueError, TypeError) as error:
        raise UsageError(f"{name} is no array of one shape", remedy=remedy) from error
    if array.size and array.dtype.kind not in kinds:
        raise UsageError(f"{name} holds {array.dtype} values", remedy=remedy)
    return array


def integers(values: Any, name: str, *, remedy: str) -> npt.NDArray[np.int64]:
    """Integers as int64, of any shape; UsageError for others and for those above 2^63 - 1."""
    array = as_array(values, name, kinds="iub", remedy=remedy)
    if array.dtype.kind == "u" and array.size and int(array.max()) > _LARGEST:
        raise UsageError(f"{name} holds a number above 2^63 - 1", remedy=remedy)
    return array.astype(np.int64)


def flags(values: Any, name: str, size: int | None = None) -> npt.NDArray[np.bool_]:
    """Booleans (n,), which may be written 0 and 1; UsageError otherwise or unless n is ``size``."""
    remedy = "pass true or false for each item"
    array = as_array(values, name, kinds="iub", remedy=remedy)
    _one_axis(array, name, size, remedy)
    if not np.isin(array, (0, 1)).all():
        raise UsageError(f"{name} holds a value that is neither 0 nor 1", remedy=remedy)
    return array.astype(np.bool_)


def reals(
    values: Any,
    name: str,
    size: int | None = None,
    *,
    remedy: str = "pass one number for each item",
) -> npt.NDArray[np.float64]:
    """Finite real numbers as float64 (n,); UsageError otherwise, or unless n is ``size``."""
    array = as_array(values, name, kinds="fiu", remedy=remedy)
    _one_axis(array, name, size, remedy)
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise UsageError(f"{name} holds NaN or an infinity", remedy=remedy)
    return array


def _one_axis(array: npt.NDArray[Any], name: str, size: int | None, remedy: str) -> None:
    if array.ndim != 1:
        raise UsageError(f"{name} has {array.ndim} axes", remedy=remedy)
    if size is not None and array.size != size:
        raise UsageError(f"{name} has {array.size} values for {size} items", remedy=remedy)


def whole(value: Any, name: str, least: int) -> int:
    """An integer of at least ``least``; UsageError otherwise."""
    remedy = f"pass an integer of at least {least}"
    try:
        number = operator.index(value)
    except TypeError as error:
        raise UsageError(f"{name} is {short(value)}", remedy=remedy) from error
    if number < least:
        raise UsageError(f"{name} is {number}", remedy=remedy)
    return number


def share(value: Any, name: str) -> None:
    """UsageError unless a number between 0 and 1, both left out."""
    if not isinstance(value, Real) or not 0 < float(value) < 1:
        remedy = "pass a number between 0 and 1"
        raise UsageError(f"{name} is {short(value)}", remedy=remedy)


def known_division(division: Any) -> None:
    """UsageError unless the name of a division: a slip must not score by official rules."""
    if not isinstance(division, str) or division not in DIVISIONS:
        *others, last = DIVISIONS
        raise UsageError(
            f"there is no division {short(division)}",
            remedy=f"pass {', '.join(others)} or {last}",
        )
