"""Logistic regression on a task (SPEC.md, section "Logistic regression")."""

from __future__ import annotations

from biobench.data.predictions import Predictions
from biobench.probe.job import Job
from biobench.probe.logistic import LogisticProbe


def apply(job: Job) -> Predictions:
    """Choose C, fit on the train split and predict the scored rows."""
    train = job.train()
    probe = LogisticProbe.from_protocol(
        job.task.protocol.constants, threads=job.threads, progress=job.progress
    )
    probe.checkpoint = job.checkpoint
    probe.fit(job.features[train], job.manifest.labels()[train])
    return job.predictions(probe.predict(job.features[job.scored]))
