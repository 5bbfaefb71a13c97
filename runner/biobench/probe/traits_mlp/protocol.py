"""The traits network on a task (SPEC.md, section "Traits network")."""

from __future__ import annotations

from biobench.data.predictions import Predictions
from biobench.errors import SpecError
from biobench.probe.entry import ProtocolEntry, count_steps
from biobench.probe.job import Job
from biobench.probe.traits_mlp.estimator import TraitsProbe


def apply(job: Job) -> Predictions:
    """Train on the train split and predict every trait of the scored rows."""
    if not job.manifest.has_traits:
        raise SpecError(
            f"protocol {job.task.protocol.id} needs a task whose labels are traits",
            where=job.task.id,
            remedy="name traits in the data set's layout, or take another protocol",
        )
    train = job.train()
    probe = TraitsProbe.from_protocol(
        job.task.protocol.constants,
        seed=job.suite.seed,
        task=job.task.id,
        device=job.device,
        threads=job.threads,
        progress=job.progress,
    )
    probe.checkpoint = job.checkpoint
    probe.fit(job.features[train], job.manifest.traits()[train])
    return job.predictions(probe.predict(job.features[job.scored]))


ENTRY = ProtocolEntry("traits_mlp", apply, count_steps)
