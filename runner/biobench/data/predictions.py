"""The predictions of one task (SPEC.md, section "Digests").

In: a probe's decisions on the scored items. Out: a value with a digest that metrics read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench.errors import DataError
from biobench.spec.canonical import MAX_SAFE_INTEGER, canonical_json, encoded

_ROWS = 4096
"""Rows that are written at a time."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """Truth and prediction of the scored items, in manifest order.

    Attributes:
        ids: Unique item ids.
        y_true: True label ids, int32, shape (n,), of which -1 is the unknown class; in a traits
            task the 0 or 1 of each trait, int32, shape (n, traits).
        y_pred: Predictions, like ``y_true``.
        extras: Further columns by name, each with n rows. A task with groups has ``group``, strings
            (n,); one whose layout has clusters has ``cluster``, strings (n,). Protocol knn gives
            ``neighbours`` int32 (n, 5), manifest rows with -1 where there are fewer; ``first_hit``
            int32 (n,), rank from 1 of the first row of the right class, 0 where there is none; and
            ``average_precision`` float64 (n,).

    Raises:
        DataError: Ids are repeated, columns have unequal lengths, or truth and prediction unequal
            shapes.
    """

    ids: tuple[str, ...]
    y_true: npt.NDArray[np.int32]
    y_pred: npt.NDArray[np.int32]
    extras: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        columns = {"y_true": self.y_true, "y_pred": self.y_pred, **self.extras}
        for name, column in columns.items():
            if len(column) != len(self.ids):
                raise DataError(
                    f"column {name} has {len(column)} rows for {len(self.ids)} items",
                    remedy="predictions need one row for each scored item",
                )
        if self.y_true.shape != self.y_pred.shape:
            raise DataError(
                f"y_pred has shape {self.y_pred.shape}, y_true {self.y_true.shape}",
                remedy="predict one label, or one value for each trait",
            )
        if len(set(self.ids)) != len(self.ids):
            seen: set[str] = set()
            repeated = next(i for i in self.ids if i in seen or seen.add(i))  # type: ignore[func-returns-value]
            raise DataError(
                f"item id {repeated!r} occurs twice", remedy="every scored item needs its own id"
            )

    @property
    def clusters(self) -> npt.NDArray[np.str_]:
        """Name of each item's cluster, strings (n,): its id where the task has no clusters."""
        own = self.extras.get("cluster")
        return np.array(self.ids, dtype=np.str_) if own is None else own

    def value(self) -> list[list[Any]]:
        """``[[id, y_true, y_pred, extras], ...]`` as a JSON value; extras is an object by column
        name.

        Truth and prediction are label ids, or lists of them in a traits task.
        """
        names = tuple(self.extras)
        columns = [self.extras[name].tolist() for name in names]
        truth, prediction = self.y_true.tolist(), self.y_pred.tolist()
        return [
            [
                item,
                truth[i],
                prediction[i],
                {name: column[i] for name, column in zip(names, columns, strict=True)},
            ]
            for i, item in enumerate(self.ids)
        ]

    def canonical(self) -> Iterator[bytes]:
        """Canonical JSON of :meth:`value` in parts of some thousand rows, each made quickly and in
        the memory of one part.

        Raises:
            ValueError: As :func:`canonical_json`.
        """
        names = sorted(self.extras, key=lambda name: name.encode("utf-16-be"))
        columns = [self.y_true, self.y_pred, *(self.extras[name] for name in names)]
        heads = [encoded(name) for name in names]
        yield b"["
        for first in range(0, len(self.ids), _ROWS):
            part = slice(first, first + _ROWS)
            ids = map(encoded, self.ids[part])
            truth, predicted, *extras = (_written(column[part]) for column in columns)
            rows = [
                f"[{id},{y},{p},{{{','.join(map(':'.join, zip(heads, row, strict=True)))}}}]"
                for id, y, p, *row in zip(ids, truth, predicted, *extras, strict=True)
            ]
            yield ("," * bool(first) + ",".join(rows)).encode("utf-8", "strict")
        yield b"]"

    @cached_property
    def digest(self) -> str:
        """Digest of :meth:`value`."""
        hasher = hashlib.sha256()
        for part in self.canonical():
            hasher.update(part)
        return f"sha256:{hasher.hexdigest()}"


def _written(column: npt.NDArray[Any]) -> list[str]:
    """The cells of a column as canonical JSON."""
    small = column.dtype.kind == "i" and (
        not column.size or np.abs(column).max() <= MAX_SAFE_INTEGER
    )
    if small:
        if column.ndim == 1:
            return list(map(str, column.tolist()))
        if column.ndim == 2:
            return [f"[{','.join(map(str, row))}]" for row in column.tolist()]
    if column.dtype.kind == "U" and column.ndim == 1:
        return list(map(encoded, column.tolist()))
    return [canonical_json(cell).decode() for cell in column.tolist()]
