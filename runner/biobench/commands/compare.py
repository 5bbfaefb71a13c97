"""``biobench compare`` and ``biobench report``: results side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from biobench._common.output import console, print_json, print_text
from biobench.commands.options import SpecFolder

Results = Annotated[
    list[Path], typer.Argument(help="results.json, folders of runs, or submissions.")
]


def compare(
    a: Annotated[Path, typer.Argument(help="A result: results.json, its folder, a submission.")],
    b: Annotated[Path, typer.Argument(help="Another model's result.")],
    spec: SpecFolder = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print the comparison as JSON and nothing else.")
    ] = False,
) -> None:
    """Say on which tasks one model is ahead of another, beyond chance."""
    from biobench.compare.pair import compare_results
    from biobench.compare.results import open_sound
    from biobench.spec.load import load_spec

    specification = load_spec(spec)
    ours, theirs = (open_sound(path, specification) for path in (a, b))
    compared = compare_results(ours, theirs, specification)
    if json:
        print_json(compared.document())
        return
    from biobench.compare.tables import print_comparison

    print_comparison(compared, console())


def report(
    results: Results,
    ranks: Annotated[
        bool, typer.Option("--ranks", help="Say which ranks each model may have.")
    ] = False,
    spec: SpecFolder = None,
    csv: Annotated[
        bool, typer.Option("--csv", help="Print one line a score as CSV and nothing else.")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print the tables as JSON and nothing else.")
    ] = False,
) -> None:
    """Print results of one division as a table, a model a row, best mean first."""
    from biobench.compare.results import open_scores
    from biobench.compare.standings import standings, standings_csv, standings_document
    from biobench.errors import UsageError
    from biobench.spec.load import load_spec

    if csv and json:
        raise UsageError("--csv and --json exclude each other", remedy="give one of them")
    specification = load_spec(spec)
    found = [result for path in results for result in open_scores(path, specification)]
    tables = standings(found, specification, ranks=ranks)
    if json:
        print_json(standings_document(tables))
    elif csv:
        print_text(standings_csv(tables))
    else:
        from biobench.compare.tables import print_standings
        from biobench.report.table import print_results

        screen = console()
        if len(found) == 1:
            print_results(found[0], screen)
            return
        for table in tables:
            print_standings(table, screen)
