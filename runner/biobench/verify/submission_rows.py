"""The predictions in a submission: canonical JSON of anybody's, read a few rows at a time.

In: the bytes of a member. Out: predictions. A row is matched before it is parsed, so that no value
is made that a row cannot hold: neither nesting, nor a list without end, nor a text that is copied
to every row. Whether the bytes are the canonical ones is seen from their digest in the end.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench.data.unpack.refused import Refused
from biobench.errors import DataError
from biobench.probe.predictions import Predictions
from biobench.report.read import EXTRAS, FORMS, MOST_TEXT

MOST_ROWS = 200_000
"""Of a task. The largest test split of the specification has 151,236 items."""
MOST_ALL_ROWS = 400_000
"""Of all tasks. Those of the suite biobench are about 300,000 together."""
MOST_CELLS = 2_000_000
"""Of all lists of all tasks. Nine traits of 18,015 items have 324,270."""
MOST_COLUMNS = 64 << 20
"""Bytes of the columns of a task. Those of 200,000 items with a group and five neighbours are 50 MB
where the longest group has 40 characters."""
MOST_LIST = 1_000
LABELS = {"y_true", "y_pred"}
KINDS: Mapping[str, set[type]] = {"string": {str}, "bool": {bool}, "float": {int, float}}
_ROWS = 2_048
"""Rows that are parsed at a time."""

# Possessive: what was matched is not tried again in another way.
_TEXT = rb'"(?:[^"\\\x00-\x1f]++|\\.)*+"'
_NUMBER = rb"-?[0-9]++(?:\.[0-9]++)?+(?:e[+-][0-9]++)?+"
_WHOLE = rb"-?[0-9]{1,10}+"
_LIST = rb"\[(?:%b(?:,%b){0,%d}+)?+\]" % (_WHOLE, _WHOLE, MOST_LIST - 1)
_LABEL = rb"(?:%b|%b)" % (_WHOLE, _LIST)
_CELL = rb"(?:%b|%b|%b|true|false)" % (_TEXT, _NUMBER, _LIST)
_EXTRA = rb'"[a-z_]{1,40}+":%b' % _CELL
_EXTRAS = rb"\{(?:%b(?:,%b){0,9}+)?+\}" % (_EXTRA, _EXTRA)
_ROW = re.compile(rb"\[%b,%b,%b,%b\]" % (_TEXT, _LABEL, _LABEL, _EXTRAS))


def held_predictions(members: Mapping[str, memoryview]) -> dict[str, Predictions]:
    """The predictions of members by task; raises Refused as :func:`predictions_of`, and for more of
    them than all tasks together can have."""
    held: dict[str, Predictions] = {}
    rows = cells = 0
    for task, data in members.items():
        found = held[task] = predictions_of(task, data)
        rows += len(found.ids)
        columns = (found.y_true, found.y_pred, *found.extras.values())
        cells += sum(column.size for column in columns if column.ndim > 1)
        if rows > MOST_ALL_ROWS or cells > MOST_CELLS:
            raise Refused(
                f"it has more than {MOST_ALL_ROWS:,} predictions, or {MOST_CELLS:,} values in lists"
            )
    return held


def predictions_of(task: str, data: bytes | memoryview) -> Predictions:
    """The predictions of a member of canonical JSON ``[[id, y_true, y_pred, extras], ...]``.

    Raises Refused for other bytes, and for more rows or larger columns than a task can have.
    """
    ids: list[str] = []
    parts: dict[str, list[npt.NDArray[Any]]] = {}
    for rows in _rows(task, data):
        ids += [row[0] for row in rows]
        names = set(rows[0][3])
        if any(set(row[3]) != names for row in rows) or (parts and set(parts) != names | LABELS):
            raise Refused(f"the predictions of {task} have different columns")
        columns = {"y_true": [row[1] for row in rows], "y_pred": [row[2] for row in rows]}
        for name in sorted(names):
            if name not in EXTRAS:
                raise Refused(f"the predictions of {task} have an odd column {name!r}")
            columns[name] = [row[3][name] for row in rows]
        for name, values in columns.items():
            parts.setdefault(name, []).append(_array(task, name, values))
        if sum(_size(arrays) for arrays in parts.values()) > MOST_COLUMNS:
            raise Refused(f"the predictions of {task} hold more than {MOST_COLUMNS >> 20} MiB")
    found = {name: _whole(task, name, arrays) for name, arrays in parts.items()}
    empty = np.zeros(0, np.int32)
    truth, predicted = found.pop("y_true", empty), found.pop("y_pred", empty)
    try:
        predictions = Predictions(tuple(ids), truth, predicted, found)
        digest = predictions.digest
    except (DataError, ValueError) as error:
        raise Refused(f"the predictions of {task}: {error}") from error
    if digest != f"sha256:{hashlib.sha256(data).hexdigest()}":
        raise Refused(f"the predictions of {task} are not canonical JSON")
    return predictions


def _rows(task: str, data: bytes | memoryview) -> Iterator[list[Any]]:
    """Rows as JSON values, some at a time."""
    odd = f"the predictions of {task} are no list of id, truth, prediction, extras"
    if bytes(data[:1]) != b"[" or bytes(data[-1:]) != b"]":
        raise Refused(odd)
    at, end, count = 1, len(data) - 1, 0
    while at < end:
        first = at
        for _ in range(_ROWS):
            match = _ROW.match(data, at, end)
            if match is None:
                raise Refused(odd)
            count += 1
            at = match.end()
            if at == end:
                break
            if bytes(data[at : at + 1]) != b",":
                raise Refused(odd)
            at += 1
        if count > MOST_ROWS:
            raise Refused(f"the predictions of {task} are more than {MOST_ROWS:,}")
        text = bytes(data[first:at]).removesuffix(b",")
        rows: list[Any] = json.loads(b"[%b]" % text)
        if any(len(row[0]) > MOST_TEXT["id"] for row in rows):
            raise Refused(odd)
        yield rows
        if at == end and bytes(data[at - 1 : at]) == b",":
            raise Refused(odd)


def _array(task: str, name: str, values: list[Any]) -> npt.NDArray[Any]:
    """Cells of a column as an array of the one kind that it can have."""
    form = FORMS[name]
    kinds = {type(value) for value in values}
    if form == "labels":
        lengths = {len(value) if isinstance(value, list) else -1 for value in values}
        if len(lengths) > 1 or not kinds <= {int, list}:
            raise Refused(f"the predictions of {task} have an odd column {name!r}")
        array = np.array(values, np.int64)
        if array.size and np.abs(array).max() > np.iinfo(np.int32).max:
            raise Refused(f"the predictions of {task} have labels that are no label ids")
        return array.astype(np.int32)
    if not kinds <= KINDS[form]:
        raise Refused(f"the predictions of {task} have an odd column {name!r}")
    if form == "string" and max(map(len, values)) > MOST_TEXT["group"]:
        raise Refused(f"the predictions of {task} have an absurd text in column {name!r}")
    return np.array(values, np.float64 if form == "float" else None)


def _whole(task: str, name: str, parts: list[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """A column of its parts."""
    widths = {part.shape[1:] for part in parts}
    if len(widths) > 1:
        raise Refused(f"the predictions of {task} have lists of unequal length in column {name!r}")
    return np.concatenate(parts)


def _size(parts: list[npt.NDArray[Any]]) -> int:
    """Bytes of a column: every text has the room of the longest."""
    return max(part.itemsize for part in parts) * sum(part.size for part in parts)


def claimed_rows(tasks: Mapping[str, Any]) -> None:
    """Hold the counts that a result claims to what a submission can have; raises Refused."""
    total = 0
    for task, entry in tasks.items():
        if entry["declared"]:
            continue
        counts = entry.get("counts")
        count = counts.get("test") if isinstance(counts, dict) else None
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            raise Refused(f"the entry of task {task} does not say how many items it scored")
        if count > MOST_ROWS:
            raise Refused(f"task {task} claims {count:,} predictions, more than {MOST_ROWS:,}")
        total += count
    if total > MOST_ALL_ROWS:
        raise Refused(f"its tasks claim {total:,} predictions, more than {MOST_ALL_ROWS:,}")
