"""The conditions of an official result (SPEC.md, section "Official results").

In: the facts of a run, or of a result. Out: every condition that does not hold. A run writes them
into its result, and `verify` checks the same ones again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from biobench.errors import counted
from biobench.spec.documents import BENCHMARK, Dataset, Suite
from biobench.spec.recorders import ENOUGH, independent

DECLARED = (32, 64, 128)
"""Rows of a micro-batch on a GPU that are as good as those of the suite (SPEC.md, 9.1-1)."""


@dataclass(frozen=True)
class OfficialClaim:
    """The facts that decide whether a result is official.

    Attributes:
        run: Ids of the tasks that were run.
        declared: Ids of the tasks with a declared score.
        own: True where a task is the user's own.
        counts: Differences from the specification, a line each.
        datasets: Data sets of the tasks that were run.
        compared: True where their files were compared with the specification's digest.
        resolved: Resolved name of the model.
        source: Source of the model.
        revision: Revision of the model.
        trusted: See :class:`biobench.models.base.ModelInfo`.
        pinned: See :class:`biobench.models.base.ModelInfo`.
        micro_batch: Rows of a micro-batch where features depend on it; None for a program.
        precision: Of the forward pass.
        gpu: True where torch computed on a GPU.
        level_t: True where a stage has level T.
    """

    division: str
    suite: Suite
    run: Sequence[str]
    declared: Sequence[str]
    own: bool
    n_train: int | None
    counts: Sequence[str]
    datasets: Sequence[Dataset]
    compared: bool
    bad_images: int
    resolved: str
    source: str
    revision: str | None
    trusted: bool
    pinned: bool
    micro_batch: int | None
    precision: str
    gpu: bool
    level_t: bool


def unofficial_reasons(claim: OfficialClaim) -> list[str]:
    """Every condition of an official result that does not hold, in a fixed order."""
    reasons = []
    if claim.division != "official":
        reasons.append(f"division {claim.division}")
    reasons += _tasks(claim)
    if claim.n_train is not None:
        reasons.append(f"few-shot: n_train {claim.n_train}")
    reasons += [f"counts: {line}" for line in claim.counts]
    if claim.suite.id == BENCHMARK and not claim.own:
        reasons += _files(claim)
    if claim.bad_images:
        reasons.append(counted(claim.bad_images, "unreadable image"))
    if not claim.trusted:
        reasons.append("the model runs the user's own code")
    elif not claim.pinned:
        reasons.append(unpinned(claim.resolved, claim.source, claim.revision))
    if claim.precision != "float32" and not claim.gpu:
        reasons.append(f"{claim.precision} on the CPU")
    if claim.micro_batch not in (None, *_micro_batches(claim)):
        rows = counted(claim.micro_batch or 0, "row")
        reasons.append(f"micro-batches of {rows}, which is no size of the specification")
    if claim.level_t:
        reasons.append("torch or the environment was altered: level T")
    return reasons


def _micro_batches(claim: OfficialClaim) -> tuple[int, ...]:
    """The sizes that an official result may have."""
    suite = claim.suite
    return (suite.micro_batch_cuda, *DECLARED) if claim.gpu else (suite.micro_batch_cpu,)


def _tasks(claim: OfficialClaim) -> list[str]:
    """Conditions on the choice of tasks that do not hold."""
    reasons = []
    members = claim.suite.members
    if claim.suite.id != BENCHMARK:
        reasons.append(f"suite {claim.suite.id}")
        if claim.declared:
            reasons.append(f"declared, not run: {', '.join(claim.declared)}")
    if claim.own:
        return [*reasons, "a task file of the user's own"]
    if any(task not in members for task in claim.run):
        reasons.append("tasks of different suites")
    absent = [task for task in members if task not in (*claim.run, *claim.declared)]
    return [*reasons, f"tasks not run: {', '.join(absent)}"] if absent else reasons


def _files(claim: OfficialClaim) -> list[str]:
    """Conditions on files that do not hold: they count as the benchmark's own only when compared
    with the specification's hash."""
    reasons = []
    for dataset in claim.datasets:
        if dataset.files_digest is None:
            reasons.append(f"data set {dataset.id}: the specification has no hash of its files")
        elif len(independent(dataset.recorded_by)) < ENOUGH:
            reasons.append(
                f"data set {dataset.id}: no two people of different laboratories have recorded the "
                "hash of its files"
            )
        elif not claim.compared:
            reasons.append(
                f"data set {dataset.id}: its files were not compared with the specification's hash"
            )
    return reasons


def unpinned(resolved: str, source: str, revision: str | None) -> str:
    """The reason that the revision is not pinned, with the name to give instead, where a hub gave
    the commit."""
    reason = "the model's revision is not pinned"
    if source != "hub" or revision is None:
        return reason
    return f"{reason}: the name with the commit is {resolved}@{revision}"
