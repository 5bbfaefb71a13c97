"""``biobench export`` and ``biobench import``: results for other programs, and scores from them."""

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
            help="csv, markdown, latex, parquet, model-card, eval-results, every-eval-ever, "
            "ro-crate, in-toto; or a tracker: wandb, mlflow, trackio.",
            autocompletion=completers.formats,
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(parser=path, help="File to write. [default: standard output]")
    ] = None,
    hub_dataset: Annotated[
        str | None,
        typer.Option(help="eval-results: the benchmark's data set on the hub, ORG/NAME."),
    ] = None,
    source_url: Annotated[
        str | None,
        typer.Option(
            help="model-card, eval-results, every-eval-ever: where the result can be seen."
        ),
    ] = None,
    organization: Annotated[
        str | None, typer.Option(help="every-eval-ever: who made the result.")
    ] = None,
    license: Annotated[
        str | None,
        typer.Option("--license", help="ro-crate: address of the licence of the files."),
    ] = None,
    project: Annotated[str, typer.Option(help="Trackers: the project or experiment.")] = "biobench",
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
    with opened_results(results, specification) as found:
        options = ExportOptions(hub_dataset, source_url, organization, license, project)
        if kind.client is not None:
            print_line(recorded(format, found, specification, options))
        else:
            data = exported(format, found, specification, options)
            if out is None:
                (print_json_text if kind.json else print_text)(data.decode())
            else:
                write_atomically(out, data)
                print_line(f"{format}: {out}")


def import_scores(
    file: Annotated[
        Path, typer.Argument(help="The results.json of the published benchmark's own code.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(parser=path, help="File to write. [default: imported.json]"),
    ] = None,
    spec: SpecFolder = None,
) -> None:
    """Write scores that another program computed as a file that report, analyze and export take."""
    from biobench._common.files import require_file, write_atomically
    from biobench.errors import DataError, counted
    from biobench.report.upstream import from_upstream, is_upstream
    from biobench.spec.load import load_spec
    from biobench.verify.load import ScoreTable, open_file

    target = out or Path("imported.json")
    require_file(target, [file])
    other = DataError(
        "is not the results file of the published benchmark's own code",
        where=str(file),
        remedy="`biobench report` and `analyze` take results as they are",
    )
    try:
        found = open_file(file)
    except DataError as error:
        if file.is_file():
            raise other from error
        raise DataError(
            error.what,
            where=error.where,
            remedy="give the results.json that the published benchmark's own code wrote",
        ) from error
    if not isinstance(found, ScoreTable) or not is_upstream(found.document):
        raise other
    specification = load_spec(spec)
    document = from_upstream(found.document, found.data, file.name, found.where, specification)
    write_atomically(target, _written(document))
    models = counted(len(document["models"]), "model")
    scores = counted(sum(len(model["scores"]) for model in document["models"]), "score")
    print_line(f"imported: {models}, {scores}, division compat")
    if document["left_out"]:
        print_line(f"left out, as no task of the specification: {', '.join(document['left_out'])}")
    print_line("nothing of it can be verified, so it is never official")
    print_line(f"scores: {target}")


def _written(document: object) -> bytes:
    import json

    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()
