"""A submission: a result with its predictions in one file (docs/official-results.md).

In: a result. Out: a tar archive without compression whose bytes follow from the result alone. On
the way back the file is anybody's: each header must be the one that would be written, so there is
nothing in it to follow, expand or overwrite, and nothing is unpacked to a disk.
"""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench._common.text import shown
from biobench.data.unpack.names import entry_parts
from biobench.data.unpack.refused import Refused
from biobench.errors import DataError
from biobench.probe.predictions import Predictions
from biobench.report.read import MOST_TEXT, read_predictions
from biobench.report.results import FILE as RESULTS
from biobench.report.results import MOST_DEPTH, Results, depth, results_of
from biobench.spec.canonical import CanonicalError, canonical_json, parse_json, sha256_bytes

SCHEMA = "biobench.submission/1"
HEAD = "submission.json"
BLOCK = tarfile.BLOCKSIZE
END = bytes(2 * BLOCK)
MOST_FILE = 256 << 20
MOST_MEMBER = 64 << 20
"""Predictions of a million items take less."""
MOST_MEMBERS = 1_000
_REMEDY = "ask for the file that `biobench submit` wrote, unchanged"


def submission_bytes(results: Results) -> bytes:
    """The file of a result; raises DataError where its predictions are not those it was scored on.

    Members, in this order: ``submission.json``, canonical JSON; ``results.json``, as a run writes
    it, since canonical JSON would lose the order of the tasks; and for each task that was run
    ``predictions/<task>.json``, canonical JSON, whose sha256 is the digest of the predictions.
    """
    members = {RESULTS: results.to_json().encode()}
    for task, entry in results.tasks.items():
        if not entry["declared"]:
            members[_place(task)] = canonical_json(read_predictions(results, task).value())
    return pack({HEAD: canonical_json(_head(results, members)), **members})


def _place(task: str) -> str:
    return f"predictions/{task}.json"


def _head(results: Results, members: Mapping[str, bytes]) -> dict[str, Any]:
    document = results.document
    return {
        "schema": SCHEMA,
        "spec": document["spec"],
        "result": document["digests"]["result"],
        "environment": document["environment"],
        "members": {path: sha256_bytes(data) for path, data in members.items()},
    }


def pack(members: Mapping[str, bytes]) -> bytes:
    """Members as a tar archive: in order, without times, owners or padding to records."""
    parts = []
    for path, data in members.items():
        parts += [_header(path, len(data)), data, bytes(-len(data) % BLOCK)]
    return b"".join([*parts, END])


def _header(path: str, size: int) -> bytes:
    """One block in the format ustar; raises Refused for a path that has no place in one."""
    if path != "/".join(entry_parts(path)) or not path.isascii() or len(path) > 100:
        raise Refused(f"the member {shown(path[:120])!r} has a name that none can have")
    member = tarfile.TarInfo(path)
    member.size, member.mode = size, 0o644
    return member.tobuf(tarfile.USTAR_FORMAT)


def unpack(data: bytes) -> dict[str, bytes]:
    """Members of an archive by path; raises Refused unless :func:`pack` would write these bytes."""
    members: dict[str, bytes] = {}
    at = 0
    while data[at : at + BLOCK] != bytes(BLOCK):
        header = data[at : at + BLOCK]
        if len(header) < BLOCK:
            raise Refused("it ends early")
        if len(members) == MOST_MEMBERS:
            raise Refused(f"it has more than {MOST_MEMBERS} members")
        path, size = _named(header)
        if path in members:
            raise Refused(f"{path} is twice in it")
        at += BLOCK
        members[path] = data[at : at + size]
        if len(members[path]) < size:
            raise Refused(f"{path} ends early")
        at += size + -size % BLOCK
    if pack(members) != data:
        raise Refused("it has bytes after its end, or between its members")
    return members


def _named(header: bytes) -> tuple[str, int]:
    """Path and size of a header that is as it would be written; raises Refused for any other."""
    kinds = {tarfile.SYMTYPE: "a link", tarfile.LNKTYPE: "a link", tarfile.DIRTYPE: "a folder"}
    if header[257:263] != b"ustar\0":
        raise Refused("it is no tar archive, or another kind of one")
    path = header[:100].rstrip(b"\0").decode("utf-8", "surrogateescape")
    named = shown(path)
    if header[156:157] != tarfile.REGTYPE:
        raise Refused(f"{named!r} is {kinds.get(header[156:157], 'no plain file')}")
    digits = header[124:135]
    if not digits.isdigit() or any(digit in b"89" for digit in digits):
        raise Refused(f"{named!r} has a size that is no number")
    size = int(digits, 8)
    if size > MOST_MEMBER:
        raise Refused(f"{named!r} has more than {MOST_MEMBER >> 20} MiB")
    if _header(path, size) != header:
        raise Refused(f"{named!r} has a header with a time, an owner or another extra")
    return path, size


def submission_of(data: bytes, where: str) -> Results:
    """The result of a submission's bytes, which holds its predictions; ``where`` is for messages.

    Raises DataError for what is no submission, or whose parts do not belong together.
    """
    try:
        if data[:2] in (b"\x1f\x8b", b"PK", b"BZ") or data[:4] in (b"\xfd7zX", b"\x28\xb5\x2f\xfd"):
            raise Refused("it is compressed")
        return _results(unpack(data), where)
    except (Refused, CanonicalError, ValueError) as error:
        reason = shown(" ".join(str(error).split())[:300])
        raise DataError(f"is no submission: {reason}", where=where, remedy=_REMEDY) from error


def _results(members: Mapping[str, bytes], where: str) -> Results:
    values = {path: _value(path, data) for path, data in members.items()}
    names = list(members)
    if names[:2] != [HEAD, RESULTS]:
        raise Refused(f"it does not begin with {HEAD} and {RESULTS}")
    head = values[HEAD]
    if not isinstance(head, dict) or head.get("schema") != SCHEMA:
        raise Refused(f"its schema is not {SCHEMA}")
    results = results_of(values[RESULTS], f"{where}: {RESULTS}")
    ran = [id for id, entry in results.tasks.items() if _ran(id, entry)]
    if names[2:] != [_place(task) for task in ran]:
        raise Refused("it does not have the predictions of each task that was run, and no others")
    held = {task: _predictions(task, values[_place(task)]) for task in ran}
    found = Results(results.document, None, held)
    body = {path: members[path] for path in names[1:]}
    try:
        same = head == _head(found, body)
    except (KeyError, TypeError):
        same = False
    if not same:
        raise Refused(f"{HEAD} is not that of its members")
    return found


def _ran(id: str, entry: Any) -> bool:
    if not isinstance(entry, dict) or not isinstance(entry.get("declared"), bool):
        raise Refused(f"the entry of task {id[:80]!r} does not say whether it is declared")
    return not entry["declared"]


def _value(path: str, data: bytes) -> Any:
    value = parse_json(data)
    if depth(value) > MOST_DEPTH:
        raise Refused(f"{path} is nested too deeply")
    if path == RESULTS:
        if Results(value).to_json().encode() != data:
            raise Refused(f"{path} is not written as a run writes it")
    elif canonical_json(value) != data:
        raise Refused(f"{path} is not canonical JSON")
    return value


def _predictions(task: str, rows: Any) -> Predictions:
    """Predictions of ``[[id, y_true, y_pred, extras], ...]``; raises Refused for another value."""
    if not isinstance(rows, list) or not all(_is_row(row) for row in rows):
        raise Refused(f"the predictions of {task} are no list of id, truth, prediction, extras")
    names = sorted(rows[0][3]) if rows else []
    if any(sorted(row[3]) != names for row in rows):
        raise Refused(f"the predictions of {task} have different columns")
    extras = {name: _column(task, name, [row[3][name] for row in rows]) for name in names}
    truth, predicted = (_labels(task, [row[i] for row in rows]) for i in (1, 2))
    try:
        return Predictions(tuple(row[0] for row in rows), truth, predicted, extras)
    except DataError as error:
        raise Refused(f"the predictions of {task}: {error}") from error


def _is_row(row: Any) -> bool:
    return (
        isinstance(row, list)
        and len(row) == 4
        and isinstance(row[0], str)
        and len(row[0]) <= MOST_TEXT["id"]
        and isinstance(row[3], dict)
    )


def _labels(task: str, values: list[Any]) -> npt.NDArray[np.int32]:
    column = _column(task, "labels", values)
    if values and (column.dtype.kind != "i" or np.abs(column).max() > np.iinfo(np.int32).max):
        raise Refused(f"the predictions of {task} have labels that are no label ids")
    return column.astype(np.int32)


def _column(task: str, name: str, values: list[Any]) -> npt.NDArray[Any]:
    """A column of texts, flags or numbers, or of lists of whole numbers, all of one kind."""
    kinds = {type(value) for value in values}
    lists = kinds == {list}
    inner = {type(item) for value in values for item in value} if lists else kinds
    if inner <= {int, float} and inner != {int}:
        inner = {float}
    if len(inner) > 1 or not inner <= {str, bool, int, float} or (lists and inner != {int}):
        raise Refused(f"the predictions of {task} have an odd column {name[:80]!r}")
    if inner == {str} and max(map(len, values)) > MOST_TEXT["group"]:
        raise Refused(f"the predictions of {task} have an absurd text in column {name[:80]!r}")
    return np.array(values)
