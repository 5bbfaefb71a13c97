"""The linear probe on a task (SPEC.md, section "Linear probe")."""

from __future__ import annotations

from biobench.data.manifest import Manifest
from biobench.data.predictions import Predictions
from biobench.probe.entry import ProtocolEntry, count_steps, descent_products
from biobench.probe.inputs import ProbeInputs
from biobench.probe.linear_probe.estimator import LinearProbe
from biobench.probe.minimum_items import two_classes
from biobench.spec.documents import Task


def apply(inputs: ProbeInputs) -> Predictions:
    """Train on the train split and predict the scored rows."""
    probe = LinearProbe.from_protocol(
        inputs.task.protocol.constants,
        classes=len(inputs.manifest.classes),
        seed=inputs.suite.seed,
        task=inputs.task.id,
        device=inputs.device,
        threads=inputs.threads,
        progress=inputs.progress,
    )
    return inputs.fit_predict(probe, inputs.manifest.labels())


def _check_labels(task: Task, items: Manifest) -> None:
    del task
    two_classes(items.labels()[items.indices("train")], "a linear probe")


def _multiply_adds(task: Task, manifest: Manifest, dim: int) -> int:
    return descent_products(task, manifest, dim, len(manifest.classes))


ENTRY = ProtocolEntry(
    "linear_probe",
    apply,
    count_steps,
    "classes",
    on_gpu=True,
    multiply_adds=_multiply_adds,
    check_labels=_check_labels,
)
