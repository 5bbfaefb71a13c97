"""``biobench models``: the names of models.yaml, and the hub's facts on them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from biobench._common.output import console, print_json, print_line
from biobench.commands.options import path

app = typer.Typer(no_args_is_help=True, help="Model names.")


@app.command("list")
def list_models() -> None:
    """List the names of models.yaml, what they resolve to, and the commit that a run takes."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from biobench.spec.load import load_spec

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in ("name", "resolves to", "revision", "sources", "recipe", "licence"):
        table.add_column(column, overflow="fold")
    for entry in load_spec().models.values():
        table.add_row(
            entry.name,
            entry.resolves_to,
            entry.revision or "not pinned",
            str(entry.revision_sources or "-"),
            entry.recipe or "its own",
            entry.licence or "unknown",
        )
    console().print(table)
    print_line("sources: independent public sources that pin the revision")
    print_line(
        "also hf:REPO[@REV], open_clip:ARCH/TAG, timm:NAME, py:package.module:Class, hf:./folder"
    )


@app.command()
def verify(
    model: Annotated[str, typer.Argument(help="A name of `biobench models list`.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare what models.yaml says of a name with the hub; exit 6 where they differ."""
    from dataclasses import asdict

    from biobench.errors import VerificationError, counted
    from biobench.models.published import compare
    from biobench.spec.load import load_spec

    facts = compare(model, load_spec().models)
    if as_json:
        print_json([asdict(fact) for fact in facts])
    else:
        for fact in facts:
            mark = {True: "equal", False: "DIFFERS", None: "no comparison"}[fact.agrees]
            listed, found = fact.listed or "not known", fact.found or "not there"
            values = listed if fact.agrees else f"models.yaml: {listed}; hub: {found}"
            print_line(f"{mark:13}  {fact.what}: {values}")
    differing = [fact.what for fact in facts if fact.agrees is False]
    if differing:
        raise VerificationError(
            f"{counted(len(differing), 'fact')} of models.yaml differ from the hub: "
            f"{', '.join(differing)}",
            where=f"model {model!r}",
            remedy="tell the maintainers of the specification",
        )


@app.command()
def show(
    model: Annotated[str, typer.Argument(help="A model name as `biobench run` takes it.")],
    offline: Annotated[bool, typer.Option("--offline", help="Never ask a hub.")] = False,
) -> None:
    """Load a model and print its provenance and preprocessing as JSON."""
    from dataclasses import asdict

    from biobench.models.load import load_model
    from biobench.spec.load import load_spec

    backbone = load_model(model, load_spec().models, offline=offline)
    information = asdict(backbone.info)
    del information["fingerprint"]  # of this machine and for the store alone
    document = {**information, "recipe": backbone.recipe.document()}
    print_json(document)


@app.command()
def export(
    model: Annotated[str, typer.Argument(help="A model name as `biobench run` takes it.")],
    out: Annotated[Path, typer.Option(parser=path, metavar="PATH", help="A new folder.")],
    offline: Annotated[bool, typer.Option("--offline", help="Never ask a hub.")] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Print the operations, one a line.")
    ] = False,
) -> None:
    """Write a model as a program of exact operations: --model program:PATH."""
    from biobench.models.load import load_model
    from biobench.models.program_model import export as write
    from biobench.spec.load import load_spec

    program = write(load_model(model, load_spec().models, offline=offline), out)
    if explain:
        print_line(program.explain())
    print_line(f"program {program.digest}")
    print_line(f"written: {out}")
