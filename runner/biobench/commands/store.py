"""``biobench store``: inspect, check and shrink the store of features and predictions."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Annotated

import typer

from biobench._common.byte_sizes import parse_size, show_size
from biobench._common.output import print_json, print_line
from biobench.commands.options import AsJson
from biobench.errors import DataError, counted

app = typer.Typer(no_args_is_help=True, help="Features and predictions that are kept for reuse.")

Folder = Annotated[
    Path | None, typer.Option("--store", help="The folder. [default: the user's cache folder]")
]


@app.command()
def stats(store: Folder = None, as_json: AsJson = False) -> None:
    """Say what lies in the store."""
    from biobench._common.store import Store, default_store

    root = store or default_store()
    sizes: dict[str, list[int]] = defaultdict(list)
    for entry in Store(root).entries():
        sizes[entry.kind.partition("-")[0]].append(entry.size)
    if as_json:
        kinds = {
            kind: {"entries": len(sizes[kind]), "bytes": sum(sizes[kind])} for kind in sorted(sizes)
        }
        print_json({"store": str(root), "kinds": kinds})
        return
    print_line(f"store: {root}")
    for kind in sorted(sizes):
        entries = counted(len(sizes[kind]), "entry", "entries")
        print_line(f"{kind}: {entries}, {show_size(sum(sizes[kind]))}")
    if not sizes:
        print_line("empty")


@app.command()
def verify(store: Folder = None, as_json: AsJson = False) -> None:
    """Check every entry against the digest of its content; exit 3 where one is damaged."""
    from biobench._common.store import Store, default_store

    root = store or default_store()
    if not root.is_dir():
        raise DataError("there is no store", where=str(root), remedy="give --store its folder")
    damaged = Store(root).damaged()
    if as_json:
        print_json({"store": str(root), "damaged": [str(entry) for entry in damaged]})
    if damaged:
        raise DataError(
            f"{counted(len(damaged), 'damaged entry', 'damaged entries')}, first {damaged[0]}",
            where=str(root),
            remedy="delete them; they are computed again when needed",
        )
    if not as_json:
        print_line("all entries are whole")


@app.command()
def gc(
    size: Annotated[str, typer.Option(help="Keep at most this much, like 20G.")],
    store: Folder = None,
) -> None:
    """Delete the least recently used entries until the store is under a size."""
    from biobench._common.store import Store, default_store

    removed = Store(store or default_store()).collect(parse_size(size))
    freed = show_size(sum(entry.size for entry in removed))
    print_line(f"deleted {counted(len(removed), 'entry', 'entries')}, {freed}")
