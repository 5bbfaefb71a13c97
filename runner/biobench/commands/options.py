"""Options that several commands offer."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


def path(text: str) -> Path:
    """Parse a path; an empty one, as of a variable that is not set, is refused, since it would mean
    the working folder."""
    if not text.strip():
        raise typer.BadParameter("the path is empty")
    return Path(text)


SpecFolder = Annotated[
    Path | None, typer.Option(help="Folder that holds v1/suite.yaml. [default: the built-in one]")
]


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


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
    """The protocol: the specification's, or upstream's as it was run."""

    official = "official"
    compat = "compat"


class Precision(StrEnum):
    """Arithmetic of the forward pass."""

    float32 = "float32"
    float16 = "float16"


class OnBadImage(StrEnum):
    """The treatment of an image that cannot be read."""

    stop = "stop"
    report = "report"
    leave_out = "leave-out"
