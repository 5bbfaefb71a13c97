"""``biobench plan``: cut a run of many models into parts for workers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from biobench._common.output import console, print_json, print_line
from biobench.commands.options import (
    Architecture,
    AsJson,
    DataFolder,
    Device,
    Division,
    DivisionOfRun,
    Engine,
    ModelList,
    OnBadImage,
    Precision,
    PrecisionOfRun,
    Sources,
    Suite,
    Tasks,
    path,
)


def plan(
    out: Annotated[
        Path,
        typer.Option(parser=path, metavar="PLAN", help="File for the plan, such as plan.json."),
    ],
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Name of a model, as `biobench run --model` takes it; may be repeated.",
        ),
    ] = None,
    models: ModelList = None,
    arch: Architecture = None,
    suite: Suite = None,
    task: Tasks = None,
    data: DataFolder = None,
    store: Annotated[
        Path | None,
        typer.Option(
            parser=path,
            metavar="DIR",
            help="Store of the workers, for what is there already and for measured rates. "
            "[default: the user's cache folder]",
        ),
    ] = None,
    engine: Annotated[
        Engine, typer.Option(help="What computes the features, as for `biobench run`.")
    ] = Engine.auto,
    device: Annotated[Device, typer.Option(help="Where the models run.")] = Device.auto,
    division: DivisionOfRun = Division.official,
    n_train: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Few-shot: this many training items a class."),
    ] = None,
    declare: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TASK=SCORE", help="A published score that stands in for running a task."
        ),
    ] = None,
    source: Sources = None,
    precision: PrecisionOfRun = Precision.float32,
    on_bad_image: Annotated[
        OnBadImage,
        typer.Option(help="Stop at an unreadable image, score it as wrong, or leave it out."),
    ] = OnBadImage.stop,
    part_size: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Images of a part, at least. [default: 2048]"),
    ] = None,
    measure: Annotated[
        bool,
        typer.Option(
            "--measure",
            help="Load each model that the store knows no rate of, and embed a few images by it.",
        ),
    ] = False,
    json: AsJson = False,
) -> None:
    """Write a plan of models x tasks x parts, and say what is stored, what is left and how long it
    takes; `biobench work` does it."""
    from biobench._common.files import require_file
    from biobench._common.store import default_store
    from biobench.run.external_scores import read_declarations
    from biobench.run.model_list import list_models, options_of_models
    from biobench.run.options import Options
    from biobench.work.document import write_plan
    from biobench.work.embedding import measure as measure_models
    from biobench.work.estimate import estimate
    from biobench.work.make import make_plan
    from biobench.work.slices import SIZE
    from biobench.work.table import print_estimate

    listed, _ = list_models(model or (), models, arch)
    require_file(out, [Path(name) for name in task or ()] + ([models] if models else []))
    options = Options(
        model=listed[0].model,
        suite=suite,
        tasks=tuple(task or ()),
        data=data,
        store=store,
        engine=engine.value,
        device=device.value,
        division=division.value,
        n_train=n_train,
        declare=read_declarations(declare or (), source or ()),
        precision=precision.value,
        on_bad_image=on_bad_image.value,
        quiet=json,
        from_command=True,
    )
    prepared = make_plan(options_of_models(options, listed), size=part_size or SIZE)
    if measure:
        measure_models(prepared)
    made = estimate(prepared, store or default_store())
    write_plan(prepared.plan, out)
    if json:
        print_json(made.value())
        return
    for note in (*prepared.runs[0].notes, *prepared.runs[0].differences):
        print_line(note)
    print_estimate(made, console())
    print_line(f"plan: {out}, {prepared.plan.digest}")
