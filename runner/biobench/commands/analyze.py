"""``biobench analyze``: one benchmark against another over many models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from biobench._common.output import console, print_json, print_line, print_note
from biobench.commands.opened import opened_results
from biobench.commands.options import SpecFolder


def analyze(
    results: Annotated[
        list[Path],
        typer.Argument(
            help="results.json, folders of runs, submissions, imported scores, or the results.json "
            "of the published benchmark's own code."
        ),
    ],
    x: Annotated[
        str | None,
        typer.Option("--x", metavar="ID", help="A task or a suite. [default: imagenet1k]"),
    ] = None,
    y: Annotated[
        str | None,
        typer.Option(
            "--y", metavar="ID", help="A task or a suite. [default: the suite of the results]"
        ),
    ] = None,
    above: Annotated[
        list[float] | None,
        typer.Option(
            metavar="SCORE", help="Also over the models whose x is at least this; may be repeated."
        ),
    ] = None,
    figure: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a figure: a name that ends in .svg or .html."),
    ] = None,
    spec: SpecFolder = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print the analysis as JSON and nothing else.")
    ] = False,
) -> None:
    """Say how far one benchmark orders models as another does."""
    from biobench.compare.analysis import analyse_each, analysis_document
    from biobench.compare.analysis_figure import analysis_figure
    from biobench.report.figure import require_figure
    from biobench.spec.load import load_spec

    if figure is not None:
        require_figure(figure)
    specification = load_spec(spec)
    with opened_results(results, specification) as opened:
        analyses, failures = analyse_each(opened, specification, x=x, y=y, above=above or ())
        for error in failures:
            print_note(f"biobench: left out: {error}")
        if json:
            print_json(analysis_document(analyses))
        else:
            from biobench.compare.analysis_table import print_analysis

            screen = console()
            for analysis, reason in analyses:
                if reason is not None:
                    print_line()
                    print_line(f"apart from the results above: {reason}")
                print_analysis(analysis, screen)
        if figure is not None:
            analysis_figure([analysis for analysis, _ in analyses]).save(figure)
            if not json:
                print_line(f"figure: {figure}")
