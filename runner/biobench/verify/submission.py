"""A submission: a result with its predictions in one file (docs/official-results.md).

In: a result. Out: a tar archive without compression whose bytes follow from the result alone. When
it is read, the file may come from anyone: each header must be the one that would be written, so
there is nothing in it to follow, expand or overwrite, and nothing is unpacked to a disk.
"""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from typing import Any

from biobench._common.text import joined, short
from biobench.data.unpack.archive_error import ArchiveError
from biobench.data.unpack.names import entry_parts
from biobench.errors import DataError, shown
from biobench.report.item_digests import FOLDER as EVIDENCE
from biobench.report.item_digests import MOST_BYTES as MOST_LEAVES
from biobench.report.item_digests import STAGES, files_of, parse_item_digests, place_of
from biobench.report.result_document import MOST_DEPTH, document_of, size_of
from biobench.report.results import FILE as RESULTS
from biobench.report.results import Results, results_of
from biobench.spec.canonical import CanonicalError, canonical_json, parse_json, sha256_bytes
from biobench.verify.submission_rows import claimed_rows, member_predictions

SCHEMA = "biobench.submission/1"
HEAD = "submission.json"
BLOCK = tarfile.BLOCKSIZE
END = bytes(2 * BLOCK)
MOST_REST = 64 << 20
"""Most bytes without the digests of items, which are compared and never parsed."""
MOST_DIGESTS = 192 << 20
"""Most bytes of the digests of items. Those of the suite biobench take 110 MB."""
MOST_FILE = MOST_REST + MOST_DIGESTS
MOST_MEMBER = 32 << 20
"""Predictions of 200,000 items with names of 100 characters take 25 MB."""
MOST_HEAD = 1 << 20
MOST_RESULT = 4 << 20
MOST_TASKS = 100
MOST_MEMBERS = 2 + 3 * MOST_TASKS
_REMEDY = "ask for the file that `biobench submit` wrote, unchanged"


def submission_bytes(results: Results) -> bytes:
    """The file of a result.

    Members, in this order: ``submission.json``, canonical JSON; ``results.json``, as a run writes
    it, since canonical JSON would lose the order of the tasks; and for each task that was run
    ``predictions/<task>.json``, canonical JSON, whose sha256 is the digest of the predictions;
    then the digests of its items, ``evidence/<task>.pixels`` and ``evidence/<task>.features``.

    Raises:
        DataError: Predictions are not those that the result was scored on, or exceed the limits of
            a submission.
    """
    members = {RESULTS: results.to_json().encode()}
    for task, entry in results.tasks.items():
        if not entry["declared"]:
            found = results.predictions(task)
            members[_place(task)] = b"".join(found.canonical())
    for task, entry in results.tasks.items():
        if not entry["declared"]:
            members |= files_of(
                task, {stage: results.item_digests(task, stage) for stage in STAGES}
            )
    try:
        data = pack({HEAD: canonical_json(_head(results, members)), **members})
        # The limits are checked here too, so that a file that is written can be read.
        _results(unpack(data), RESULTS)
    except ArchiveError as error:
        raise DataError(
            f"cannot be submitted: {error}",
            where=str(results.folder or RESULTS),
            remedy="docs/official-results.md has the limits of a submission",
        ) from error
    return data


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
    """One block in the format ustar; raises ArchiveError for a path that does not fit in one."""
    if path != "/".join(entry_parts(path)) or not path.isascii() or len(path) > 100:
        raise ArchiveError(
            f"the member {shown(path[:120])!r} has an invalid name (ASCII, at most 100 characters, "
            "no ..)"
        )
    member = tarfile.TarInfo(path)
    member.size, member.mode = size, 0o644
    return member.tobuf(tarfile.USTAR_FORMAT)


def unpack(data: bytes) -> dict[str, memoryview]:
    """Members of an archive by path, as views of it, from its headers alone.

    Raises:
        ArchiveError: :func:`pack` would not write these bytes.
    """
    members: dict[str, memoryview] = {}
    view = memoryview(data)
    at = 0
    while data[at : at + BLOCK] != bytes(BLOCK):
        header = data[at : at + BLOCK]
        if len(header) < BLOCK:
            raise ArchiveError("it ends early")
        if len(members) == MOST_MEMBERS:
            raise ArchiveError(f"it has more than {MOST_MEMBERS} members")
        path, size = _named(header)
        if path in members:
            raise ArchiveError(f"{path} is twice in it")
        at += BLOCK
        members[path] = view[at : at + size]
        if len(members[path]) < size:
            raise ArchiveError(f"{path} ends early")
        at += size
        if any(data[at : at + -size % BLOCK]):
            raise ArchiveError("it has bytes between its members")
        at += -size % BLOCK
    if data[at:] != END:
        raise ArchiveError("it has bytes after its end, or no end")
    digests = sum(len(member) for path, member in members.items() if _is_digests(path))
    if digests > MOST_DIGESTS or len(data) - digests > MOST_REST:
        most = f"{MOST_DIGESTS >> 20} MiB of digests of items and {MOST_REST >> 20} MiB of the rest"
        raise ArchiveError(f"it has more than {most}")
    return members


def _is_digests(path: str) -> bool:
    return path.startswith(f"{EVIDENCE}/")


def _named(header: bytes) -> tuple[str, int]:
    """Path and size of a header as it would be written; raises ArchiveError for any other."""
    kinds = {tarfile.SYMTYPE: "a link", tarfile.LNKTYPE: "a link", tarfile.DIRTYPE: "a folder"}
    if header[257:263] != b"ustar\0":
        raise ArchiveError("it is not a tar archive, or another kind of one")
    path = header[:100].rstrip(b"\0").decode("utf-8", "surrogateescape")
    named = shown(path)
    if header[156:157] != tarfile.REGTYPE:
        raise ArchiveError(f"{named!r} is {kinds.get(header[156:157], 'no plain file')}")
    digits = header[124:135]
    if not digits.isdigit() or any(digit in b"89" for digit in digits):
        raise ArchiveError(f"{named!r} has a size that is not a number")
    size = int(digits, 8)
    most = MOST_LEAVES if _is_digests(path) else MOST_MEMBER
    if size > most:
        raise ArchiveError(f"{named!r} has more than {most >> 20} MiB")
    if _header(path, size) != header:
        raise ArchiveError(f"{named!r} has a header with a time, an owner or another extra")
    return path, size


def submission_of(data: bytes, where: str) -> Results:
    """The result of a submission's bytes, with its predictions; ``where`` is for messages.

    Raises:
        DataError: The bytes are not a submission, or its parts do not belong together.
    """
    try:
        if data[:2] in (b"\x1f\x8b", b"PK", b"BZ") or data[:4] in (b"\xfd7zX", b"\x28\xb5\x2f\xfd"):
            raise ArchiveError("it is compressed")
        return _results(unpack(data), where)
    except (ArchiveError, CanonicalError, ValueError) as error:
        reason = shown(joined(error), 400)
        raise DataError(f"is not a submission: {reason}", where=where, remedy=_REMEDY) from error


def _results(members: Mapping[str, memoryview], where: str) -> Results:
    """Read the parts in their order: names, head and hashes, the result, its claims, and then, task
    by task, the predictions. Each is compared with its limit before it is read."""
    names = list(members)
    if names[:2] != [HEAD, RESULTS]:
        raise ArchiveError(f"it does not begin with {HEAD} and {RESULTS}")
    head = _head_of(bytes(members[HEAD]))
    hashes = {path: sha256_bytes(members[path]) for path in names[1:]}
    if head.get("members") != hashes:
        raise ArchiveError(f"{HEAD} is not that of its members")
    results = _result_of(members[RESULTS], where)
    ran = [id for id, entry in results.tasks.items() if _ran(id, entry)]
    digests = [place_of(task, stage) for task in ran for stage in STAGES]
    if names[2:] != [*(_place(task) for task in ran), *digests]:
        raise ArchiveError(
            "it does not have predictions and digests of items of each task that was run, and no "
            "others"
        )
    claimed_rows(results.tasks)
    try:
        same = head == {**_head(results, {}), "members": hashes}
    except (KeyError, TypeError):
        same = False
    if not same:
        raise ArchiveError(f"{HEAD} is not that of its members")
    predictions = member_predictions({task: members[_place(task)] for task in ran})
    leaves = {place: parse_item_digests(members[place], f"{where}: {place}") for place in digests}
    return Results(results.document, None, predictions, leaves)


def _head_of(data: bytes) -> dict[str, Any]:
    if len(data) > MOST_HEAD:
        raise ArchiveError(f"{HEAD} has more than {MOST_HEAD >> 20} MiB")
    head = parse_json(data)
    if not isinstance(head, dict) or head.get("schema") != SCHEMA:
        raise ArchiveError(f"its schema is not {SCHEMA}")
    if size_of(head)[0] > MOST_DEPTH:
        raise ArchiveError(f"{HEAD} is nested too deeply")
    if canonical_json(head) != data:
        raise ArchiveError(f"{HEAD} is not canonical JSON")
    return head


def _result_of(member: memoryview, where: str) -> Results:
    if len(member) > MOST_RESULT:
        raise ArchiveError(f"{RESULTS} has more than {MOST_RESULT >> 20} MiB")
    place = f"{where}: {RESULTS}"
    results = results_of(document_of(bytes(member), place), place)
    if results.to_json().encode() != member:
        raise ArchiveError(f"{RESULTS} is not written as a run writes it")
    return results


def _ran(id: str, entry: Any) -> bool:
    if not isinstance(entry, dict) or not isinstance(entry.get("declared"), bool):
        raise ArchiveError(f"the entry of task {short(id)} does not say whether it is declared")
    return not entry["declared"]
