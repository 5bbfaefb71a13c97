"""What a run hands to the report stage: each task's outcome, and what all tasks have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from biobench.data.manifest import Manifest
from biobench.embed.features import Execution
from biobench.metric.score import Score
from biobench.models.base import Backbone
from biobench.probe.predictions import Predictions
from biobench.selection import Chosen, Selection
from biobench.spec.load import Spec


@dataclass(frozen=True)
class TaskOutcome:
    """One scored task with everything that its entry in the result is made of.

    bad counts unreadable images, computed those that went through the backbone in this run. The
    features are not kept: those of a whole benchmark would not fit in memory. torch_state: see
    :mod:`biobench.repro.torch_state`, read once the task was scored. wall, cpu and stages are in
    seconds.
    """

    chosen: Chosen
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
class Provenance:
    """What all tasks of a run have in common. ``wall`` is in seconds.

    bits_fixed: whether level E2, or E3 on a GPU, can be claimed. torch_state: that of all tasks.
    """

    spec: Spec
    selection: Selection
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
