"""Arguments of the calls from Python, checked as the command line checks its options.

In: arguments of :func:`biobench.evaluate` and :func:`biobench.learning_curve`. Out: options of a
run; UsageError for arguments that exclude each other, or whose values no run can have.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from biobench._common.arguments import one_of, real_number, text, whole_number
from biobench._common.text import short
from biobench.errors import UsageError, counted
from biobench.models.names import with_architecture
from biobench.run.external_scores import Declaration
from biobench.run.learning_curve import in_order
from biobench.run.model_list import ListedModel, read_models
from biobench.run.options import ON_BAD_IMAGE, PRECISIONS, ImageOptions, OnBadImage, Options
from biobench.spec.documents import Division

if TYPE_CHECKING:
    from biobench.models.base import Backbone

ARGUMENTS = {
    "model": "model",
    "models": "models",
    "arch": "arch",
    "suite": "suite",
    "task": "tasks",
    "images": "images",
    "train-share": "train_share",
    "group": "group",
    "protocol": "protocol",
    "data": "data",
    "out": "out",
    "store": "store",
    "engine": "engine",
    "device": "device",
    "division": "division",
    "n-train": "n_train",
    "declare": "declare",
    "source": "declare",
    "workers": "workers",
    "precision": "precision",
    "on-bad-image": "on_bad_image",
    "no-pictures": "pictures",
    "offline": "offline",
}
"""The argument of :func:`biobench.evaluate` for each option of ``biobench run``, for messages."""
CURVE_ARGUMENTS = {**ARGUMENTS, "n-train": "sizes"}
"""The argument of :func:`biobench.learning_curve` for each option."""
OF_THE_COMMAND = ("json", "dry-run")
"""Options of the command alone: a call returns its result."""
MOST_WORKERS = 1024


class RunOptions(TypedDict, total=False):
    """The arguments by name that the calls share."""

    suite: str | None
    images: str | Path | None
    train_share: float | str | Fraction | None
    group: str | Path | None
    protocol: str | None
    data: str | Path | None
    out: str | Path | None
    store: str | Path | None
    engine: str
    device: str
    division: Division
    workers: int | None
    precision: str
    on_bad_image: OnBadImage
    pictures: bool
    offline: bool
    arch: str | None
    progress: bool


class EvaluateOptions(RunOptions, total=False):
    """The arguments by name that :func:`biobench.evaluate` has beside ``models``."""

    n_train: int | None
    declare: Mapping[str, tuple[float, str]] | None


def listed_models(
    model: Any, file: str | Path | None, arch: str | None
) -> tuple[list[ListedModel], bool]:
    """The models of a call, and True where several may be meant.

    Raises:
        UsageError: There is none, one is of another type, or an architecture is given beside
            several.
    """
    given = [] if model is None else model if isinstance(model, list) else [model]
    several = isinstance(model, list) or file is not None
    if not given and file is None:
        raise UsageError(
            "no model is given" if model is None else "the list of models is empty",
            remedy="give at least one",
        )
    if arch is not None and (len(given) != 1 or file is not None):
        raise UsageError(
            "--arch belongs to one model", remedy="write timm:./FILE#ARCHITECTURE instead"
        )
    listed = [ListedModel(model_of(one, arch)) for one in given]
    path = _path("models", file)
    return [*listed, *(read_models(path) if path is not None else ())], several


def model_of(given: Any, arch: str | None) -> str | Backbone:
    """A name or a backbone.

    Raises:
        UsageError: The value is neither.
    """
    if isinstance(given, str):
        return with_architecture(given, arch)
    if isinstance(given, tuple):
        from biobench.models.own_module import own_backbone

        if given and all(isinstance(one, str) for one in given):
            raise UsageError(
                f"a tuple of {counted(len(given), 'name')} is not a model",
                remedy=f"give a list of models: {short([*given])}",
            )
        if len(given) != 2:
            raise UsageError(
                f"a tuple of {len(given)} is not a model",
                remedy="give (module, transform), or a list of models",
            )
        return own_backbone(*given)
    if not hasattr(given, "embed"):
        raise UsageError(
            f"model= is of type {type(given).__name__}",
            remedy="give a name, a backbone with embed(), (module, transform), or a list of them",
        )
    backbone: Backbone = given
    return backbone


def call_options(
    model: str | Backbone, tasks: str | Sequence[str] | None, **given: Unpack[RunOptions]
) -> Options:
    """The options of a call.

    Raises:
        UsageError: Options exclude each other, or have values that the command line refuses by
            itself.
    """
    suite, out, store = given["suite"], given["out"], given["store"]
    workers, on_bad_image = given["workers"], given["on_bad_image"]
    if tasks is not None and suite is not None:
        raise UsageError("tasks= and suite= exclude each other", remedy="give one of them")
    one_of("precision=", given["precision"], PRECISIONS)
    one_of("on_bad_image=", on_bad_image, ON_BAD_IMAGE)
    if workers is not None and whole_number("workers=", workers, 1) > MOST_WORKERS:
        raise UsageError(f"workers= is {workers}", remedy=f"give at most {MOST_WORKERS}")
    own = _own_images(given)
    return Options(
        model=model,
        suite=suite,
        tasks=_tasks(tasks),
        data=None if own is not None else _data_folder(given["data"]),
        images=own,
        engine=given["engine"],
        device=given["device"],
        division=given["division"],
        out=_path("out", out),
        store=_path("store", store),
        workers=workers,
        precision=given["precision"],
        on_bad_image=on_bad_image,
        pictures=given["pictures"],
        offline=given["offline"],
        save=out is not None,
        quiet=not given["progress"],
    )


def _tasks(given: object) -> tuple[str, ...]:
    """Ids or files of tasks; none where all are meant."""
    several = isinstance(given, Iterable) and not isinstance(given, str | bytes)
    found = [] if given is None else [*given] if several else [given]  # type: ignore[misc]
    if not all(isinstance(one, str | Path) for one in found):
        raise UsageError(
            f"tasks= is {short(given)}", remedy="give a task id or file, or a list of them"
        )
    return tuple(map(str, found))


def sizes_of(sizes: Sequence[int | str | None]) -> tuple[int | None, ...]:
    """The sizes of a learning curve, ascending; None, or ``all`` as on the command line, is the
    whole train split.

    Raises:
        UsageError: The value is not a list of sizes.
    """
    if isinstance(sizes, str) or not isinstance(sizes, Sequence):
        raise UsageError(f"sizes= is {sizes!r}", remedy="give a list of numbers, and None for all")
    numbers = tuple(
        None if size is None or size == "all" else whole_number("sizes=", size) for size in sizes
    )
    try:
        return in_order(numbers)
    except UsageError as error:
        raise UsageError(
            f"sizes= {short([*numbers])} is not a list of sizes",
            remedy="give numbers from 1, and None for all, each once: [1, 3, 10, None]",
        ) from error


def declarations(given: Mapping[str, tuple[float, str]] | None) -> tuple[Declaration, ...]:
    """Scores that stand in for running tasks.

    Raises:
        UsageError: A value is not a score and its source.
    """
    if given is not None and not isinstance(given, Mapping):
        raise UsageError(f"declare= is {short(given)}", remedy="give a score for each task id")
    found = []
    for task, said in (given or {}).items():
        if isinstance(said, str) or not isinstance(said, Sequence) or len(said) != 2:
            raise UsageError(
                f"declare= has {said!r} for {task}",
                remedy='give the score and where it is published: {"imagenet1k": (0.812, "...")}',
            )
        real_number("the score of declare=", said[0])
        text("the source of declare=", said[1])
        found.append(Declaration(task, float(said[0]), said[1]))
    return tuple(found)


def _own_images(given: RunOptions) -> ImageOptions | None:
    """The options of class folders; None where there are none."""
    from biobench.run.images import parse_share

    images, share, group = _path("images", given["images"]), given["train_share"], given["group"]
    if images is None:
        for name in ("train_share", "group", "protocol"):
            if given[name] is not None:
                raise UsageError(f"{name}= is for images=", remedy="name the folder of your images")
        return None
    if given["data"] is not None:
        raise UsageError("images= and data= exclude each other", remedy="give one of them")
    return ImageOptions(
        images,
        None if share is None else parse_share(str(share)),
        None if group is None else str(group),
        given["protocol"],
    )


def _path(name: str, given: str | Path | None) -> Path | None:
    """A path; an empty one is refused, since it would mean the working folder."""
    if given is None:
        return None
    if not isinstance(given, str | Path):
        raise UsageError(f"{name}= is {short(given)}", remedy="give a path, or None")
    if not str(given).strip():
        raise UsageError(f"{name}= is empty", remedy="give a path, or None")
    return Path(given)


def _data_folder(data: str | Path | None) -> Path | None:
    return _path("data", data) if data is not None else _path_of_environment()


def _path_of_environment() -> Path | None:
    named = os.environ.get("BIOBENCH_DATA")
    return Path(named) if named else None
