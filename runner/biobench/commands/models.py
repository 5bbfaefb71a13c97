"""``biobench models``: the short names, and what a name resolves to."""

from __future__ import annotations

from typing import Annotated

import typer

from biobench._common.output import console, print_json, print_line

app = typer.Typer(no_args_is_help=True, help="Model names.")


@app.command("list")
def list_models() -> None:
    """List the short names and what they resolve to."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from biobench.spec.load import load_spec

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in ("name", "resolves to", "revision", "licence"):
        table.add_column(column, overflow="fold")
    for entry in load_spec().models.values():
        revision, licence = entry.revision or "not pinned", entry.licence or "unknown"
        table.add_row(entry.name, entry.resolves_to, revision, licence)
    console().print(table)
    print_line(
        "also hf:REPO[@REV], open_clip:ARCH/TAG, timm:NAME, py:package.module:Class, hf:./folder"
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
