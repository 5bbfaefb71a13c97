"""``biobench work``: do the parts of a plan, beside any number of other workers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from biobench._common.output import print_line
from biobench.commands.options import MicroBatches, NoPictures, Offline, PlanFile, Stale, path
from biobench.errors import counted


def work(
    plan: PlanFile,
    out: Annotated[
        Path,
        typer.Option(
            envvar="BIOBENCH_OUT",
            parser=path,
            metavar="DIR",
            help="Folder for the results, with a folder a model; the same for all workers.",
        ),
    ],
    store: Annotated[
        Path | None,
        typer.Option(
            parser=path,
            metavar="DIR",
            help="Folder that all workers share. [default: the user's cache folder]",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            envvar="BIOBENCH_DATA",
            parser=path,
            metavar="DIR",
            help="Folder that holds the data sets here. [default: that of the plan]",
        ),
    ] = None,
    stale: Stale = None,
    until: Annotated[
        float | None,
        typer.Option(min=0, metavar="SECONDS", help="Begin no further part after so long."),
    ] = None,
    workers: MicroBatches = None,
    name: Annotated[
        str, typer.Option(metavar="TEXT", help="A name of this worker, for people.")
    ] = "",
    no_pictures: NoPictures = False,
    offline: Offline = False,
) -> None:
    """Claim the next part of a plan, embed it into the shared store, and go on; probe and report
    where all features are there. Ends when nothing is left."""
    from biobench._common.store import default_store
    from biobench.work.document import read_plan
    from biobench.work.jobs import STALE_S
    from biobench.work.make import prepare_work
    from biobench.work.worker import work as work_on

    shared = store or default_store()
    prepared = prepare_work(
        read_plan(plan), data=data, store=shared, out=out, workers=workers, offline=offline,
        pictures=not no_pictures,
    )  # fmt: skip
    stale_s = STALE_S if stale is None else stale
    done = work_on(prepared, shared, out, stale_s=stale_s, until_s=until, owner=name)
    print_line(
        f"done here: {counted(done.parts, 'part')} ({counted(done.images, 'image')} embedded), "
        f"{counted(done.probes, 'task')} probed, {counted(len(done.results), 'result')} written"
    )
