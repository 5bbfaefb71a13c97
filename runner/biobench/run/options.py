"""The options of a run, checked as far as neither data nor a model is needed.

In: values of the command line or of a call. Out: options; UsageError where no data can make them
valid.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from biobench._common.output import print_note, print_stage
from biobench._common.text import as_text
from biobench.errors import UsageError
from biobench.models.local_paths import local_file, local_folder
from biobench.models.names import parse_name
from biobench.run.external_scores import Declaration
from biobench.spec.documents import Division
from biobench.spec.load import Spec

if TYPE_CHECKING:
    from biobench.models.base import Backbone


PRECISIONS = ("float32", "float16", "bfloat16")
ENGINES = ("auto", "exact", "torch")
"""Engines for the features: the exact one where it carries the model on the CPU and torch
elsewhere, or always one of them."""


OnBadImage = Literal["stop", "report", "leave-out"]
ON_BAD_IMAGE: tuple[OnBadImage, ...] = get_args(OnBadImage)
"""Treatments of an image that cannot be read."""


@dataclass(frozen=True)
class ImageOptions:
    """Class folders as a task.

    Attributes:
        folder: The folder that holds the class folders.
        train_share: Share of each class that is learnt from; None for the default, and where the
            folder is already split.
        group: A pattern or a table, see :mod:`biobench.data.class_folders.grouping`.
        protocol: Id of the protocol; None for the default.
    """

    folder: Path
    train_share: Fraction | None = None
    group: str | None = None
    protocol: str | None = None


@dataclass(frozen=True)
class Options:
    """Options of a run; see ``biobench run --help``. ``model`` is a name or a backbone;
    ``folder``: the name of its own folder below ``out`` where it is one of several;
    ``micro_batch``: rows of a micro-batch in place of the suite's, to repeat a result that has
    another.

    Raises:
        UsageError: A suite is given beside tasks.
    """

    model: str | Backbone
    suite: str | None = None
    tasks: tuple[str, ...] = ()
    data: Path | None = None
    out: Path | None = None
    store: Path | None = None
    engine: str = "auto"
    device: str = "auto"
    division: Division = "official"
    n_train: int | None = None
    declare: tuple[Declaration, ...] = ()
    workers: int | None = None
    precision: str = "float32"
    images: ImageOptions | None = None
    on_bad_image: OnBadImage = "stop"
    pictures: bool = True
    offline: bool = False
    quiet: bool = False
    save: bool = True
    from_command: bool = False
    folder: str | None = None
    micro_batch: int | None = None

    def __post_init__(self) -> None:
        # Else the selection takes the tasks and says nothing of the suite.
        if self.suite is not None and self.tasks:
            raise UsageError("--suite and --task exclude each other", remedy="give one of them")

    @property
    def model_name(self) -> str:
        """The name of the model as the user gave it."""
        return self.model if isinstance(self.model, str) else self.model.info.name


def refuse_options(options: Options, spec: Spec) -> None:
    """Raise UsageError or ModelError for an option that no data can make valid."""
    if options.division not in ("official", "compat"):
        raise UsageError(
            f"there is no division {options.division!r} to run", remedy="use official or compat"
        )
    if options.engine not in ENGINES:
        raise UsageError(
            f"there is no engine {options.engine!r}", remedy="use auto, exact or torch"
        )
    if options.device != "auto" or options.precision != "float32":
        select_device(options)
    for option, text in (
        ("--model", options.model_name),
        *(("--source", d.source) for d in options.declare),
    ):
        if as_text(text) != text:
            # The result and its digest hold it.
            raise UsageError(
                "has bytes that are not UTF-8",
                where=f"{option} {as_text(text)}",
                remedy="rename the folder, or write it in UTF-8",
            )
    if isinstance(options.model, str):
        name = parse_name(options.model, spec.models)
        if name.kind == "folder":
            local_folder(name.target, name.loader)
        elif name.kind == "file":
            local_file(name.target)


def select_device(options: Options) -> str:
    """``cpu`` or ``cuda``.

    Raises:
        UsageError: The device does not fit the engine or the precision.
        ModelError: CUDA is asked for and torch sees none.
    """
    from biobench.embed.forward import choose_device

    exact = options.engine == "exact"
    if exact and options.device == "cuda":
        raise UsageError(
            "the exact engine runs on the CPU", remedy="give --device cpu, or --engine torch"
        )
    if exact and options.precision != "float32":
        raise UsageError(
            f"the exact engine computes in float32, not in {options.precision}",
            remedy="give --engine torch, or --precision float32",
        )
    device = choose_device("cpu" if exact else options.device)
    if options.precision == "float16" and device != "cuda":
        raise UsageError("--precision float16 needs CUDA", remedy="give --device cuda, or bfloat16")
    return device


PREPARING = "reading the lists of images, loading libraries"
"""The stage before a model is loaded."""


def say_stage(options: Options, line: str) -> None:
    """Print on a terminal what a run does until its next line."""
    if not options.quiet:
        print_stage(line)


def say(options: Options, line: str) -> None:
    """Print one line for people on standard error."""
    if not options.quiet:
        print_note(f"biobench: {line}")
