"""``biobench spec``: check, show and export the specification's documents."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from biobench._common.output import print_bytes, print_json, print_line, print_note
from biobench.commands import completers
from biobench.commands.options import AsJson, Division, SpecFolder

MOST_PROBLEMS = 1_000
"""Problems that are printed; the rest are counted."""

app = typer.Typer(no_args_is_help=True, help="The specification's documents.")


@app.command()
def validate(
    path: Annotated[
        Path | None,
        typer.Argument(
            help="A specification's folder, a file or folder in it, or a task file of your own. "
            "[default: the built-in specification]"
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check documents; one line for each problem, exit 4 where there is one."""
    from dataclasses import asdict

    from biobench.conformance.validate import validate as find_problems
    from biobench.errors import SpecError
    from biobench.spec.location import spec_root

    problems = find_problems(path or spec_root())
    if as_json:
        print_json([asdict(problem) for problem in problems])
    for problem in () if as_json else problems[:MOST_PROBLEMS]:
        print_line(str(problem))
    if len(problems) > MOST_PROBLEMS and not as_json:
        print_line(f"and {len(problems) - MOST_PROBLEMS} more")
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise SpecError(f"not valid: {count}", where=str(path or "the specification"))
    if not as_json:
        print_line("valid")


@app.command()
def show(
    id: Annotated[
        str,
        typer.Argument(
            help="The id of a task, data set, protocol or suite.",
            autocompletion=completers.documents,
        ),
    ],
    division: Annotated[
        Division,
        typer.Option(
            help="The division whose protocol and rules a task or protocol is shown with: that of "
            "the specification, or compat, of the published benchmark as it was run."
        ),
    ] = Division.official,
    croissant: Annotated[
        bool, typer.Option("--croissant", help="The data set as Croissant metadata (JSON-LD).")
    ] = False,
    spec: SpecFolder = None,
) -> None:
    """Print a resolved document as JSON."""
    from biobench.spec.load import load_spec
    from biobench.spec.show import croissant_document, resolved_document

    specification = load_spec(spec)
    if croissant:
        document = croissant_document(specification, id)
    else:
        document = resolved_document(specification, id, division.value)
    print_json(document)


@app.command()
def export(
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File to write. [default: standard output]")
    ] = None,
    spec: SpecFolder = None,
) -> None:
    """Write the whole specification as one canonical JSON bundle; its digest goes to stderr."""
    from biobench._common.files import require_file, write_atomically
    from biobench.spec.bundle import bundle_bytes
    from biobench.spec.load import load_spec

    if out is not None:
        require_file(out)
    specification = load_spec(spec)
    data = bundle_bytes(specification.bundle())
    if out is None:
        print_bytes(data)
    else:
        write_atomically(out, data)
    print_note(specification.digest)
