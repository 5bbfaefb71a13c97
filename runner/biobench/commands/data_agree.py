"""``biobench data agree``: whether records of copies of a data set are of the same files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from biobench._common.byte_sizes import show_size
from biobench._common.output import print_json, print_line
from biobench.data.copy_record import CopyRecord, agreeing, list_differences, read_copy_record
from biobench.data.faults import SHOWN
from biobench.errors import DataError, counted, shown
from biobench.spec.recorders import ENOUGH


def compare_records(paths: Sequence[Path], *, json: bool) -> None:
    """Print which records agree, and what to write into the data set's document.

    Raises:
        DataError: (exit 3) A file is no record, a record differs from the others, or no two people
            of different laboratories recorded the same files.
    """
    records = [read_copy_record(path) for path in paths]
    same = agreeing(records)
    files = {**same[0].value["files"], "recorded_by": [record.by.value() for record in same]}
    others = [record for record in records if record.digest != same[0].digest]
    differences = {
        record.name: list(list_differences(record.listed, same[0].listed, same[0].name))
        for record in others
    }
    confirmed = len(same) >= ENOUGH and not others
    if json:
        dataset, version = same[0].value["dataset"], same[0].value["version"]
        value = {"dataset": dataset, "version": version, "files": files}
        print_json({**value, "agreed": confirmed, "differences": differences})
    else:
        _print(same, files, others, confirmed=confirmed)
    if others:
        raise DataError(
            "; ".join(_first(record, differences[record.name], same[0]) for record in others),
            where=same[0].value["dataset"],
            remedy="compare the archives' own checksums, and take a record again from a new copy",
        )
    if not confirmed:
        raise DataError(
            "no two people of different laboratories recorded these files, only "
            f"{shown(str(same[0].by))}",
            where=same[0].value["dataset"],
            remedy="a digest takes the records of two, each of a copy of their own",
        )


def _print(
    same: Sequence[CopyRecord],
    files: dict[str, object],
    others: Sequence[CopyRecord],
    *,
    confirmed: bool,
) -> None:
    value = same[0].value
    size = show_size(value["files"]["bytes"])
    total = len(same) + len(others)
    print_line(f"{value['dataset']}, version {value['version']}: {len(same)} of {total} agree")
    print_line(f"  files: {value['files']['count']}, {size}, {value['files']['digest']}")
    for record in same:
        print_line(f"  {record.by}: {record.name}")
    if confirmed:
        print_line(f"for datasets/{value['dataset']}.yaml:")
        print_line("  files:")
        for key, part in files.items():
            if isinstance(part, list):
                print_line(f"    {key}:")
                for by in part:
                    print_line(f"      - person: {_quoted(by['person'])}")
                    print_line(f"        laboratory: {_quoted(by['laboratory'])}")
            else:
                print_line(f"    {key}: {part}")


def _quoted(text: str) -> str:
    import json

    return json.dumps(text, ensure_ascii=False)


def _first(record: CopyRecord, lines: Sequence[str], other: CopyRecord) -> str:
    if not lines:
        return f"{record.name} lists the same files as {other.name}"
    more = f", the first {SHOWN} are" if len(lines) > SHOWN else ""
    text = counted(len(lines), "difference")
    return f"{record.name} has {text}{more}: " + "; ".join(lines[:SHOWN])
