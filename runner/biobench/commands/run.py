"""``biobench run``: score a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from biobench._common.output import console, print_json_text, print_line, print_stage
from biobench.commands import completers
from biobench.commands.options import (
    DataFolder,
    Device,
    Division,
    DivisionOfRun,
    Engine,
    MicroBatches,
    Offline,
    OnBadImage,
    Precision,
    PrecisionOfRun,
    Sources,
    Suite,
    Tasks,
    path,
)
from biobench.errors import UsageError
from biobench.models.unknown_names import FORMS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from biobench.run.learning_curve import Sizes
    from biobench.run.options import ImageOptions, Options


def run(
    context: typer.Context,
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help=f"{FORMS} of `biobench models list`, such as demo; a local folder in place of "
            "a repository (hf:./folder), or a file of weights with --arch. Repeat it for several "
            "models.",
            autocompletion=completers.models,
        ),
    ] = None,
    models: Annotated[
        Path | None,
        typer.Option(
            parser=path,
            metavar="FILE",
            help="Models to score: one name a line, or a .yaml or .json list of names and objects "
            "(model, revision, arch, precision).",
        ),
    ] = None,
    arch: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Architecture of a file of weights: --model timm:./x.safetensors --arch "
            "vit_tiny_patch16_224.",
        ),
    ] = None,
    suite: Suite = None,
    task: Tasks = None,
    images: Annotated[
        Path | None,
        typer.Option(
            parser=path,
            metavar="DIR",
            help="Your own images, a folder for each class, or train/ and val/ with those.",
        ),
    ] = None,
    train_share: Annotated[
        str | None,
        typer.Option(
            metavar="SHARE",
            help="With --images: the share of each class that is learnt from. [default: 0.7]",
        ),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(
            metavar="PATTERN|FILE[:COLUMN]",
            help="With --images: what belongs together and stays on one side of the split, such as "
            "the images of a site, by a pattern on their paths ('*/{site}_*') or a table.",
        ),
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="With --images: the protocol. [default: logistic_regression]",
            autocompletion=completers.protocols,
        ),
    ] = None,
    data: DataFolder = None,
    out: Annotated[
        Path | None,
        typer.Option(
            envvar="BIOBENCH_OUT",
            parser=path,
            metavar="DIR",
            help="Folder for the results. [default: biobench-out/...]",
        ),
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option(
            parser=path,
            metavar="DIR",
            help="Folder for what can be reused. [default: the user's cache folder]",
        ),
    ] = None,
    engine: Annotated[
        Engine,
        typer.Option(
            help="What computes the features: the exact engine, with equal bits on every "
            "processor; torch; or the first where it carries the model and there is no GPU."
        ),
    ] = Engine.auto,
    device: Annotated[Device, typer.Option(help="Where the model runs.")] = Device.auto,
    division: DivisionOfRun = Division.official,
    n_train: Annotated[
        str | None,
        typer.Option(
            metavar="N|N,N,...,all",
            help="Few-shot: this many training items a class (compat: in all). Several sizes, such "
            "as 1,3,10,30,100,all, give a learning curve.",
        ),
    ] = None,
    declare: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TASK=SCORE",
            help="A published score that stands in for running a task whose data are gated "
            "(imagenet1k=0.812); needs --source. May be repeated.",
        ),
    ] = None,
    source: Sources = None,
    workers: MicroBatches = None,
    precision: PrecisionOfRun = Precision.float32,
    on_bad_image: Annotated[
        OnBadImage,
        typer.Option(
            help="Stop at an unreadable image, score it as wrong, or leave it out of your own task."
        ),
    ] = OnBadImage.stop,
    no_pictures: Annotated[
        bool, typer.Option("--no-pictures", help="Leave pictures out of the page.")
    ] = False,
    offline: Offline = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print the result document and nothing else.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be run, and stop.")
    ] = False,
) -> None:
    """Score a frozen backbone and write results.json, predictions and a page; with several models,
    each in a folder of its own below --out, and a table of them. Several sizes of --n-train give
    learning curves."""
    if not json:
        # Libraries take seconds to load where the disk is slow; what follows reports by itself.
        print_stage("starting")
    from biobench.run.external_scores import read_declarations
    from biobench.run.learning_curve import parse_sizes
    from biobench.run.model_list import list_models, options_of_models
    from biobench.run.options import Options

    listed, several = list_models(model or (), models, arch)
    sizes = parse_sizes(n_train) if n_train is not None else (None,)
    own = _own_images(context, images, train_share, group, protocol)
    if json and dry_run:
        raise UsageError("--json and --dry-run exclude each other", remedy="give one of them")
    options = Options(
        model=listed[0].model,
        suite=suite,
        tasks=tuple(task or ()),
        data=data if own is None else None,
        images=own,
        out=out,
        store=store,
        engine=engine.value,
        device=device.value,
        division=division.value,
        n_train=sizes[0],
        declare=read_declarations(declare or (), source or ()),
        workers=workers,
        precision=precision.value,
        on_bad_image=on_bad_image.value,
        pictures=not no_pictures,
        offline=offline,
        quiet=json,
        from_command=True,
    )
    each = options_of_models(options, listed) if several else [options]
    if dry_run:
        _dry_run(each, sizes)
    elif several and len(sizes) > 1:
        _curves(each, sizes, json)
    elif several:
        _several(each, json)
    elif len(sizes) > 1:
        _curve(options, sizes, json)
    else:
        _one(options, json)


def _own_images(
    context: typer.Context,
    images: Path | None,
    train_share: str | None,
    group: str | None,
    protocol: str | None,
) -> ImageOptions | None:
    """The options of class folders; None where there are none."""
    from biobench.run.images import parse_share
    from biobench.run.options import ImageOptions

    values = {"--train-share": train_share, "--group": group, "--protocol": protocol}
    if images is None:
        for name, value in values.items():
            if value is not None:
                raise UsageError(f"{name} is for --images", remedy="name the folder of your images")
        return None
    # BIOBENCH_DATA is where other tasks look.
    source = context.get_parameter_source("data")
    if source is not None and source.name == "COMMANDLINE":
        raise UsageError("--images and --data exclude each other", remedy="give one of them")
    share = None if train_share is None else parse_share(train_share)
    return ImageOptions(images, share, group, protocol)


def _dry_run(models: Sequence[Options], sizes: Sizes) -> None:
    """Print the plan with what the store has of it, and raise the first error of it."""
    from biobench.run.plan import Plan, plan_models

    made = plan_models(models, sizes)
    plans = [found for found in made if isinstance(found, Plan)]
    for line in plans[0].lines(plans) if plans else ():
        print_line(line)
    failed = [error for found in plans[:1] for _, error in found.failed]
    if plans and not failed:
        from biobench.work.estimate import estimate
        from biobench.work.make import Prepared, planned
        from biobench.work.table import print_estimate

        prepared = Prepared(planned(plans), tuple(plans))
        print_estimate(estimate(prepared, plans[0].store), console())
    for error in [*failed, *(found for found in made if not isinstance(found, Plan))]:
        raise error


def _several(models: Sequence[Options], json: bool) -> None:
    """Score several models, and print them in the order of their scores."""
    from json import dumps

    from biobench.compare.ranking import print_ranking, ranked_table, rankings
    from biobench.compare.site.models_page import write_models_page
    from biobench.pipeline import run_models
    from biobench.spec.load import load_spec

    runs = run_models(models)
    scored = [run.results for run in runs if run.results is not None]
    if scored:
        table, unranked = ranked_table(scored, load_spec())
        page = write_models_page(runs, table, unranked)
    if json:
        documents = [results.document for results in scored]
        print_json_text(dumps(documents, indent=2, ensure_ascii=False, allow_nan=False))
    elif scored:
        screen = console()
        for ranking in rankings(table, {id(run.results): run.speed for run in runs}):
            print_ranking(ranking, screen)
        if unranked is not None:
            print_line(f"not known which may be the best: {unranked}")
        for results in scored:
            if results.folder is not None:
                print_line(f"result: {results.folder / 'results.json'}")
        print_line(f"page:   {page}")
    for run in runs:
        if run.error is not None:
            raise run.error


def _one(options: Options, json: bool) -> None:
    """Score at one size."""
    from biobench.pipeline import run_tasks
    from biobench.report.table import print_results

    results, failures = run_tasks(options)
    if json:
        print_json_text(results.to_json())
    else:
        print_results(results, console())
        if results.folder is not None:
            print_line(f"result: {results.folder / 'results.json'}")
            print_line(f"page:   {results.folder / 'report.html'}")
    failures.raise_first(results.folder)


def _curve(options: Options, sizes: Sizes, json: bool) -> None:
    """Score at several sizes."""
    from biobench.pipeline import curve_of_tasks
    from biobench.report.curve_table import print_curve

    curve, failures = curve_of_tasks(options, sizes)
    if json:
        print_json_text(curve.to_json())
    else:
        print_curve(curve, console())
        if curve.folder is not None:
            print_line(f"curve: {curve.folder / 'curve.json'} (and curve.csv)")
            print_line(f"page:  {curve.folder / 'curve.html'}")
    failures.raise_first(curve.folder)


def _curves(models: Sequence[Options], sizes: Sizes, json: bool) -> None:
    """Score several models at several sizes, and show their curves together."""
    from json import dumps

    from biobench.pipeline import run_models
    from biobench.report.curves import print_curves
    from biobench.run.curves import curve_set

    curves = curve_set(run_models(models, sizes))
    if json:
        documents = [curve.document for curve in curves]
        print_json_text(dumps(documents, indent=2, ensure_ascii=False, allow_nan=False))
    elif curves:
        print_curves(curves.named, console())
        for curve in curves:
            if curve.folder is not None:
                print_line(f"curve: {curve.folder / 'curve.json'} (and curve.csv)")
        print_line(f"page:  {curves.page}")
    for error in curves.failures.values():
        raise error
