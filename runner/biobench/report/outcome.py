"""What a run hands to the report stage: each task's outcome, and what all tasks have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from biobench.data.manifest import Manifest
from biobench.data.predictions import Predictions
from biobench.embed.features import Execution
from biobench.metric.score import Score
from biobench.models.base import Backbone
from biobench.spec.documents import Suite, Task
from biobench.spec.load import Spec


@dataclass(frozen=True)
class TaskOutcome:
    """One scored task with everything that its entry in the result is made of.

    bad counts unreadable images, computed those that went through the backbone in this run. The
    features are not kept: those of a whole benchmark would not fit in memory. torch_state: see
    :mod:`biobench.repro.torch_state`, read once the task was scored. wall, cpu and stages are in
    seconds.
    """

    task: Task
    manifest: Manifest
    bad: int
    computed: int
    predictions: Predictions
    score: Score
    pixels_digest: str
    features_digest: str
    torch_state: Mapping[str, str]
    wall: float
    cpu: float
    stages: dict[str, float]
    peak_memory_bytes: int


@dataclass(frozen=True)
class ExternalScore:
    """A published score that stands in for running a task: that of the task's primary metric, as a
    fraction, and where it is published."""

    task: Task
    score: float
    source: str


@dataclass(frozen=True)
class Provenance:
    """What all tasks of a run have in common. ``wall`` is in seconds.

    suite: the one that the tasks belong to. tasks: those that were run, in its order. own: whether
    one is the user's own. external: published scores that stand in for running a task.
    bits_fixed: whether level E2, or E3 on a GPU, can be claimed. torch_state: that of all tasks.
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
