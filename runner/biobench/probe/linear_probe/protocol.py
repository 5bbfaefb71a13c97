"""The linear probe on a task (SPEC.md, section "Linear probe")."""

from __future__ import annotations

from biobench.data.manifest import Manifest
from biobench.data.predictions import Predictions
from biobench.probe.entry import ProtocolEntry, count_steps
from biobench.probe.job import Job
from biobench.probe.linear_probe.estimator import LinearProbe
from biobench.probe.minimum_items import two_classes
from biobench.spec.documents import Task


def apply(job: Job) -> Predictions:
    """Train on the train split and predict the scored rows."""
    train = job.train()
    probe = LinearProbe.from_protocol(
        job.task.protocol.constants,
        classes=len(job.manifest.classes),
        seed=job.suite.seed,
        task=job.task.id,
        device=job.device,
        threads=job.threads,
        progress=job.progress,
    )
    probe.checkpoint = job.checkpoint
    probe.fit(job.features[train], job.manifest.labels()[train])
    return job.predictions(probe.predict(job.features[job.scored]))


def _refuse(task: Task, items: Manifest) -> None:
    del task
    two_classes(items.labels()[items.indices("train")], "a linear probe")


ENTRY = ProtocolEntry("linear_probe", apply, count_steps, refuse=_refuse)
