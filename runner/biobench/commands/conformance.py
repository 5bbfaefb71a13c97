"""``biobench conformance``: prove an implementation right with the specification's vectors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from biobench._common.output import print_json, print_line, print_note
from biobench.commands.options import ReportAsJson, SpecFolder

if TYPE_CHECKING:
    from biobench.conformance.answers import ConformanceReport, SectionVerdict
    from biobench.spec.load import Spec

app = typer.Typer(
    no_args_is_help=True, help="Vectors: this implementation's, or another's answers."
)


@app.command()
def run(
    section: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SECTION", help="Answer the cases of this section only; may be repeated."
        ),
    ] = None,
    answers: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also write this implementation's answers to a file."),
    ] = None,
    spec: SpecFolder = None,
    json: ReportAsJson = False,
) -> None:
    """Check this implementation; exit 6 where an answer is wrong."""
    from biobench._common.files import require_file, write_atomically
    from biobench.conformance.answers import answers_document, check_outcomes
    from biobench.conformance.own_answers import run as answer_all
    from biobench.conformance.vectors import read_vectors
    from biobench.errors import counted
    from biobench.spec.canonical import canonical_json
    from biobench.spec.load import load_spec

    if answers is not None:
        require_file(answers)
    specification = load_spec(spec)
    files = read_vectors(specification, section or ())
    outcomes = answer_all(files, specification)
    if answers is not None:
        write_atomically(answers, canonical_json(answers_document(outcomes, specification)))
    lacking = [outcome.lacking for outcome in outcomes if outcome.lacking is not None]
    if lacking:
        print_note(f"{counted(len(lacking), 'case')} not answered: {lacking[0]}")
    _report(check_outcomes(outcomes, files), specification, json, whole=not section)


@app.command()
def check(
    answers: Annotated[Path, typer.Argument(help="The answers file of an implementation.")],
    spec: SpecFolder = None,
    json: ReportAsJson = False,
) -> None:
    """Check an implementation's answers; exit 6 where a section that they claim has a wrong or a
    missing answer, or where they claim none."""
    from biobench.conformance.answers import check_answers, read_answers
    from biobench.conformance.vectors import read_vectors
    from biobench.errors import VerificationError
    from biobench.spec.load import load_spec

    specification = load_spec(spec)
    files = read_vectors(specification)
    document = read_answers(answers, specification, files)
    _report(check_answers(document, files), specification, json)
    if not document["sections"]:
        raise VerificationError(
            "claims nothing", where=str(answers), remedy="list under sections what it has in full"
        )


def _report(report: ConformanceReport, spec: Spec, as_json: bool, *, whole: bool = True) -> None:
    """Print a report, with verdicts where the ``whole`` specification was looked at."""
    import shutil
    import textwrap
    from dataclasses import asdict

    from biobench.errors import VerificationError

    if as_json:
        named = {"version": spec.version, "digest": spec.digest}
        verdicts = [asdict(verdict) for verdict in report.verdicts()] if whole else None
        print_json({"spec": named, **asdict(report), "verdicts": verdicts})
    else:
        width = shutil.get_terminal_size().columns
        lines = _table(report, width)
        if whole:
            lines += textwrap.wrap(verdict_line(report.verdicts()), width, break_on_hyphens=False)
        for line in lines:
            print_line(line)
        for fault in report.faults:
            print_note(str(fault))
    if report.faults:
        count = len(report.faults)
        noun = "1 answer is" if count == 1 else f"{count} answers are"
        raise VerificationError(f"{noun} wrong or missing", where="conformance")


def verdict_line(verdicts: Sequence[SectionVerdict]) -> str:
    """The levels at which an implementation conforms, and what the others lack, in one line."""
    held = [verdict.level for verdict in verdicts if verdict.conforms]
    *first, last = held or ["none"]
    levels = f"levels {', '.join(first)} and {last}" if first else f"level {last}"
    lacks = [
        f"{verdict.level} lacks {', '.join(verdict.lacking)}"
        for verdict in verdicts
        if verdict.lacking
    ]
    return "; ".join([f"conforms at {levels}" if held else "conforms at no level", *lacks])


def _table(report: ConformanceReport, width: int) -> list[str]:
    """Lines of a table by section, with a line of totals; two lines a section where ``width``
    columns do not hold the table."""
    heads = ("section", "level", "cases", "right", "wrong", "unanswered", "claimed")
    rows = [
        [t.section, t.level, t.cases, t.right, t.wrong, t.unanswered, "yes" if t.claimed else "no"]
        for t in report.tallies
    ]
    sums = [sum(int(row[i]) for row in rows) for i in range(2, 6)]
    claimed = sum(tally.claimed for tally in report.tallies)
    rows.append(["all", "", *sums, f"{claimed} of {len(report.tallies)}"])
    cells = [list(heads), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(heads))]
    if sum(widths) + 2 * (len(widths) - 1) > width:
        return [line for row in cells[1:] for line in _narrow(row)]
    return [
        "  ".join(
            cell.rjust(width) if 2 <= i <= 5 else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]


def _narrow(row: list[str]) -> list[str]:
    section, level, _, right, wrong, unanswered, claimed = row
    level = f" ({level})" if level else ""
    claim = {"yes": " claimed", "no": ""}.get(claimed, f" claimed {claimed}")
    return [f"{section}{level}{claim}", f"  {right} right, {wrong} wrong, {unanswered} unanswered"]
