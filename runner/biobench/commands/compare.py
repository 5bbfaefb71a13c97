"""``biobench compare``: two results side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from biobench._common.output import console, print_json
from biobench.commands.options import SpecFolder


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
