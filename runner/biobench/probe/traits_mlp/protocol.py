"""The traits network on a task (SPEC.md, section "Traits network")."""

from __future__ import annotations

from biobench.data.manifest import Manifest
from biobench.data.predictions import Predictions
from biobench.errors import SpecError
from biobench.probe.entry import ProtocolEntry, count_steps, descent_products
from biobench.probe.inputs import ProbeInputs
from biobench.probe.traits_mlp.estimator import TraitsProbe
from biobench.spec.documents import Task


def apply(inputs: ProbeInputs) -> Predictions:
    """Train on the train split and predict every trait of the scored rows.

    Raises:
        SpecError: The labels of the task are no traits.
    """
    if not inputs.manifest.has_traits:
        raise SpecError(
            f"protocol {inputs.task.protocol.id} needs a task whose labels are traits",
            where=inputs.task.id,
            remedy="name traits in the data set's layout, or take another protocol",
        )
    probe = TraitsProbe.from_protocol(
        inputs.task.protocol.constants,
        seed=inputs.suite.seed,
        task=inputs.task.id,
        device=inputs.device,
        threads=inputs.threads,
        progress=inputs.progress,
    )
    return inputs.fit_predict(probe, inputs.manifest.traits())


def _multiply_adds(task: Task, manifest: Manifest, dim: int) -> int:
    return descent_products(task, manifest, dim, int(task.protocol.constants["hidden"]))


ENTRY = ProtocolEntry(
    "traits_mlp", apply, count_steps, "traits", on_gpu=True, multiply_adds=_multiply_adds
)
