"""``biobench data``: which data sets there are, and where they lie."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Data sets of the tasks.")


@app.command("list")
def list_data(
    data: Annotated[
        Path | None,
        typer.Option(envvar="BIOBENCH_DATA", help="Folder that holds the data sets."),
    ] = None,
) -> None:
    """List every task with its data set, licence and whether its data are there."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from biobench.data.locate import EMBEDDED, locate
    from biobench.spec.load import load_spec

    spec = load_spec()
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in ("task", "data set", "source", "licence", "here"):
        table.add_column(column, overflow="fold")
    for name in spec.task_ids():
        task = spec.task(name, "official")
        root = locate(task, data)
        table.add_row(
            name,
            task.dataset.id,
            task.dataset.status,
            task.dataset.licence or "unknown",
            "no"
            if root is None
            else "in the package"
            if root.is_relative_to(EMBEDDED)
            else str(root),
        )
    Console().print(table)
