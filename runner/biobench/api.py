"""The calls that do what ``biobench run`` does."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from biobench.errors import UsageError
from biobench.models.names import with_architecture
from biobench.pipeline import run, run_models
from biobench.report.results import Results
from biobench.report.results import load_results as load_result
from biobench.run.external_scores import Declaration
from biobench.run.model_list import ListedModel, options_of_models
from biobench.run.options import Options

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from biobench.compare.result_set import ResultSet
    from biobench.decode.recipe import Recipe
    from biobench.models.base import Backbone
    from biobench.report.curve import Curve
    from biobench.spec.documents import Division

    OneModel = str | Backbone | tuple[torch.nn.Module, Callable[..., Any] | Recipe]


@overload
def evaluate(
    model: OneModel,
    tasks: str | Sequence[str] | None = None,
    *,
    suite: str | None = None,
    data: str | Path | None = None,
    engine: str = "auto",
    device: str = "auto",
    division: Division = "official",
    out: str | Path | None = None,
    n_train: int | None = None,
    declare: Mapping[str, tuple[float, str]] | None = None,
    arch: str | None = None,
) -> Results: ...


@overload
def evaluate(
    model: list[OneModel],
    tasks: str | Sequence[str] | None = None,
    *,
    suite: str | None = None,
    data: str | Path | None = None,
    engine: str = "auto",
    device: str = "auto",
    division: Division = "official",
    out: str | Path | None = None,
    n_train: int | None = None,
    declare: Mapping[str, tuple[float, str]] | None = None,
    arch: str | None = None,
) -> ResultSet: ...


def evaluate(
    model: Any,
    tasks: str | Sequence[str] | None = None,
    *,
    suite: str | None = None,
    data: str | Path | None = None,
    engine: str = "auto",
    device: str = "auto",
    division: Division = "official",
    out: str | Path | None = None,
    n_train: int | None = None,
    declare: Mapping[str, tuple[float, str]] | None = None,
    arch: str | None = None,
) -> Results | ResultSet:
    """Score a frozen backbone on tasks, or each of a list of them, and return the result.

    The levels are those of the command: F where the exact engine computes the features, in any
    process; E where torch does, or T where torch or the environment was altered. Features are kept
    in the store of BIOBENCH_STORE, by default in the user's cache folder.

    Args:
        model: A name as on the command line, a backbone (see
            :class:`biobench.models.base.Backbone`), or a torch module and its transform (see
            :func:`biobench.models.own_module.own_backbone`). A list of them: each is scored as
            alone, and an image is decoded once for those that share a recipe.
        tasks: One task id or file, or several.
        suite: A suite, instead of ``tasks``.
        data: The folder that holds the data sets; by default that of BIOBENCH_DATA.
        engine: ``exact``, ``torch``, or ``auto``: the exact engine where it carries the model and
            there is no GPU.
        device: ``auto``, ``cpu`` or ``cuda``.
        division: ``official`` or ``compat``.
        out: Folder for results.json, predictions and the page, of a list for a folder a model; None
            writes no result.
        n_train: Few-shot: training items a class (compat: in all); None for all.
        declare: By task id, the published score that stands in for running the task, as a fraction,
            and where it is published.
        arch: Architecture of a local file of weights, such as ``timm:./weights.safetensors``.

    Returns:
        The result of the tasks that could be scored; of a list those of the models, in a
        :class:`biobench.ResultSet` whose ``errors`` has the models that failed.

    Raises:
        BiobenchError: One of the errors of :mod:`biobench.errors`; of a list where every model
            fails.
    """
    models = model if isinstance(model, list) else [model]
    if not models or (arch is not None and len(models) > 1):
        raise UsageError(
            "the list of models is empty" if not models else "arch belongs to one model",
            remedy="give at least one" if not models else "write timm:./FILE#ARCHITECTURE instead",
        )
    listed = [ListedModel(_model(given, arch)) for given in models]
    declared = tuple(Declaration(task, *said) for task, said in (declare or {}).items())
    options = _options(listed[0].model, tasks, suite, data, engine, device, division, out)
    options = replace(options, n_train=n_train, declare=declared)
    return _each(options, listed) if isinstance(model, list) else run(options)


def _model(given: Any, arch: str | None) -> str | Backbone:
    """A name or a backbone; raises UsageError for anything else."""
    if isinstance(given, str):
        return with_architecture(given, arch)
    if isinstance(given, tuple):
        from biobench.models.own_module import own_backbone

        if len(given) != 2:
            raise UsageError(
                f"a tuple of {len(given)} is no model",
                remedy="give (module, transform), or a list of models",
            )
        return own_backbone(*given)
    if not hasattr(given, "embed"):
        raise UsageError(
            f"model is {type(given).__name__}",
            remedy="give a name, a backbone with embed(), (module, transform), or a list of them",
        )
    backbone: Backbone = given
    return backbone


def _each(options: Options, listed: Sequence[ListedModel]) -> ResultSet:
    """The results of several models; raises the first error where there is none."""
    from biobench.compare.result_set import ResultSet

    runs = run_models(options_of_models(options, listed))
    scored = [done.results for done in runs if done.results is not None]
    errors = {done.options.model_name: done.error for done in runs if done.error is not None}
    if not scored:
        raise next(iter(errors.values()))
    return ResultSet(scored, errors)


@overload
def load_results(path: str | Path) -> Results: ...


@overload
def load_results(path: list[Any] | tuple[Any, ...]) -> ResultSet: ...


def load_results(path: str | Path | list[Any] | tuple[Any, ...]) -> Results | ResultSet:
    """Read ``results.json`` (the file, or the folder that holds it); of a list, each of them.

    Args:
        path: The file or the folder, or several.

    Raises:
        DataError: A file is missing, is not JSON, or has a schema that this version does not know.
    """
    if isinstance(path, str | Path):
        return load_result(path)
    from biobench.compare.result_set import ResultSet

    return ResultSet([load_result(one) for one in path])


def learning_curve(
    model: str | Backbone,
    tasks: str | Sequence[str] | None = None,
    *,
    sizes: Sequence[int | None] = (1, 3, 10, 30, 100, None),
    suite: str | None = None,
    data: str | Path | None = None,
    engine: str = "auto",
    device: str = "auto",
    division: Division = "official",
    out: str | Path | None = None,
) -> Curve:
    """Score a frozen backbone at several sizes of the train split, embedding each task once.

    Args:
        model: A name or a backbone, as for :func:`evaluate`.
        tasks: One task id or file, or several.
        sizes: Training items a class (compat: in all); None for the whole train split.
        suite: A suite, instead of ``tasks``.
        data: The folder that holds the data sets; by default that of BIOBENCH_DATA.
        engine: ``exact``, ``torch``, or ``auto``: the exact engine where it carries the model and
            there is no GPU.
        device: ``auto``, ``cpu`` or ``cuda``.
        division: ``official`` or ``compat``.
        out: Folder for the results of the sizes, the curve and its page; None writes nothing.

    Returns:
        The curve. Where a task cannot be probed at a size, its cell has the reason instead of a
        score.

    Raises:
        BiobenchError: One of the errors of :mod:`biobench.errors`.
    """
    from biobench.pipeline import learning_curve as run_curve

    return run_curve(
        _options(_model(model, None), tasks, suite, data, engine, device, division, out),
        tuple(sizes),
    )


def _options(
    model: str | Backbone,
    tasks: str | Sequence[str] | None,
    suite: str | None,
    data: str | Path | None,
    engine: str,
    device: str,
    division: Division,
    out: str | Path | None,
) -> Options:
    if tasks is not None and suite is not None:
        raise UsageError("tasks and suite exclude each other", remedy="give one of them")
    return Options(
        model=model,
        suite=suite,
        tasks=(tasks,) if isinstance(tasks, str) else tuple(tasks or ()),
        data=_data_folder(data),
        engine=engine,
        device=device,
        division=division,
        out=Path(out) if out is not None else None,
        save=out is not None,
        quiet=True,
    )


def _data_folder(data: str | Path | None) -> Path | None:
    named = data if data is not None else os.environ.get("BIOBENCH_DATA")
    return Path(named) if named else None
