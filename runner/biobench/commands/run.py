"""``biobench run``: score a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from biobench.commands.options import Device, Division, OnBadImage, Precision
from biobench.errors import UsageError


def run(
    model: Annotated[
        str,
        typer.Option(
            help="demo, hf:REPO[@REV], open_clip:ARCH/TAG, timm:NAME, py:package.module:Class; "
            "a local folder where a repository is meant (hf:./folder)."
        ),
    ],
    suite: Annotated[str | None, typer.Option(help="A suite: biobench, demo.")] = None,
    task: Annotated[
        list[str] | None, typer.Option(help="A task's id or a task file; may be repeated.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(envvar="BIOBENCH_DATA", help="Folder that holds the data sets."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            envvar="BIOBENCH_OUT", help="Folder for the results. [default: biobench-out/...]"
        ),
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option(help="Folder for what can be reused. [default: the user's cache folder]"),
    ] = None,
    device: Annotated[Device, typer.Option(help="Where the model runs.")] = Device.auto,
    division: Annotated[
        Division, typer.Option(help="The specification's protocol, or upstream's as it was run.")
    ] = Division.official,
    n_train: Annotated[
        int | None,
        typer.Option(min=1, help="Few-shot: this many training images a class (compat: in all)."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=1024, help="Micro-batches side by side. [default: the cores]"),
    ] = None,
    precision: Annotated[
        Precision, typer.Option(help="float16 is autocast, on CUDA only.")
    ] = Precision.float32,
    on_bad_image: Annotated[
        OnBadImage, typer.Option(help="Stop at an unreadable image, or score it as wrong.")
    ] = OnBadImage.stop,
    offline: Annotated[bool, typer.Option("--offline", help="Never ask a hub.")] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print the result document and nothing else.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be run, and stop.")
    ] = False,
) -> None:
    """Score a frozen backbone and write results.json, predictions and a page."""
    from biobench.repro import settings

    settings.restart_with_settings()

    from biobench.pipeline import Options, plan
    from biobench.pipeline import run as run_pipeline

    if suite is not None and task:
        raise UsageError("--suite and --task exclude each other", remedy="give one of them")
    if json and dry_run:
        raise UsageError("--json and --dry-run exclude each other", remedy="give one of them")
    options = Options(
        model=model,
        suite=suite,
        tasks=tuple(task or ()),
        data=data,
        out=out,
        store=store,
        device=device.value,
        division=division.value,
        n_train=n_train,
        workers=workers,
        precision=precision.value,
        keep_bad=on_bad_image is OnBadImage.report,
        offline=offline,
        quiet=json,
        from_command=True,
    )
    if dry_run:
        for line in plan(options).lines():
            print(line)
        return
    results = run_pipeline(options)
    if json:
        print(results.to_json(), end="")
        return
    from rich.console import Console

    from biobench.report.table import print_results

    print_results(results, Console())
    if results.folder is not None:
        print(f"result: {results.folder / 'results.json'}")
        print(f"page:   {results.folder / 'report.html'}")
