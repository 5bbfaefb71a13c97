"""Printing the output of ``biobench data verify``: for people, or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from biobench._common.byte_sizes import show_size
from biobench._common.output import print_json, print_line
from biobench.data.faults import SHOWN
from biobench.errors import counted, shown

if TYPE_CHECKING:
    from biobench.data.verify import DataReport


def print_value(report: DataReport) -> None:
    """Print one JSON object."""
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
    print_json(value)


def print_report(report: DataReport) -> None:
    """Print lines for people: the files found, and the values that the documents leave open."""
    files = report.files
    print_line(f"{report.dataset} in {report.root}")
    print_line(f"  files: {files.count}, {show_size(files.bytes)}, {files.digest}")
    if report.frames is not None:
        source = "recorded" if report.frames.has_record else "without a record of their cutting"
        out = len(report.frames.left_out)
        source += f", {counted(out, 'clip')} left out" if out else ""
        print_line(f"  frames: {report.frames.digest}, {source}")
    if report.unnamed:
        first = ", ".join(map(shown, report.unnamed[:SHOWN]))
        more = len(report.unnamed) - SHOWN
        first += f" and {more} more" if more > 0 else ""
        named = counted(len(report.unnamed), "image")
        print_line(f"  beside them, {named} that no item names: {first}")
    for task, counts in report.counts.items():
        print_line(f"  {task}: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
        for line in report.left_out[task]:
            print_line(f"    {line}")
    for line in report.suspicions:
        print_line(f"  looks wrong: {line}")
    for document, values in report.open_values.items():
        print_line(f"  not checked, since {document} has null; found here:")
        _print_values(values)
    if not report.differences:
        checked = "all of it" if not report.open_values else "all that the documents know"
        print_line(f"  {checked} is as in the documents")


def _print_values(values: dict[str, object]) -> None:
    """Print values by ``key/name`` as lines of YAML, those of one key together."""
    keys: Sequence[str] = list(dict.fromkeys(path.rpartition("/")[0] for path in values))
    for key in keys:
        names = [path for path in values if path.rpartition("/")[0] == key]
        pairs = ", ".join(f"{path.rpartition('/')[2]}: {values[path]}" for path in names)
        print_line(f"    {key}: {{{pairs}}}")
