"""The input of the report stage: each task's outcome, and the provenance that all tasks share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from biobench.data.manifest import Manifest
from biobench.data.predictions import Predictions
from biobench.embed.features import Execution
from biobench.metric.score import Score
from biobench.models.base import Backbone
from biobench.report.item_digests import ItemDigests, Stage
from biobench.spec.documents import Suite, Task
from biobench.spec.load import Spec


@dataclass(frozen=True)
class TaskOutcome:
    """One scored task with everything that its entry in the result is made of.

    The features are not kept: those of a whole benchmark would not fit in memory.

    Attributes:
        bad: Number of unreadable images.
        computed: Number of images that went through the backbone in this run.
        images_per_s: As this run measured it; where it computed nothing as an earlier one did, of
            the same images by the same model on the same hardware; 0 where none has.
        leaves: Digests of single rows and items by stage, see :mod:`biobench.report.item_digests`.
        torch_state: See :mod:`biobench.repro.torch_state`, read in the threads that embedded,
            and in this one once the task was scored.
        wall: Seconds of wall time.
        cpu: Seconds of processor time.
        stages: Seconds by stage.
    """

    task: Task
    manifest: Manifest
    bad: int
    computed: int
    images_per_s: float
    predictions: Predictions
    score: Score
    pixels_digest: str
    features_digest: str
    leaves: Mapping[Stage, ItemDigests]
    torch_state: Mapping[str, str]
    wall: float
    cpu: float
    stages: dict[str, float]
    peak_memory_bytes: int


@dataclass(frozen=True)
class ExternalScore:
    """A published score that stands in for running a task.

    Attributes:
        score: The task's primary metric, as a fraction.
        source: Where it is published.
    """

    task: Task
    score: float
    source: str


@dataclass(frozen=True)
class Provenance:
    """The facts that all tasks of a run share.

    Attributes:
        suite: The suite that the tasks belong to.
        tasks: The tasks that were run, in its order.
        own: True where one is the user's own.
        external: Published scores that stand in for running a task.
        bits_fixed: True where what torch computes has level E.
        torch_state: That of all tasks.
        wall: Seconds of wall time.
    """

    spec: Spec
    suite: Suite
    tasks: tuple[Task, ...]
    own: bool
    external: tuple[ExternalScore, ...]
    backbone: Backbone
    execution: Execution
    division: str
    n_train: int | None
    differences: tuple[str, ...]
    bits_fixed: bool
    torch_state: Mapping[str, str]
    started: datetime
    wall: float
    argv: tuple[str, ...]
