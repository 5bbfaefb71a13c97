"""The JSON document of a result: read within limits, and its digest (SPEC.md, section "Results").

In: bytes of a file. Out: a JSON value that is no larger than a result can be.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from biobench._common.files import Unreadable, read_plain
from biobench.errors import DataError
from biobench.spec.canonical import CanonicalError, parse_json, sha256_json

MOST_BYTES = 8 << 20
"""Most bytes of a result: an entry of a task has some kilobytes."""
MOST_VALUES = 200_000
"""Most values of a result: the schema checks each. An entry of a task has about 60."""
MOST_DEPTH = 32
REMEDY = "give a results.json or the folder that `biobench run --out` wrote"
NOT_IN_DIGEST = ("environment", "run")


def without_costs(document: Mapping[str, Any]) -> dict[str, Any]:
    """A result without ``environment``, ``run`` and every ``cost``, which its digest leaves out."""
    kept = {name: value for name, value in document.items() if name not in NOT_IN_DIGEST}
    kept["tasks"] = {
        task: {name: value for name, value in entry.items() if name != "cost"}
        for task, entry in document["tasks"].items()
    }
    return kept


def result_digest(document: Mapping[str, Any]) -> str:
    """Digest of a result :func:`without_costs` and without the digest itself."""
    kept = without_costs(document)
    kept["digests"] = {k: v for k, v in document["digests"].items() if k != "result"}
    return sha256_json(kept)


def read_document(path: Path) -> Any:
    """The JSON value of a file.

    Raises:
        DataError: The file cannot be read, or is not JSON.
    """
    return document_of(read_file(path, MOST_BYTES), str(path))


def read_file(path: Path, limit: int) -> bytes:
    """The bytes of a file.

    Raises:
        DataError: The file cannot be read, or has more than ``limit`` bytes.
    """
    try:
        return read_plain(path, limit)
    except Unreadable as error:
        raise DataError(error.what, where=str(path), remedy=REMEDY) from error


def document_of(data: bytes, where: str) -> Any:
    """The JSON value of a text.

    Raises:
        DataError: The text is not JSON, or too large for a result.
    """
    if len(data) > MOST_BYTES:
        raise DataError(
            f"has more than {MOST_BYTES >> 20} MiB, the limit of a result",
            where=where,
            remedy=REMEDY,
        )
    try:
        value = parse_json(data)
    except CanonicalError as error:
        raise DataError(
            f"cannot be read as a result: {error}", where=where, remedy=REMEDY
        ) from error
    deep, values = size_of(value)
    if deep > MOST_DEPTH:
        raise DataError("is nested too deeply for a result", where=where, remedy=REMEDY)
    if values > MOST_VALUES:
        raise DataError(
            f"has {values:,} values, more than {MOST_VALUES:,}", where=where, remedy=REMEDY
        )
    return value


def size_of(value: Any) -> tuple[int, int]:
    """Depth of nested lists and objects, and number of values in all, without recursion."""
    deepest, count, level = 0, 0, [value]
    while level:
        count += len(level)
        inner = [item.values() if isinstance(item, dict) else item for item in level
                 if isinstance(item, dict | list)]  # fmt: skip
        deepest += bool(inner)
        level = [item for items in inner for item in items]
    return deepest, count
