"""``biobench submit``: a result with its predictions in one file, for others to verify."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from biobench._common.output import print_line
from biobench.commands.options import SpecFolder


def submit(
    result: Annotated[Path, typer.Argument(help="results.json, or the folder of a run.")],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="File to write. [default: submission.tar beside results.json]"
        ),
    ] = None,
    spec: SpecFolder = None,
) -> None:
    """Check a result and write it, its predictions and its environment as one file."""
    from biobench._common.files import remove_leftovers, require_file, write_atomically
    from biobench.decode.loader import usable_cores
    from biobench.errors import UsageError
    from biobench.report.earlier import SUBMISSION, files_read
    from biobench.spec.canonical import sha256_bytes
    from biobench.spec.load import load_spec
    from biobench.verify.check import Places, check
    from biobench.verify.from_data import Images
    from biobench.verify.load import open_result
    from biobench.verify.submission import submission_bytes
    from biobench.verify.verdict import RESULT, Verdict

    opened = open_result(result)
    if out is None and opened.folder is None:
        raise UsageError("is a submission already", where=str(result), remedy="give --out a file")
    path = out or Path(opened.folder or ".") / SUBMISSION
    require_file(path, files_read([result]))
    places = Places(Images(None, {}, usable_cores(), quiet=True), [])
    report = check(opened, load_spec(spec), places, scores_only=True)
    Verdict({RESULT: opened}, {RESULT: report}).raise_unless_it_holds(str(result))
    data = submission_bytes(opened)
    remove_leftovers(path)
    write_atomically(path, data)
    if not opened.document["official"]:
        print_line(f"not an official result: {'; '.join(opened.document['unofficial_reasons'])}")
    print_line(f"result:     {opened.digests['result']}")
    print_line(f"submission: {path} ({sha256_bytes(data)})")
