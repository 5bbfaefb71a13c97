"""Printing what ``biobench data verify`` found: for a person, for a program."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from biobench.data.faults import SHOWN, shown
from biobench.errors import counted
from biobench.sizes import show_size

if TYPE_CHECKING:
    from biobench.data.verify import Report


def print_json(report: Report) -> None:
    """One JSON object."""
    value = {
        "dataset": report.dataset,
        "root": str(report.root),
        "files": vars(report.files),
        "counts": report.counts,
        "differences": report.differences,
        "not_checked": report.open_values,
        "left_out": {task: lines for task, lines in report.left_out.items() if lines},
        "suspicious": report.suspicions,
        "unnamed": {"count": len(report.unnamed), "first": report.unnamed[:SHOWN]},
    }
    if report.frames is not None:
        value["frames"] = {
            "digest": report.frames.digest,
            "record": report.frames.has_record,
            "left_out": dict(report.frames.left_out),
        }
    print(json.dumps(value, indent=2, ensure_ascii=False))


def print_report(report: Report) -> None:
    """Lines for a person: what is there, and what the documents leave open."""
    files = report.files
    print(f"{report.dataset} in {report.root}")
    print(f"  files: {files.count}, {show_size(files.bytes)}, {files.digest}")
    if report.frames is not None:
        source = "recorded" if report.frames.has_record else "without a record of their cutting"
        out = len(report.frames.left_out)
        source += f", {counted(out, 'clip')} left out" if out else ""
        print(f"  frames: {report.frames.digest}, {source}")
    if report.unnamed:
        first = ", ".join(map(shown, report.unnamed[:SHOWN]))
        more = len(report.unnamed) - SHOWN
        first += f" and {more} more" if more > 0 else ""
        named = counted(len(report.unnamed), "image")
        print(f"  beside them, {named} that no item names: {first}")
    for task, counts in report.counts.items():
        print(f"  {task}: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
        for line in report.left_out[task]:
            print(f"    {line}")
    for line in report.suspicions:
        print(f"  looks wrong: {line}")
    for document, values in report.open_values.items():
        print(f"  not checked, since {document} has null; found here:")
        _print_values(values)
    if not report.differences:
        checked = "all of it" if not report.open_values else "all that the documents know"
        print(f"  {checked} is as in the documents")


def _print_values(values: dict[str, object]) -> None:
    """Values by ``key/name`` as lines of YAML, those of one key together."""
    keys: Sequence[str] = list(dict.fromkeys(path.rpartition("/")[0] for path in values))
    for key in keys:
        names = [path for path in values if path.rpartition("/")[0] == key]
        pairs = ", ".join(f"{path.rpartition('/')[2]}: {values[path]}" for path in names)
        print(f"    {key}: {{{pairs}}}")
