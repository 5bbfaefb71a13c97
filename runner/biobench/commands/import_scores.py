"""``biobench import``: scores that another program computed, as a file for other commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from biobench._common.output import print_line
from biobench.commands.options import SpecFolder, path


def import_scores(
    file: Annotated[
        Path, typer.Argument(help="The results.json of the published benchmark's own code.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(parser=path, metavar="FILE", help="File to write. [default: imported.json]"),
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
        opened = open_file(file)
    except DataError as error:
        if file.is_file():
            raise other from error
        raise DataError(
            error.what,
            where=error.where,
            remedy="give the results.json that the published benchmark's own code wrote",
        ) from error
    if not isinstance(opened, ScoreTable) or not is_upstream(opened.document):
        raise other
    specification = load_spec(spec)
    document = from_upstream(opened.document, opened.data, file.name, opened.where, specification)
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
