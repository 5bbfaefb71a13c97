"""Options that several commands offer."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from biobench.commands import completers


def path(text: str) -> Path:
    """Parse a path; an empty one, as of a variable that is not set, is refused, since it would mean
    the working folder."""
    if not text.strip():
        raise typer.BadParameter("the path is empty")
    return Path(text)


SpecFolder = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Folder that holds v1/suite.yaml. [default: the built-in one]"
    ),
]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]

ReportAsJson = Annotated[
    bool, typer.Option("--json", help="Print the report as JSON and nothing else.")
]

PlanFile = Annotated[
    Path, typer.Argument(metavar="PLAN", help="The file that `biobench plan` wrote.")
]

Architecture = Annotated[
    str | None, typer.Option("--arch", metavar="NAME", help="Architecture of a file of weights.")
]

ModelList = Annotated[
    Path | None,
    typer.Option(
        parser=path, metavar="FILE", help="List of models, as `biobench run --models` takes it."
    ),
]

Suite = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="A suite: biobench, prior-work, demo.",
        autocompletion=completers.suites,
    ),
]

Tasks = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ID|FILE",
        help="A task's id or a task file; may be repeated.",
        autocompletion=completers.tasks,
    ),
]

DataFolder = Annotated[
    Path | None,
    typer.Option(
        envvar="BIOBENCH_DATA",
        parser=path,
        metavar="DIR",
        help="Folder that holds the data sets.",
    ),
]

Sources = Annotated[
    list[str] | None,
    typer.Option(
        metavar="URL", help="Where the declared score is published, one for each --declare."
    ),
]

MicroBatches = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=1024,
        metavar="N",
        help="Micro-batches that are embedded at once. [default: the cores]",
    ),
]

Threads = Annotated[
    int | None, typer.Option(min=1, max=1024, metavar="N", help="Threads. [default: the cores]")
]

Stale = Annotated[
    float | None,
    typer.Option(
        min=1,
        metavar="SECONDS",
        help="Seconds without a sign of a worker after which another takes its part over. "
        "[default: 120]",
    ),
]

NoPictures = Annotated[bool, typer.Option("--no-pictures", help="Leave pictures out of the pages.")]

Offline = Annotated[
    bool, typer.Option("--offline", help="Ask no hub: take models from its cache on this machine.")
]


class Device(StrEnum):
    """The device that the model runs on."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class Engine(StrEnum):
    """The engine that computes the features."""

    auto = "auto"
    exact = "exact"
    torch = "torch"


class Division(StrEnum):
    """The protocols: the specification's, or the published benchmark's as they were run."""

    official = "official"
    compat = "compat"


class Precision(StrEnum):
    """Arithmetic of the forward pass."""

    float32 = "float32"
    float16 = "float16"
    bfloat16 = "bfloat16"


class OnBadImage(StrEnum):
    """The treatment of an image that cannot be read."""

    stop = "stop"
    report = "report"
    leave_out = "leave-out"


DivisionOfRun = Annotated[
    Division,
    typer.Option(
        help="official: the protocols of the specification; compat: those of the published "
        "benchmark as they were run, with their defects."
    ),
]

PrecisionOfRun = Annotated[
    Precision,
    typer.Option(
        help="Arithmetic of the model; float16 and bfloat16 are torch's autocast, float16 on "
        "CUDA only."
    ),
]
