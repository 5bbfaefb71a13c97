"""The table of a plan for people: models x tasks, what is stored, what is left, how long it takes.

In: an estimate. Out: lines on the terminal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from biobench._common.byte_sizes import show_size
from biobench._common.output import print_line
from biobench.errors import counted
from biobench.report.fitting_table import print_fitting
from biobench.work.estimate import Estimate

if TYPE_CHECKING:
    from rich.console import Console

COLUMNS = ("model", "task", "images", "parts", "stored", "to do", "time")
BY_WEIGHT = ("model", "task", "to do", "time", "parts", "stored", "images")


def print_estimate(made: Estimate, console: Console) -> None:
    """Print a row a model and task, the measurements that the times come from, and the sums."""
    rows = [
        {
            "model": task.model,
            "task": task.task,
            "images": str(task.images),
            "parts": str(task.parts),
            "stored": str(task.stored),
            "to do": str(task.parts - task.stored),
            "time": "?" if task.seconds is None else show_time(task.seconds),
        }
        for task in made.tasks
    ]
    print_fitting(rows, COLUMNS, console, by_weight=BY_WEIGHT, left=("model", "task"))
    unknown: list[str] = []
    for model, rate in zip(made.plan.models, made.rates, strict=True):
        if rate is None:
            unknown.append(model.model)
            continue
        print_line(
            f"{model.model}: {rate.images_per_s:.3g} images/s and "
            f"{show_size(rate.peak_memory_bytes)} of memory, measured over "
            f"{counted(rate.images, 'image')} with "
            f"{counted(rate.workers, 'worker')} on {rate.hardware}"
        )
    if unknown:
        print_line(
            f"no rate is known of {', '.join(unknown)}: the store has no measurement, and "
            "`biobench plan --measure` makes one"
        )
    parts = sum(task.parts for task in made.tasks)
    left = sum(task.parts - task.stored for task in made.tasks)
    time = "" if made.seconds is None else f", about {show_time(made.seconds)} of one such process"
    print_line(
        f"{counted(parts, 'part')}: {parts - left} stored, {left} to do{time}; probes not counted"
    )


def show_time(seconds: float) -> str:
    """A number of seconds for people."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
