"""The linear probe on a task (SPEC.md, section "Linear probe")."""

from __future__ import annotations

from biobench.data.predictions import Predictions
from biobench.probe.job import Job
from biobench.probe.linear import LinearProbe


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
