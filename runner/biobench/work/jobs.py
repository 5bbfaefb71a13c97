"""The jobs of a plan, and the one that a worker does next.

In: a plan and what is done, claimed or failed. Out: a job. A worker stays with the model that it
has loaded as long as there is work for it, and else takes the one with most work for each worker.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from biobench._common.claims import ClaimListing
from biobench.work.document import PlanPart, WorkPlan

STALE_S = 120.0
"""Seconds without a sign after which the part of a worker is taken over."""


@dataclass(frozen=True)
class Job:
    """Work of one claim: a part, else probing a task, else the report of a model.

    Attributes:
        name: Name of the claim.
        task: Number of the task; None for a report.
        part: None for probing and for a report.
    """

    name: str
    model: int
    task: int | None = None
    part: PlanPart | None = None


class Jobs:
    """The jobs of a plan by their state.

    Args:
        plan: The plan.
        written: Tells whether the result of a model is in its folder.
    """

    def __init__(self, plan: WorkPlan, written: Callable[[int], bool]) -> None:
        self._plan = plan
        self.is_written = written
        models, tasks = range(len(plan.models)), range(len(plan.tasks))
        self._parts = [Job(part.name, part.model, part.task, part) for part in plan.parts]
        self._probes = [Job(plan.job(m, t), m, t) for m in models for t in tasks]
        self._reports = [Job(plan.job(m), m) for m in models]

    def left(self, done: ClaimListing, failed: frozenset[str]) -> list[Job]:
        """Jobs that are not done, whose turn has come, and that did not fail here; probing follows
        the parts of a task, and a report its tasks."""
        open_parts = [job for job in self._parts if job.name not in done.done]
        waiting = Counter((job.model, job.task) for job in open_parts if job.name not in failed)
        lost = {(job.model, job.task) for job in open_parts if job.name in failed}
        found = [job for job in open_parts if job.name not in failed]
        unprobed: Counter[int] = Counter()
        probed: Counter[int] = Counter()
        for job in self._probes:
            place = (job.model, job.task)
            if job.name in done.done:
                probed[job.model] += 1
            elif job.name not in failed and (place not in lost or waiting[place]):
                unprobed[job.model] += 1
                if not waiting[place] and place not in lost:
                    found.append(job)
        for job in self._reports:
            finished = job.name in done.done and self.is_written(job.model)
            ready = probed[job.model] and not unprobed[job.model]
            if ready and not finished and job.name not in failed:
                found.append(job)
        return found

    def of_model(self, model: int) -> list[Job]:
        """Every job of a model."""
        return [job for job in (*self._parts, *self._probes, *self._reports) if job.model == model]

    def ordered(
        self, left: list[Job], done: ClaimListing, loaded: int | None, turn: int
    ) -> Iterator[Job]:
        """Jobs in the order in which a worker should try to claim them.

        Args:
            left: See :meth:`left`.
            done: What is claimed.
            loaded: The model that the worker has.
            turn: A number of the worker: those who begin at once begin at different parts.
        """
        free = Counter(job.model for job in left if job.name not in done.claimed)
        taken = Counter(job.model for job in left if job.name in done.claimed)
        weight = {m: free[m] / (1 + taken[m]) for m in {job.model for job in left}}
        models = sorted(weight, key=lambda m: (m != loaded, -weight[m], m))
        for model in models:
            own = [job for job in left if job.model == model]
            yield from (job for job in own if job.part is None)
            parts = [job for job in own if job.part is not None]
            unclaimed = [job for job in parts if job.name not in done.claimed]
            yield from _from(turn, unclaimed)
            # Of many that are stale at once, each worker tries another one first.
            yield from _from(turn, [job for job in parts if job.name in done.claimed])


def _from(turn: int, jobs: list[Job]) -> list[Job]:
    start = turn % len(jobs) if jobs else 0
    return jobs[start:] + jobs[:start]


def claims_folder(store: Path, plan: WorkPlan) -> Path:
    """The folder of a plan's claims."""
    return store / "claims" / plan.digest.removeprefix("sha256:")
