"""Predictions as canonical JSON, read a few rows at a time (SPEC.md, section "Digests").

In: bytes from anyone. Out: predictions. A row is matched before it is parsed, so that no value is
made that a row cannot hold: neither nesting, nor a list without end, nor a text that is copied to
every row. Their digest decides in the end whether the bytes are the canonical ones.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench.data.predictions import Predictions
from biobench.errors import DataError

DERIVED = ("id", "y_true", "y_pred", "correct")
"""Columns that are not extras of the protocol: ``correct`` follows from the two before it."""
FORMS = {
    "id": "string",
    "y_true": "labels",
    "y_pred": "labels",
    "correct": "bool",
    "group": "string",
    "cluster": "string",
    "true_poisonous": "bool",
    "predicted_poisonous": "bool",
    "neighbours": "labels",
    "first_hit": "labels",
    "average_precision": "float",
}
"""Every column that a predictions file can have, and the kind of its values."""
EXTRAS = frozenset(FORMS) - frozenset(DERIVED)
LABELS = {"y_true", "y_pred"}
KINDS: Mapping[str, set[type]] = {"string": {str}, "bool": {bool}, "float": {int, float}}
MOST_TEXT = {"id": 8_192, "group": 256, "cluster": 8_192}
"""Most characters of a text: each element of an array of groups or clusters takes the memory of the
longest. An image of no group is a cluster by its path, which is as long as an id."""
MOST_LIST = 1_000
_ROWS = 2_048
"""Rows that are parsed at a time."""

# Possessive: what was matched is not tried again in another way.
_TEXT = rb'"(?:[^"\\\x00-\x1f]++|\\.)*+"'
_NUMBER = rb"-?[0-9]++(?:\.[0-9]++)?+(?:e[+-][0-9]++)?+"
_INTEGER = rb"-?[0-9]{1,10}+"
_LIST = rb"\[(?:%b(?:,%b){0,%d}+)?+\]" % (_INTEGER, _INTEGER, MOST_LIST - 1)
_LABEL = rb"(?:%b|%b)" % (_INTEGER, _LIST)
_CELL = rb"(?:%b|%b|%b|true|false)" % (_TEXT, _NUMBER, _LIST)
_EXTRA = rb'"[a-z_]{1,40}+":%b' % _CELL
_EXTRAS = rb"\{(?:%b(?:,%b){0,9}+)?+\}" % (_EXTRA, _EXTRA)
_ROW = re.compile(rb"\[%b,%b,%b,%b\]" % (_TEXT, _LABEL, _LABEL, _EXTRAS))


class Unsound(Exception):
    """Bytes that are not predictions, or exceed the limits; the text gives the reason."""


@dataclass(frozen=True)
class RowLimits:
    """The most rows, and the most bytes of columns, of the predictions of a task."""

    rows: int
    columns: int


def predictions_of(task: str, data: bytes | memoryview, limits: RowLimits) -> Predictions:
    """The predictions of a member of canonical JSON ``[[id, y_true, y_pred, extras], ...]``.

    Raises:
        Unsound: The bytes are others, or have more rows or larger columns than a task can have.
    """
    ids: list[str] = []
    parts: dict[str, list[npt.NDArray[Any]]] = {}
    for rows in _rows(task, data, limits.rows):
        ids += [row[0] for row in rows]
        names = set(rows[0][3])
        if any(set(row[3]) != names for row in rows) or (parts and set(parts) != names | LABELS):
            raise Unsound(f"the predictions of {task} have different columns")
        columns = {"y_true": [row[1] for row in rows], "y_pred": [row[2] for row in rows]}
        for name in sorted(names):
            if name not in EXTRAS:
                raise Unsound(f"the predictions of {task} have an unknown column {name!r}")
            columns[name] = [row[3][name] for row in rows]
        for name, values in columns.items():
            parts.setdefault(name, []).append(_array(task, name, values))
        if sum(_size(arrays) for arrays in parts.values()) > limits.columns:
            raise Unsound(f"the predictions of {task} hold more than {limits.columns >> 20} MiB")
    found = {name: _whole(task, name, arrays) for name, arrays in parts.items()}
    empty = np.zeros(0, np.int32)
    truth, predicted = found.pop("y_true", empty), found.pop("y_pred", empty)
    try:
        predictions = Predictions(tuple(ids), truth, predicted, found)
        digest = predictions.digest
    except (DataError, ValueError) as error:
        raise Unsound(f"the predictions of {task}: {error}") from error
    if digest != f"sha256:{hashlib.sha256(data).hexdigest()}":
        raise Unsound(f"the predictions of {task} are not canonical JSON")
    return predictions


def _rows(task: str, data: bytes | memoryview, most: int) -> Iterator[list[Any]]:
    """Rows as JSON values, some at a time."""
    odd = f"the predictions of {task} are not a list of id, truth, prediction, extras"
    if bytes(data[:1]) != b"[" or bytes(data[-1:]) != b"]":
        raise Unsound(odd)
    at, end, count = 1, len(data) - 1, 0
    while at < end:
        first = at
        for _ in range(_ROWS):
            match = _ROW.match(data, at, end)
            if match is None:
                raise Unsound(odd)
            count += 1
            at = match.end()
            if at == end:
                break
            if bytes(data[at : at + 1]) != b",":
                raise Unsound(odd)
            at += 1
        if count > most:
            raise Unsound(f"the predictions of {task} are more than {most:,}")
        text = bytes(data[first:at]).removesuffix(b",")
        rows: list[Any] = json.loads(b"[%b]" % text)
        if any(len(row[0]) > MOST_TEXT["id"] for row in rows):
            raise Unsound(odd)
        yield rows
        if at == end and bytes(data[at - 1 : at]) == b",":
            raise Unsound(odd)


def _array(task: str, name: str, values: list[Any]) -> npt.NDArray[Any]:
    """Cells of a column as an array of the only kind that it can have."""
    form = FORMS[name]
    kinds = {type(value) for value in values}
    if form == "labels":
        lengths = {len(value) if isinstance(value, list) else -1 for value in values}
        if len(lengths) > 1 or not kinds <= {int, list}:
            raise Unsound(f"the predictions of {task} have invalid values in column {name!r}")
        array = np.array(values, np.int64)
        if array.size and np.abs(array).max() > np.iinfo(np.int32).max:
            raise Unsound(f"the predictions of {task} have labels that are not label ids")
        return array.astype(np.int32)
    if not kinds <= KINDS[form]:
        raise Unsound(f"the predictions of {task} have invalid values in column {name!r}")
    if form == "string" and max(map(len, values)) > MOST_TEXT[name]:
        raise Unsound(f"the predictions of {task} have too long a text in column {name!r}")
    return np.array(values, np.float64 if form == "float" else None)


def _whole(task: str, name: str, parts: list[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Join the parts of a column."""
    widths = {part.shape[1:] for part in parts}
    if len(widths) > 1:
        raise Unsound(f"the predictions of {task} have lists of unequal length in column {name!r}")
    return np.concatenate(parts)


def _size(parts: list[npt.NDArray[Any]]) -> int:
    """Bytes of a column: every text takes as much memory as the longest."""
    return max(part.itemsize for part in parts) * sum(part.size for part in parts)
