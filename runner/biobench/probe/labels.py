"""Labels of items, checked (SPEC.md, section "Protocols").

In: labels of any type, or label ids. Out: an array with one for each item, none missing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from biobench._common.arguments import as_array
from biobench.errors import ArgumentError


def checked_labels(values: npt.ArrayLike, rows: int) -> npt.NDArray[Any]:
    """Check labels of any type that can be sorted, one for each of ``rows`` rows, none of them
    missing.

    Raises:
        ArgumentError: The labels have another shape, one is NaN, an infinity, NaT or None, or they
            cannot be compared with each other.
    """
    labels = as_array("y", values)
    if labels.ndim != 1 or labels.size != rows:
        raise ArgumentError(
            f"y has shape {labels.shape} for {rows} rows", remedy="pass one label for each row"
        )
    missing = _missing(labels)
    if missing.any():
        row = int(np.argmax(missing))
        raise ArgumentError(
            f"y[{row}] is {labels[row]}, which is not a label",
            remedy="leave items without label out",
        )
    if labels.dtype.kind == "O":
        try:
            np.unique(labels)
        except TypeError:
            types = sorted({type(label).__name__ for label in labels})
            raise ArgumentError(
                f"y mixes labels of the types {', '.join(types)}", remedy="pass labels of one type"
            ) from None
    return labels


def _missing(labels: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    kind = labels.dtype.kind
    if kind in "fc":
        missing: npt.NDArray[np.bool_] = ~np.isfinite(labels)
    elif kind in "mM":
        missing = np.isnat(labels)
    elif kind == "O":
        missing = np.array([_is_missing(label) for label in labels], np.bool_)
    else:
        missing = np.zeros(labels.shape, np.bool_)
    return missing


def _is_missing(label: Any) -> bool:
    if label is None:
        return True
    try:
        # NaN and NaT differ from themselves; pandas' NA gives neither true nor false.
        return not bool(label == label) or label in (np.inf, -np.inf)  # noqa: PLR0124
    except (TypeError, ValueError):
        return True


def checked_ids(
    values: npt.ArrayLike, rows: int, classes: int | None = None
) -> npt.NDArray[np.integer[Any]]:
    """Check label ids, one for each of ``rows`` rows: integers from 0, below ``classes`` where
    given.

    Raises:
        ArgumentError: A value is another one, or they are not as many.
    """
    labels = checked_labels(values, rows)
    last = int(np.iinfo(np.int64).max) if classes is None else classes - 1
    if labels.dtype.kind not in "iu":
        raise ArgumentError(
            f"y holds labels of type {labels.dtype}", remedy="pass label ids, integers from 0"
        )
    wrong = (labels < 0) | (labels > last)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ArgumentError(
            f"y[{row}] is {labels[row]}",
            remedy=f"pass label ids from 0 to {'2^63 - 1' if classes is None else last}",
        )
    return labels
