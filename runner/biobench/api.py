"""The calls that do what ``biobench run`` does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack, overload

from biobench._common.argument_names import naming_arguments, rename
from biobench._common.arguments import whole_number
from biobench._common.text import short
from biobench.errors import BiobenchError, UsageError
from biobench.pipeline import run, run_models
from biobench.report.results import Results
from biobench.report.results import load_results as load_result
from biobench.run.call_options import (
    ARGUMENTS,
    CURVE_ARGUMENTS,
    call_options,
    declarations,
    listed_models,
    sizes_of,
)
from biobench.run.many import names_of
from biobench.run.model_list import ListedModel, options_of_models
from biobench.run.options import PREPARING, OnBadImage, Options, say_stage

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from biobench.compare.result_set import ResultSet
    from biobench.decode.recipe import Recipe
    from biobench.models.base import Backbone
    from biobench.report.curve import Curve
    from biobench.report.curve_set import CurveSet
    from biobench.run.call_options import EvaluateOptions, RunOptions
    from biobench.run.learning_curve import Sizes
    from biobench.spec.documents import Division

    OneModel = str | Backbone | tuple[torch.nn.Module, Callable[..., Any] | Recipe]


@overload
def evaluate(
    model: OneModel, tasks: str | Sequence[str] | None = None, **options: Unpack[EvaluateOptions]
) -> Results: ...


@overload
def evaluate(
    model: list[OneModel],
    tasks: str | Sequence[str] | None = None,
    *,
    models: str | Path | None = None,
    **options: Unpack[EvaluateOptions],
) -> ResultSet: ...


@overload
def evaluate(
    model: OneModel | list[OneModel] | None = None,
    tasks: str | Sequence[str] | None = None,
    *,
    models: str | Path,
    **options: Unpack[EvaluateOptions],
) -> ResultSet: ...


def evaluate(
    model: Any = None,
    tasks: str | Sequence[str] | None = None,
    *,
    models: str | Path | None = None,
    suite: str | None = None,
    images: str | Path | None = None,
    train_share: float | str | Fraction | None = None,
    group: str | Path | None = None,
    protocol: str | None = None,
    data: str | Path | None = None,
    out: str | Path | None = None,
    store: str | Path | None = None,
    engine: str = "auto",
    device: str = "auto",
    division: Division = "official",
    n_train: int | None = None,
    declare: Mapping[str, tuple[float, str]] | None = None,
    workers: int | None = None,
    precision: str = "float32",
    on_bad_image: OnBadImage = "stop",
    pictures: bool = True,
    offline: bool = False,
    arch: str | None = None,
    progress: bool = True,
) -> Results | ResultSet:
    """Score a frozen backbone on tasks, or each of a list of them, and return the result.

    The options are those of ``biobench run``, and so are the store and the levels: F where the
    exact engine computes the features, in any process; E where torch does, or T where torch or the
    environment was altered.

    Args:
        model: A name as on the command line, a backbone (see
            :class:`biobench.models.base.Backbone`), or a torch module and its transform (see
            :func:`biobench.models.own_module.own_backbone`). A list of them: each is scored as
            alone, and an image is decoded once for those that share a recipe.
        tasks: One task id or file, or several.
        models: A file of names of models, as ``--models`` reads it; its models come after those of
            ``model``.
        suite: A suite, instead of ``tasks``.
        images: Images of one's own, a folder for each class, or train/ and val/ with those, instead
            of ``tasks``.
        train_share: With ``images``: the share of each class that is learnt from; None for 0.7.
        group: With ``images``: what belongs together and stays on one side of the split, by a
            pattern on the paths (``"*/{site}_*"``) or a table.
        protocol: With ``images``: the protocol; None for logistic_regression.
        data: The folder that holds the data sets; by default that of BIOBENCH_DATA.
        out: Folder for results.json, predictions and the page, of several models for a folder a
            model; None writes no result.
        store: Folder for what can be reused; by default that of BIOBENCH_STORE, or in the user's
            cache folder.
        engine: ``exact``, ``torch``, or ``auto``: the exact engine where it carries the model and
            there is no GPU.
        device: ``auto``, ``cpu`` or ``cuda``.
        division: ``official`` or ``compat``.
        n_train: Few-shot: training items a class (compat: in all); None for all.
        declare: By task id, the published score that stands in for running the task, as a fraction,
            and where it is published.
        workers: Micro-batches side by side; None for the cores.
        precision: ``float32``, or ``float16`` or ``bfloat16``: autocast, float16 on CUDA only.
        on_bad_image: ``stop`` at an image that cannot be read, ``report`` it as wrong, or
            ``leave-out``, of a task of one's own.
        pictures: Put pictures into the page.
        offline: Never ask a hub.
        arch: Architecture of a local file of weights, such as ``timm:./weights.safetensors``.
        progress: Show notes and progress on standard error, in a notebook as a line that updates
            itself.

    Returns:
        The result of the tasks that could be scored; of several models those of them, in a
        :class:`biobench.ResultSet` whose ``failures`` has the models that failed.

    Raises:
        BiobenchError: One of the errors of :mod:`biobench.errors`; of several models where every
            one fails.
    """
    with naming_arguments(ARGUMENTS):
        listed, several = listed_models(model, models, arch)
        options = call_options(
            listed[0].model, tasks, suite=suite, images=images, train_share=train_share,
            group=group, protocol=protocol, data=data, out=out, store=store, engine=engine,
            device=device, division=division, workers=workers, precision=precision,
            on_bad_image=on_bad_image, pictures=pictures, offline=offline, progress=progress,
        )  # fmt: skip
        size = None if n_train is None else whole_number("n_train=", n_train, 1)
        options = replace(options, n_train=size, declare=declarations(declare))
        say_stage(options, PREPARING)
        return _each(options, listed) if several else run(options)


@overload
def load_results(path: str | Path) -> Results: ...


@overload
def load_results(path: list[Any] | tuple[Any, ...]) -> ResultSet: ...


def load_results(path: str | Path | list[Any] | tuple[Any, ...]) -> Results | ResultSet:
    """Read ``results.json`` (the file, or the folder that holds it); of a list, each of them.

    Args:
        path: The file or the folder, or several.

    Raises:
        UsageError: It is neither a path nor a list of them.
        DataError: A file is missing, is not JSON, or has a schema that this version does not know.
    """
    if isinstance(path, str | Path):
        return load_result(path)
    from biobench.compare.result_set import ResultSet

    several = isinstance(path, Iterable) and not isinstance(path, bytes)
    paths: list[Any] = [*path] if several else [path]
    if not several or not all(isinstance(one, str | Path) for one in paths):
        raise UsageError(
            f"path= is {short(path)}", remedy="give a file or folder of a result, or a list of them"
        )
    return ResultSet([load_result(one) for one in paths])


@overload
def learning_curve(
    model: OneModel,
    tasks: str | Sequence[str] | None = None,
    *,
    sizes: Sequence[int | str | None] = ...,
    **options: Unpack[RunOptions],
) -> Curve: ...


@overload
def learning_curve(
    model: list[OneModel],
    tasks: str | Sequence[str] | None = None,
    *,
    models: str | Path | None = None,
    sizes: Sequence[int | str | None] = ...,
    **options: Unpack[RunOptions],
) -> CurveSet: ...


@overload
def learning_curve(
    model: OneModel | list[OneModel] | None = None,
    tasks: str | Sequence[str] | None = None,
    *,
    models: str | Path,
    sizes: Sequence[int | str | None] = ...,
    **options: Unpack[RunOptions],
) -> CurveSet: ...


def learning_curve(
    model: Any = None,
    tasks: str | Sequence[str] | None = None,
    *,
    models: str | Path | None = None,
    sizes: Sequence[int | str | None] = (1, 3, 10, 30, 100, None),
    suite: str | None = None,
    images: str | Path | None = None,
    train_share: float | str | Fraction | None = None,
    group: str | Path | None = None,
    protocol: str | None = None,
    data: str | Path | None = None,
    out: str | Path | None = None,
    store: str | Path | None = None,
    engine: str = "auto",
    device: str = "auto",
    division: Division = "official",
    workers: int | None = None,
    precision: str = "float32",
    on_bad_image: OnBadImage = "stop",
    pictures: bool = True,
    offline: bool = False,
    arch: str | None = None,
    progress: bool = True,
) -> Curve | CurveSet:
    """Score a frozen backbone, or each of a list of them, at several sizes of the train split,
    embedding each task once.

    Args:
        model: One model, or a list of them, as for :func:`evaluate`.
        tasks: One task id or file, or several.
        models: A file of names of models, as for :func:`evaluate`.
        sizes: Training items a class (compat: in all); None or ``"all"`` for the whole train
            split. These are what ``n_train`` of :func:`evaluate` is one of.
        suite: As for :func:`evaluate`, and so are the arguments after it.
        images: A folder of class folders.
        train_share: With ``images``.
        group: With ``images``.
        protocol: With ``images``.
        data: The folder that holds the data sets; by default that of BIOBENCH_DATA.
        out: Folder for the results of the sizes, the curve and its page, of several models for a
            folder a model and a page of all; None writes nothing.
        store: Folder for what can be reused.
        engine: ``exact``, ``torch`` or ``auto``.
        device: ``auto``, ``cpu`` or ``cuda``.
        division: ``official`` or ``compat``.
        workers: Micro-batches side by side; None for the cores.
        precision: ``float32``, ``float16`` or ``bfloat16``.
        on_bad_image: ``stop``, ``report`` or ``leave-out``.
        pictures: Put pictures into the pages.
        offline: Never ask a hub.
        arch: Architecture of a local file of weights.
        progress: Show notes and progress on standard error.

    Returns:
        The curve. Where a task cannot be probed at a size, its cell has the reason instead of a
        score. Of several models those that have one, in a :class:`biobench.CurveSet` whose
        ``failures`` has the models that failed.

    Raises:
        BiobenchError: One of the errors of :mod:`biobench.errors`; of several models where none has
            a curve.
    """
    from biobench.pipeline import learning_curve as run_curve

    with naming_arguments(CURVE_ARGUMENTS):
        listed, several = listed_models(model, models, arch)
        options = call_options(
            listed[0].model, tasks, suite=suite, images=images, train_share=train_share,
            group=group, protocol=protocol, data=data, out=out, store=store, engine=engine,
            device=device, division=division, workers=workers, precision=precision,
            on_bad_image=on_bad_image, pictures=pictures, offline=offline, progress=progress,
        )  # fmt: skip
        say_stage(options, PREPARING)
        if several:
            return _curves(options_of_models(options, listed), sizes_of(sizes))
        return run_curve(options, sizes_of(sizes))


def _each(options: Options, listed: Sequence[ListedModel]) -> ResultSet:
    """The results of several models; raises the first error where there is none."""
    from biobench.compare.result_set import ResultSet

    runs = run_models(options_of_models(options, listed))
    scored = [run.results for run in runs if run.results is not None]
    failures = {
        name: run.error
        for name, run in zip(names_of(runs), runs, strict=True) if run.error is not None
    }  # fmt: skip
    if not scored:
        raise next(iter(failures.values()))
    for error in failures.values():
        if isinstance(error, BiobenchError):
            rename(error, ARGUMENTS)
    page = None
    if options.save:
        from biobench.compare.ranking import ranked_table
        from biobench.compare.site.models_page import write_models_page
        from biobench.spec.load import load_spec

        page = write_models_page(runs, *ranked_table(scored, load_spec()))
    return ResultSet(scored, failures, page)


def _curves(options: Sequence[Options], sizes: Sizes) -> CurveSet:
    """The curves of several models; raises the first error where there is none."""
    from biobench.run.curves import curve_set

    curves = curve_set(run_models(options, sizes))
    if not curves:
        raise next(iter(curves.failures.values()))
    for error in curves.failures.values():
        if isinstance(error, BiobenchError):
            rename(error, CURVE_ARGUMENTS)
    return curves
