"""A learning curve: one model scored at several sizes of the train split.

In: options of a run and sizes. Out: a result for each size, and the curve. The flow is that of
pipeline.py; each task is embedded once, and each size takes a sample of its features.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from biobench.errors import DataError
from biobench.out_folder import claim_out
from biobench.pipeline import Failures, conclude, embed_task, score_task
from biobench.report.curve import Cell, Curve, assemble_curve, write_curve
from biobench.report.outcome import TaskOutcome
from biobench.selection import Selection, leave_out
from biobench.setting import Options, Setting, Sizes, in_order, prepare


def learning_curve(options: Options, sizes: Sizes) -> Curve:
    """Score a model at each size and write the results and the curve.

    sizes: numbers as ``--n-train`` takes them, null for the whole train split. A task that cannot
    be probed at a size has no score there, and the reason stands in its place. Raises as
    :func:`biobench.pipeline.run`, and as late where a task fails for another reason than its
    sample; UsageError for a size that is below 1 or named twice; DataError where no task
    has a score at any size.
    """
    curve, failures = curve_of_tasks(options, sizes)
    failures.raise_first(curve.folder)
    return curve


def curve_of_tasks(options: Options, sizes: Sizes) -> tuple[Curve, Failures]:
    """The curve of the tasks that can be scored; else as :func:`biobench.pipeline.run_tasks`."""
    ordered = in_order(sizes)
    setting = prepare(replace(options, n_train=None), ordered)
    with claim_out(setting.plan) as out:
        return _learning_curve(setting, ordered, out)


def _learning_curve(setting: Setting, ordered: Sizes, out: Path | None) -> tuple[Curve, Failures]:
    """Score all tasks at all sizes and write the curve to ``out``, where it is to be written."""
    from biobench.embed.forward import deterministic

    selection = setting.plan.selection
    cells: dict[str, dict[int | None, Cell]] = {
        item.task.id: dict.fromkeys(ordered, error.what) for item, error in setting.plan.unreadable
    }
    failures = Failures(setting.plan)
    with deterministic():
        for chosen, whole in zip(selection.chosen, setting.plan.manifests, strict=True):
            id = chosen.task.id
            cells[id] = {size: error.what for size, error in setting.plan.refused[id].items()}
            asked = setting.plan.sizes_of(id)
            if not asked:
                continue
            try:
                features = embed_task(chosen, whole, setting, asked)
            except Exception as error:  # noqa: BLE001 - raised once the others are written
                failures.note(id, error)
                cells[id] |= dict.fromkeys(asked, failures.reason(error))
                continue
            for size in asked:
                try:
                    cells[id][size] = score_task(features, size, setting)
                except DataError as error:
                    cells[id][size] = error.what
                except Exception as error:  # noqa: BLE001 - raised once the others are written
                    failures.note(id, error)
                    cells[id][size] = failures.reason(error)
            del features
    outcomes = {size: _scored(selection, cells, size) for size in ordered}
    results = [
        conclude(found, _only(selection, found), size, setting) if found else None
        for size, found in outcomes.items()
    ]
    if all(result is None for result in results):
        failures.raise_first(None)
    curve = assemble_curve(ordered, setting.plan.asked, cells, results)
    if out is not None:
        curve = replace(write_curve(curve, outcomes, out), folder=setting.plan.out)
    return curve, failures


def _scored(
    selection: Selection, cells: dict[str, dict[int | None, Cell]], size: int | None
) -> list[TaskOutcome]:
    found = (cells[chosen.task.id][size] for chosen in selection.chosen)
    return [cell for cell in found if isinstance(cell, TaskOutcome)]


def _only(selection: Selection, found: list[TaskOutcome]) -> Selection:
    """The choice of tasks as far as it was scored."""
    scored = {outcome.chosen.task.id for outcome in found}
    return leave_out(selection, {item.task.id for item in selection.chosen} - scored)
