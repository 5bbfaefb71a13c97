"""``biobench store``: inspect, check and shrink the store of features and predictions."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Annotated

import typer

from biobench._common.byte_sizes import parse_size, show_size
from biobench._common.output import print_json, print_line
from biobench.commands.options import AsJson
from biobench.errors import DataError, counted

_OF_ONE_BACKBONE = re.compile("-[0-9a-f]{16}$")
"""The end of the name of a folder of features, which is one backbone's."""

app = typer.Typer(no_args_is_help=True, help="Features and predictions that are kept for reuse.")

Folder = Annotated[
    Path | None,
    typer.Option("--store", metavar="DIR", help="The folder. [default: the user's cache folder]"),
]


@app.command()
def stats(store: Folder = None, as_json: AsJson = False) -> None:
    """Say what lies in the store."""
    from biobench._common.store import Store, default_store

    root = store or default_store()
    sizes: dict[str, list[int]] = defaultdict(list)
    found, pulled = Store(root), 0
    for entry in found.entries():
        sizes[_OF_ONE_BACKBONE.sub("", entry.kind)].append(entry.size)
        pulled += found.is_pulled(entry.kind, entry.path.stem)
    if as_json:
        kinds = {
            kind: {"entries": len(sizes[kind]), "bytes": sum(sizes[kind])} for kind in sorted(sizes)
        }
        print_json({"store": str(root), "kinds": kinds, "pulled": pulled})
        return
    print_line(f"store: {root}")
    for kind in sorted(sizes):
        entries = counted(len(sizes[kind]), "entry", "entries")
        print_line(f"{kind}: {entries}, {show_size(sum(sizes[kind]))}")
    if pulled:
        print_line(f"{_counted(pulled)} pulled, of which no sample was embedded again yet")
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
    size: Annotated[str, typer.Option(metavar="SIZE", help="Keep at most this much, like 20G.")],
    store: Folder = None,
) -> None:
    """Delete the least recently used entries until the store is under a size."""
    from biobench._common.store import Store, default_store

    removed = Store(store or default_store()).collect(parse_size(size))
    freed = show_size(sum(entry.size for entry in removed))
    print_line(f"deleted {counted(len(removed), 'entry', 'entries')}, {freed}")


Shared = Annotated[
    str, typer.Argument(metavar="PLACE", help="A folder, file://..., s3://bucket/folder, ...")
]


@app.command()
def push(place: Shared, store: Folder = None) -> None:
    """Send features to a place that others can pull from; what is there is not sent again."""
    from biobench._common import shared_store
    from biobench._common.shared_place import SharedPlace
    from biobench._common.store import Store, default_store

    root = store or default_store()
    if not root.is_dir():
        raise DataError("there is no store", where=str(root), remedy="give --store its folder")
    moved = shared_store.push(Store(root), SharedPlace(place), _is_shared)
    print_line(
        f"pushed {_counted(moved.entries)}, {show_size(moved.size)}; {moved.already_there} there"
    )


@app.command()
def pull(
    place: Shared,
    store: Folder = None,
    sample: Annotated[
        int,
        typer.Option(
            min=1, metavar="N", help="Images of a task to embed again before pulled ones are used."
        ),
    ] = 32,
) -> None:
    """Fetch features that others pushed; before a run uses them, it embeds a sample of them again.

    Exit 3 where an entry is not what its list says; the others are kept.
    """
    from biobench._common import shared_store
    from biobench._common.shared_place import SharedPlace
    from biobench._common.store import Store, default_store

    there = SharedPlace(place)
    moved = shared_store.pull(Store(store or default_store()), there, _is_shared, sample)
    print_line(
        f"pulled {_counted(moved.entries)}, {show_size(moved.size)}; {moved.already_there} here"
    )
    shared_store.raise_faults(moved, there)


def _is_shared(kind: str) -> bool:
    """True for features alone: of a pulled prediction or program no sample could be computed."""
    from biobench.embed.shards import KIND

    return kind.startswith(f"{KIND}-")


def _counted(entries: int) -> str:
    return counted(entries, "entry", "entries")
