"""The nearest centroid on a task (SPEC.md, section "Nearest centroid with rejection")."""

from __future__ import annotations

from biobench.data.predictions import Predictions
from biobench.probe.centroid import CentroidProbe
from biobench.probe.job import Job


def apply(job: Job) -> Predictions:
    """Learn from the train split and predict the scored rows, -1 for those that are rejected."""
    train = job.train()
    probe = CentroidProbe.from_protocol(
        job.task.protocol.constants, threads=job.threads, progress=job.progress
    )
    probe.fit(job.features[train], job.manifest.labels()[train])
    return job.predictions(probe.predict(job.features[job.scored]))
