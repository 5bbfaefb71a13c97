"""``biobench export``: results for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from biobench._common.output import print_json_text, print_line, print_text
from biobench.commands import completers
from biobench.commands.opened import opened_results
from biobench.commands.options import SpecFolder, path


def export(
    results: Annotated[
        list[Path],
        typer.Argument(help="results.json, folders of runs, submissions, or imported scores."),
    ],
    format: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="NAME",
            help="csv, markdown, latex, parquet, model-card, eval-results, every-eval-ever, "
            "ro-crate, in-toto; or a tracker: wandb, mlflow, trackio.",
            autocompletion=completers.formats,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(parser=path, metavar="FILE", help="File to write. [default: standard output]"),
    ] = None,
    hub_dataset: Annotated[
        str | None,
        typer.Option(metavar="ORG/NAME", help="eval-results: the benchmark's data set on the hub."),
    ] = None,
    source_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="model-card, eval-results, every-eval-ever: where the result can be seen.",
        ),
    ] = None,
    organization: Annotated[
        str | None, typer.Option(metavar="NAME", help="every-eval-ever: who made the result.")
    ] = None,
    license: Annotated[
        str | None,
        typer.Option(
            "--license", metavar="URL", help="ro-crate: address of the licence of the files."
        ),
    ] = None,
    project: Annotated[
        str, typer.Option(metavar="NAME", help="Trackers: the project or experiment.")
    ] = "biobench",
    spec: SpecFolder = None,
) -> None:
    """Write results in the format of another place, or record them with a tracker."""
    from biobench._common.files import require_file, write_atomically
    from biobench.errors import UsageError
    from biobench.export.formats import ExportOptions, exported, recorded, require_format
    from biobench.report.earlier import files_read
    from biobench.spec.load import load_spec

    specification = load_spec(spec)
    kind = require_format(format, [])
    if out is not None and kind.client is not None:
        raise UsageError(f"{format} writes no file", remedy="leave --out out")
    if out is None and kind.binary:
        raise UsageError(f"{format} cannot be printed", remedy="give --out a file")
    if out is not None:
        require_file(out, files_read(results))
    with opened_results(results, specification) as opened:
        options = ExportOptions(hub_dataset, source_url, organization, license, project)
        if kind.client is not None:
            print_line(recorded(format, opened, specification, options))
        else:
            data = exported(format, opened, specification, options)
            if out is None:
                (print_json_text if kind.json else print_text)(data.decode())
            else:
                write_atomically(out, data)
                print_line(f"{format}: {out}")
