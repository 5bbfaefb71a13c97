"""Records of copies of a data set (SPEC.md, section "Records of data sets").

In: what verifying a copy found, and records of other copies. Out: a record of this copy, and
whether copies are the same, file by file. No images are read here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biobench._common.files import read_regular
from biobench.errors import DataError, shown
from biobench.spec.canonical import sha256_json
from biobench.spec.load import load_spec
from biobench.spec.recorders import Recorder, independent, recorder
from biobench.spec.schema_errors import flaws

if TYPE_CHECKING:
    from biobench.data.verify import DataReport

MOST_BYTES = 512 << 20
"""Most bytes of a record; ImageNet's has about 200 MB."""


@dataclass(frozen=True)
class CopyRecord:
    """One copy of a data set, as somebody vouches for it.

    Attributes:
        name: The file that it was read from.
        value: The JSON value, valid against ``schema/data-record.schema.json``.
        listed: Digest by path.
    """

    name: str
    value: Mapping[str, Any]
    listed: Mapping[str, str]

    @property
    def by(self) -> Recorder:
        """The person who vouches for the copy, with their laboratory."""
        return recorder(self.value["recorded_by"])

    @property
    def digest(self) -> str:
        """The digest of the files."""
        digest: str = self.value["files"]["digest"]
        return digest


def record_bytes(report: DataReport, version: str, by: Recorder) -> bytes:
    """The record of the copy that ``report`` is about, a file a line.

    Args:
        report: The outcome of verifying the copy, without differences.
        version: Version of the data set's document.
        by: Who vouches for the copy.
    """
    value = {
        "dataset": report.dataset,
        "version": version,
        "recorded_by": by.value(),
        "files": vars(report.files),
        "frames": None if report.frames is None else report.frames.digest,
        "counts": report.counts,
    }
    head = json.dumps(value, ensure_ascii=False, indent=1).removesuffix("\n}")
    lines = ",\n".join(json.dumps(pair, ensure_ascii=False) for pair in report.pairs)
    return f'{head},\n "list": [\n{lines}\n]}}\n'.encode()


def read_copy_record(path: Path) -> CopyRecord:
    """Read a record.

    Raises:
        DataError: The file is not a record, or its list does not have the digest that it states.
    """
    remedy = "give a file that `biobench data verify ID --record` wrote"
    where = shown(str(path))
    try:
        value = json.loads(read_regular(path, MOST_BYTES))
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})", where=where, remedy=remedy) from error
    except (ValueError, RecursionError) as error:
        raise DataError("is not a record of a data set", where=where, remedy=remedy) from error
    # The library of schemas takes minutes over a million files: it judges the first of them.
    whole = value.get("list") if isinstance(value, dict) else None
    listed: list[Any] = whole if isinstance(whole, list) else []
    short = {**value, "list": listed[:100]} if listed else value
    problems = flaws(short, load_spec().schema("data-record"), most=1)
    if problems:
        raise DataError(
            f"is not a record of a data set: {problems[0].pointer or '/'}: {problems[0].message}",
            where=where,
            remedy=remedy,
        )
    if not all(isinstance(pair, list) and list(map(type, pair)) == [str, str] for pair in listed):
        raise DataError(
            "is not a record of a data set: /list: a file is not [path, digest]",
            where=where,
            remedy=remedy,
        )
    files = value["files"]
    if (len(listed), sha256_json(listed)) != (files["count"], files["digest"]):
        raise DataError(
            "was edited: its list of files has another count or digest than it states",
            where=where,
            remedy="ask for the file as it was written",
        )
    return CopyRecord(where, value, dict(listed))


def list_differences(here: Mapping[str, str], other: Mapping[str, str], name: str) -> Iterator[str]:
    """One line for each path at which a copy differs from another, called ``name``."""
    for path in sorted(here.keys() | other.keys()):
        if path not in here:
            yield f"{shown(path)}: is missing, {name} has it"
        elif path not in other:
            yield f"{shown(path)}: is not in {name}"
        elif here[path] != other[path]:
            yield f"{shown(path)}: has other bytes than in {name}"


def require_of(record: CopyRecord, dataset: str, version: str) -> None:
    """Raise DataError where ``record`` is of another data set, or of another version of it."""
    other = record.value["dataset"], record.value["version"]
    if other != (dataset, version):
        raise DataError(
            f"is a record of {other[0]}, version {other[1]}, not of {dataset}, version {version}",
            where=record.name,
            remedy="give records of one data set in one version",
        )


def agreeing(records: Sequence[CopyRecord]) -> Sequence[CopyRecord]:
    """The largest group of records with one digest by people of different laboratories; of two,
    the earlier.

    Raises:
        DataError: The records are of different data sets.
    """
    first = records[0].value
    for record in records:
        require_of(record, first["dataset"], first["version"])
    groups: dict[str, list[CopyRecord]] = {}
    for record in records:
        groups.setdefault(record.digest, []).append(record)
    chosen = (
        [group[place] for place in independent([record.by for record in group])]
        for group in groups.values()
    )
    # Records whose names are all nobody's confirm nothing; the first stands for what they list.
    return max(chosen, key=len) or [records[0]]
