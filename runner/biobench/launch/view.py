"""The state of a launched plan: its parts by model and task, its results, and the jobs.

In: a plan, its launches, the store, and what Slurm says. Out: lines for people, a value for
programs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from biobench._common.output import console, print_line
from biobench.errors import counted
from biobench.launch.record import Launch
from biobench.launch.slurm import TaskState
from biobench.report.fitting_table import print_fitting

if TYPE_CHECKING:
    from biobench.work.document import WorkPlan
    from biobench.work.overview import Status

STATES = ("stored", "claimed", "stale", "open")


def value_of(
    plan: WorkPlan, status: Status, launches: Sequence[Launch], tasks: Sequence[TaskState]
) -> dict[str, Any]:
    """The state as a JSON value."""
    return {
        "plan": plan.digest,
        "parts": [
            {
                "name": entry.part.name,
                "model": plan.models[entry.part.model].model,
                "task": plan.tasks[entry.part.task].task,
                "rows": [entry.part.rows.start, entry.part.rows.stop],
                "state": entry.state,
                "worker": entry.owner,
                "host": entry.host,
                "pid": entry.pid,
                "age_s": None if entry.age_s is None else round(entry.age_s, 1),
            }
            for entry in status.parts
        ],
        "results": dict(status.written),
        "jobs": [asdict(launch) for launch in launches],
        "workers": [asdict(task) for task in tasks],
    }


def print_status(
    plan: WorkPlan, status: Status, launches: Sequence[Launch], tasks: Sequence[TaskState]
) -> None:
    """Print the state for people."""
    counts: dict[tuple[int, int], Counter[str]] = {}
    for entry in status.parts:
        counts.setdefault((entry.part.model, entry.part.task), Counter())[entry.state] += 1
    rows = []
    for (model, task), found in counts.items():
        folder, name = plan.models[model].folder, plan.tasks[task].task
        rows.append(
            {
                "model": folder,
                "task": name,
                **{state: str(found[state]) for state in STATES},
                "scored": "yes" if status.probed[folder, name] else "no",
            }
        )
    if rows:
        print_fitting(rows, list(rows[0]), console(), left=("model", "task"))
    written = sum(status.written.values())
    summed = ", ".join(f"{status.count(state)} {state}" for state in STATES)  # type: ignore[arg-type]
    print_line(f"parts: {summed}; {written} of {counted(len(status.written), 'result')} written")
    if not launches:
        print_line("jobs: none was launched for this plan")
        return
    by_job = {launch.job: launch for launch in launches}
    states: dict[str, Counter[str]] = {job: Counter() for job in by_job}
    for state in tasks:
        job = state.task.partition("_")[0]
        if job in states:
            states[job][state.state] += 1
    for job, launch in by_job.items():
        summary = ", ".join(f"{count} {name}" for name, count in sorted(states[job].items()))
        print_line(f"job {job}, {counted(launch.workers, 'worker')}: {summary or 'ended'}")
    for state in tasks:
        if state.state == "RUNNING" or (state.state == "PENDING" and state.reason):
            reason = f", {state.reason}" if state.reason else ""
            where = f" on {state.nodes}" if state.nodes else ""
            print_line(f"  {state.task} {state.state.lower()}{where}, {state.elapsed}{reason}")
