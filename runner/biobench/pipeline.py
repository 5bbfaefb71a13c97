"""The whole flow on one page: spec, manifest, pixels, features, predictions, score, report.

In: options of a run. Out: a result, or a learning curve: a result for each size of the train split.
Each stage is a function of inputs that have digests; the output of a stage is stored under the
digest of everything that can change it. The preparation before the first image is in run/.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from biobench.data.views import pool_rule
from biobench.errors import BiobenchError, DataError
from biobench.report.earlier import CURVES_PAGE, MODELS_PAGE
from biobench.report.results import Results
from biobench.repro import torch_state
from biobench.run.conclusion import conclude
from biobench.run.context import Context, prepare, say_notes
from biobench.run.costs import Stopwatch, peak_memory_bytes
from biobench.run.failures import Failures
from biobench.run.learning_curve import Sizes, in_order
from biobench.run.many import ModelRun, by_recipe, failed, load_in_turn, speed_of
from biobench.run.options import Options, say
from biobench.run.out_folder import claim_out, clear_pages
from biobench.run.plan import Plan, plan_models
from biobench.run.task_features import TaskFeatures, embed_task

if TYPE_CHECKING:
    from biobench.report.curve import Cell, Curve
    from biobench.report.outcome import TaskOutcome
    from biobench.report.write import PageOptions

    Cells = dict[str, dict[int | None, Cell]]
    """By task and size of its train split, its outcome or the reason why there is none."""


def run(options: Options) -> Results:
    """Score a model and write the result.

    Where a task fails, the others are scored and written before its error is raised.

    Raises:
        BiobenchError: UsageError, DataError, SpecError or ModelError, as the command line's exit
            codes say.
    """
    results, failures = run_tasks(options)
    failures.raise_first(results.folder)
    return results


def run_tasks(options: Options) -> tuple[Results, Failures]:
    """Score a model on the tasks that can be scored, and write the result.

    The failures of tasks are for the caller to raise, where a task has a score.

    Raises:
        BiobenchError: As :func:`run`; no task can be scored.
    """
    return run_prepared(prepare(options))


def run_prepared(context: Context) -> tuple[Results, Failures]:
    """As :func:`run_tasks`, of a run whose model is loaded."""
    with claim_out(context.plan.out, save=context.options.save) as out:
        ((cells, failures),) = _score_all([context])
        results = _conclude(context, cells, failures, out)
        if results is None:
            failures.raise_nothing_scored()
    clear_pages([results.folder], context.options)
    return results, failures


def run_models(models: Sequence[Options], sizes: Sizes | None = None) -> list[ModelRun]:
    """Score several models on the same tasks; each has the outcome that it has alone.

    Manifests are read once. As many models as fit into memory are loaded at a time, and those of
    them that share a recipe embed a task together, so that an image is decoded once for all of
    them. A model that fails costs the others nothing; its error is in its place.

    Args:
        models: Options of one size of the train split that differ in ``model``, ``precision`` and
            ``out``.
        sizes: Sizes of a learning curve of each model, instead of the one size.

    Raises:
        BiobenchError: As :func:`run`, for faults that are not of one model.
    """
    runs: dict[int, ModelRun] = {}
    plans: dict[int, Plan] = {}
    if sizes is not None:
        sizes, models = in_order(sizes), [replace(options, n_train=None) for options in models]
    for i, made in enumerate(plan_models(models, sizes)):
        if isinstance(made, Plan):
            plans[i] = made
        else:
            runs[i] = failed(models[i], made)
    for made in [*plans.values()][:1]:
        say_notes(made)
    announce = True
    for loaded in load_in_turn(plans, runs):
        for group in by_recipe(loaded):
            runs |= _run_group(group, announce=announce, curves=sizes is not None)
            announce = False
            del group
    page = MODELS_PAGE if sizes is None else CURVES_PAGE
    clear_pages([run.folder for run in runs.values()], models[0], but=page)
    return [runs[i] for i in range(len(models))]


def _run_group(
    contexts: Mapping[int, Context], *, announce: bool, curves: bool
) -> dict[int, ModelRun]:
    """Score models of one recipe on every task, side by side, and write their results, or their
    ``curves``; ``announce``: as for :func:`_score_all`."""
    runs: dict[int, ModelRun] = {}
    started = datetime.now(UTC)
    with ExitStack() as stack:
        claimed: list[tuple[int, Context, Path | None]] = []
        for i, context in contexts.items():
            try:
                claim = claim_out(context.plan.out, save=context.options.save)
                # All of a set are loaded before the first is run.
                begun = replace(context, started=started)
                claimed.append((i, begun, stack.enter_context(claim)))
            except BiobenchError as error:
                runs[i] = failed(context.options, error)
        scored = _score_all([context for _, context, _ in claimed], announce=announce)
        for (i, context, out), (cells, failures) in zip(claimed, scored, strict=True):
            options = context.options
            try:
                if curves:
                    curve = _conclude_curve(context, cells, failures, out)
                    runs[i] = ModelRun(options, None, failures.first, curve=curve)
                else:
                    results = _conclude(context, cells, failures, out)
                    speed = speed_of(_scored(cells, options.n_train))
                    runs[i] = ModelRun(options, results, failures.first, speed)
            except Exception as error:  # noqa: BLE001 - the others are written
                runs[i] = failed(options, error)
    return runs


def _conclude(
    context: Context, cells: Cells, failures: Failures, out: Path | None
) -> Results | None:
    """Build the result of a model at one size, and write it to ``out``; None where no task has a
    score."""
    from biobench.report.earlier import result_digests
    from biobench.report.page.names import names_of_manifest
    from biobench.report.write import write_run

    size = context.options.n_train
    outcomes = _scored(cells, size)
    if not outcomes:
        return None
    results = conclude(outcomes, size, context)
    if out is not None and not failures.keep_earlier(out):
        earlier = result_digests(out)
        page = _page_options(context)
        files = context.plan.task_files(outcomes[0].manifest.left_out)
        write_run(results, outcomes, out, files, page)
        failures.say_outdated(out, earlier)
        results.folder = context.plan.out
    else:
        results.loaded_predictions = {outcome.task.id: outcome.predictions for outcome in outcomes}
        results.loaded_names = {
            outcome.task.id: names_of_manifest(outcome.manifest) for outcome in outcomes
        }
    return results


def _page_options(context: Context) -> PageOptions:
    """The material of the page of a result of this run, beside its scores."""
    from biobench.report.write import PageOptions

    plan = context.plan
    return PageOptions(context.options.pictures, plan.spec.interval_constants, plan.notes_by_task)


def learning_curve(options: Options, sizes: Sizes) -> Curve:
    """Score a model at each size and write the results and the curve.

    A task that cannot be probed at a size has the reason instead of a score there. Where a task
    fails for another reason than its sample, the error is raised after the others are written.

    Args:
        options: Options of the run.
        sizes: Numbers as ``--n-train`` takes them, None for the whole train split.

    Raises:
        BiobenchError: As :func:`run`.
        UsageError: A size is below 1 or named twice.
        DataError: No task has a score at any size.
    """
    curve, failures = curve_of_tasks(options, sizes)
    failures.raise_first(curve.folder)
    return curve


def curve_of_tasks(options: Options, sizes: Sizes) -> tuple[Curve, Failures]:
    """The curve of the tasks that can be scored; else as :func:`run_tasks`."""
    context = prepare(replace(options, n_train=None), in_order(sizes))
    with claim_out(context.plan.out, save=options.save) as out:
        ((cells, failures),) = _score_all([context])
        curve = _conclude_curve(context, cells, failures, out)
        if curve is None:
            failures.raise_nothing_scored()
    clear_pages([curve.folder], options)
    return curve, failures


def _conclude_curve(
    context: Context, cells: Cells, failures: Failures, out: Path | None
) -> Curve | None:
    """Build the curve of a model, and write it to ``out``; None where tasks failed and none has a
    score.

    Raises:
        DataError: No task has a score at any size, and none failed.
    """
    from biobench.report.curve import assemble_curve, write_curve
    from biobench.report.earlier import result_digests

    sizes = context.plan.sizes
    outcomes = {size: _scored(cells, size) for size in sizes}
    results = [
        conclude(found, size, context) if found else None for size, found in outcomes.items()
    ]
    if failures.first is not None and all(result is None for result in results):
        return None
    curve = assemble_curve(sizes, context.plan.asked, cells, results)
    if out is not None and not failures.keep_earlier(out):
        scored = [outcome for found in outcomes.values() for outcome in found]
        earlier = result_digests(out)
        page = _page_options(context)
        files = context.plan.task_files(scored[0].manifest.left_out)
        written = write_curve(curve, outcomes, out, files, page)
        curve = replace(written, folder=context.plan.out)
        failures.say_outdated(out, earlier)
    return curve


def _score_all(
    contexts: Sequence[Context], *, announce: bool = True
) -> list[tuple[Cells, Failures]]:
    """Each task at each size by each model, embedded once, and the tasks that failed.

    Args:
        contexts: One model, or several with one recipe and the same tasks.
        announce: Print notes on tasks whose data fail.
    """
    from biobench.embed.forward import set_up_torch

    if not contexts:
        return []
    plan, many = contexts[0].plan, contexts[0].options.folder is not None
    failed = {task.id: dict.fromkeys(plan.sizes, error.what) for task, error in plan.failed}
    scored: list[tuple[Cells, Failures]] = []
    for context in contexts:
        name = context.backbone.info.name if many else None
        first = announce and context is contexts[0]
        cells: Cells = {id: {**reasons} for id, reasons in failed.items()}
        scored.append((cells, Failures(context.plan, model=name, announce=first)))
    with set_up_torch([context.backbone for context in contexts]):
        for located, whole in zip(plan.selection.selected, plan.manifests, strict=True):
            id, asked = located.task.id, plan.sizes_of(located.task.id)
            unmet = {size: error.what for size, error in plan.unmet[id].items()}
            for cells, _ in scored:
                cells[id] = {**unmet}
            if asked:
                features = embed_task(located, whole, contexts, asked)
                for context, (cells, failures) in zip(contexts, scored, strict=True):
                    # Taken out, so that they go before the next model is probed.
                    cells[id] |= _score_sizes(features.pop(0), id, asked, context, failures)
    return scored


def _score_sizes(
    features: TaskFeatures | Exception,
    id: str,
    sizes: Sizes,
    context: Context,
    failures: Failures,
) -> dict[int | None, Cell]:
    """The outcome of a task at each size, or the reason why there is none."""
    if isinstance(features, Exception):
        failures.note(id, features, of_data=isinstance(features, DataError))
        return dict.fromkeys(sizes, failures.reason(features))
    cells: dict[int | None, Cell] = {}
    for size in sizes:
        try:
            cells[size] = score_task(features, size, context)
        except Exception as error:  # noqa: BLE001 - raised once the others are written
            # A sample that cannot be probed is a gap in a curve, not a failure of the task.
            if len(context.plan.sizes) == 1 or not isinstance(error, DataError):
                failures.note(id, error)
            cells[size] = failures.reason(error)
    return cells


def _scored(cells: Cells, size: int | None) -> list[TaskOutcome]:
    """The scored tasks at a size, in the order of the run."""
    found = (cell[size] for cell in cells.values())
    return [cell for cell in found if not isinstance(cell, str)]


def score_task(features: TaskFeatures, size: int | None, context: Context) -> TaskOutcome:
    """Score one frozen model on one task, exactly as the specification's protocol says.

    Args:
        features: Features of the task.
        size: Items of the train split as ``--n-train`` takes it; None for all.
        context: The run.

    Raises:
        DataError: The sample cannot be probed.
    """
    from biobench.embed import evidence
    from biobench.embed.embedded import feature_leaves, features_root
    from biobench.embed.pool import pool
    from biobench.metric import score as metric
    from biobench.probe.cached import predict
    from biobench.report.outcome import TaskOutcome

    task, suite, execution = features.located.task, context.suite, context.execution
    by_torch = context.backbone.info.program is None
    stopwatch = Stopwatch()
    manifest, embedded = features.at_size(size)
    # A row is an image; from here on a row is an item, which a view may pool from several.
    items, rule = manifest.items, pool_rule(task.view)
    pooled, bad = pool(manifest, embedded.features, embedded.bad, rule)
    leaves = feature_leaves(pooled)
    digest = features_root([row.id for row in items.rows], leaves)
    pixels = embedded.pixels_digest([row.id for row in manifest.rows])
    digests = {"manifest": manifest.digest, "pixels": pixels, "features": digest}
    try:
        evidence.remember(context.store, digests, manifest, embedded, rule)
    except BiobenchError as error:
        # Only `verify --against` misses it.
        say(context.options, f"{task.id}: where its features lie is not kept, {error}")
    with stopwatch.stage("probe"):
        predictions = predict(
            task, suite, items, pooled, digest, context.store,
            bad=bad, device=execution.device, workers=execution.workers,
            engine=execution.engine, quiet=context.options.quiet,
        )  # fmt: skip
    with stopwatch.stage("metric"):
        score = metric.score_task(task, suite, predictions)
    return TaskOutcome(
        task=task,
        manifest=manifest,
        bad=len(embedded.bad),
        computed=embedded.computed,
        images_per_s=features.images_per_s,
        predictions=predictions,
        score=score,
        pixels_digest=pixels,
        features_digest=digest,
        leaves={"pixels": embedded.pixels, "features": leaves},
        torch_state=torch_state.merged(
            [embedded.torch_state, torch_state.read_state()], in_run=by_torch
        ),
        wall=features.wall + stopwatch.wall(),
        cpu=features.cpu + stopwatch.cpu(),
        stages={
            "decode": embedded.seconds["decode"],
            "embed": embedded.seconds["embed"],
            **stopwatch.stages,
        },
        peak_memory_bytes=peak_memory_bytes(),
    )
