"""``biobench conformance``: prove an implementation right with the specification's vectors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from biobench.conformance.answers import Report
    from biobench.spec.load import Spec

app = typer.Typer(
    no_args_is_help=True, help="Vectors: this implementation's, or another's answers."
)

SpecFolder = Annotated[
    Path | None, typer.Option(help="Folder that holds v1/suite.yaml. [default: the built-in one]")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the report as JSON and nothing else.")]


@app.command()
def run(
    section: Annotated[
        list[str] | None, typer.Option(help="Only this section; may be repeated.")
    ] = None,
    answers: Annotated[
        Path | None, typer.Option(help="Also write this implementation's answers to a file.")
    ] = None,
    spec: SpecFolder = None,
    json: AsJson = False,
) -> None:
    """Check this implementation; exit 6 where an answer is wrong."""
    from biobench.conformance.answers import answers_document, check_outcomes
    from biobench.conformance.run import run as answer_all
    from biobench.conformance.vectors import read_vectors
    from biobench.files import write_atomically
    from biobench.spec.canonical import canonical_json
    from biobench.spec.load import load_spec

    specification = load_spec(spec)
    files = read_vectors(specification, section or ())
    outcomes = answer_all(files, specification)
    if answers is not None:
        write_atomically(answers, canonical_json(answers_document(outcomes, specification)))
    _report(check_outcomes(outcomes, files), specification, json)


@app.command()
def check(
    answers: Annotated[Path, typer.Argument(help="The answers file of an implementation.")],
    spec: SpecFolder = None,
    json: AsJson = False,
) -> None:
    """Check an implementation's answers; exit 6 where a claimed section is not right and whole."""
    from biobench.conformance.answers import check_answers, read_answers
    from biobench.conformance.vectors import read_vectors
    from biobench.spec.load import load_spec

    specification = load_spec(spec)
    files = read_vectors(specification)
    document = read_answers(answers, specification, files)
    _report(check_answers(document, files), specification, json)


def _report(report: Report, spec: Spec, as_json: bool) -> None:
    import sys
    from dataclasses import asdict
    from json import dumps

    from biobench.errors import VerificationError

    if as_json:
        named = {"version": spec.version, "digest": spec.digest}
        print(dumps({"spec": named, **asdict(report)}, indent=2, ensure_ascii=False))
    else:
        print("\n".join(_table(report)))
        for fault in report.faults:
            print(fault, file=sys.stderr)
    if report.faults:
        count = len(report.faults)
        noun = "1 answer is" if count == 1 else f"{count} answers are"
        raise VerificationError(f"{noun} wrong or missing", where="conformance")


def _table(report: Report) -> list[str]:
    """Lines of a table by section, with a line of totals."""
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
    return [
        "  ".join(
            cell.rjust(width) if 2 <= i <= 5 else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]
