"""The registry entry of a kind of protocol (SPEC.md, section "Protocols").

The folder of a kind has one :class:`ProtocolEntry`, in its ``protocol.py``; registry.py lists them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy.typing as npt

from biobench.data.manifest import Manifest
from biobench.data.predictions import Predictions
from biobench.probe.inputs import ProbeInputs
from biobench.spec.documents import Task

Columns = Mapping[str, npt.NDArray[Any]]
Predicts = Literal["traits", "classes", "learnt", "learnt-or-unknown"]
"""The predictions that a protocol can make: 0 or 1 a trait; any class; a class with an example to
learn from, in the group of the item where there are groups; or that and -1, the unknown class."""


def _check_nothing(task: Task, items: Manifest) -> None:
    del task, items


def _no_columns(task: Task, count: int) -> Columns:
    del task, count
    return {}


def _train_nothing(task: Task, manifest: Manifest, dim: int) -> int:
    del task, manifest, dim
    return 0


def count_steps(task: Task, manifest: Manifest) -> tuple[int, str]:
    """The work of a probe that is trained by gradient descent."""
    del manifest
    return int(task.protocol.constants["steps"]), "steps"


def count_queries(task: Task, manifest: Manifest) -> tuple[int, str]:
    """The work of a probe that takes one scored item after the other."""
    del task
    return int(manifest.scored().sum()), "queries"


def descent_products(task: Task, manifest: Manifest, dim: int, outputs: int) -> int:
    """Multiply-adds of a training by gradient descent: the outputs of its widest layer, the
    gradient of that layer's weights, and that of its inputs."""
    constants = task.protocol.constants
    rows = min(constants["batch_size"], len(manifest.items.indices("train")))
    return int(constants["steps"] * rows * dim * outputs * 3)


@dataclass(frozen=True)
class ProtocolEntry:
    """One kind of protocol. Equal features give equal predictions everywhere.

    Attributes:
        kind: Its name in the documents of protocols.
        apply: Predicts the scored rows of its inputs.
        work: Units of work that ``apply`` counts for a task, and their name.
        predicts: The predictions that it can make, to which ``verify`` holds a result.
        split: The split that it needs.
        on_gpu: True where a run on a GPU computes it there, so that its predictions are then as
            exact as that device, and not everywhere the same.
        multiply_adds: Those that training takes, about, from features of a number of dimensions.
        check_labels: Raises ItemsError where the labels of a task's items alone show that its probe
            would end with that error.
        unread: The extra columns of a number of scored items none of which could be read; their
            names are those of all extra columns that it adds.
    """

    kind: str
    apply: Callable[[ProbeInputs], Predictions]
    work: Callable[[Task, Manifest], tuple[int, str]]
    predicts: Predicts
    split: Literal["train-test", "leave-one-out"] = "train-test"
    on_gpu: bool = False
    multiply_adds: Callable[[Task, Manifest, int], int] = _train_nothing
    check_labels: Callable[[Task, Manifest], None] = _check_nothing
    unread: Callable[[Task, int], Columns] = _no_columns
