"""Examples of a task: what its test items look like, whatever a model says of them.

In: the evidence of a task. Out: an item of each of its largest classes, with their pictures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from biobench.data.predictions import Predictions
from biobench.report.page.evidence import PageEvidence, Pictures
from biobench.report.page.names import Names

MOST_EXAMPLES = 12
"""Most examples of a task."""


@dataclass(frozen=True)
class Example:
    """A test item.

    Attributes:
        src: Address of its picture.
        shows: Its class, or the traits that are present.
    """

    id: str
    src: str
    shows: str


@dataclass(frozen=True)
class Examples:
    """Test items, one for each of the classes or traits with most items.

    Attributes:
        kinds: ``class``, or ``trait`` where labels are traits.
        n_kinds: Number of all classes or traits that test items have.
    """

    chosen: list[Example]
    kinds: str
    n_kinds: int


def examples_of(evidence: PageEvidence, pictures: Pictures) -> Examples:
    """Examples with their pictures; none without the data, and none of an item that cannot be
    read."""
    predictions, names = evidence.predictions, evidence.names
    firsts, n_kinds = first_items(predictions, names)
    ids = [predictions.ids[i] for i in firsts]
    found = pictures(evidence.manifest, ids) if evidence.manifest is not None else {}
    chosen = [
        Example(id, found[id], _shown(predictions, names, i))
        for i, id in zip(firsts, ids, strict=True)
        if id in found
    ]
    return Examples(chosen, "trait" if predictions.y_true.ndim == 2 else "class", n_kinds)


def first_items(predictions: Predictions, names: Names) -> tuple[list[int], int]:
    """Numbers of the first item of each class, or of each trait the first that was not taken for
    another: of those with most items, at most :data:`MOST_EXAMPLES`. And the number of all classes
    or traits that items have."""
    kinds = _kinds(predictions, names)
    kinds.sort(key=lambda kind: (-len(kind[1]), kind[0]))
    firsts: list[int] = []
    for _, items in kinds[:MOST_EXAMPLES]:
        firsts += [i for i in items if i not in firsts][:1]
    return firsts, len(kinds)


def _kinds(predictions: Predictions, names: Names) -> list[tuple[str, list[int]]]:
    """The name of each class or trait, and the numbers of its items."""
    truth = predictions.y_true
    if truth.ndim == 2:
        columns = [(names.true(t), truth[:, t] == 1) for t in range(truth.shape[1])]
    else:
        columns = [(names.true(label), truth == label) for label in np.unique(truth).tolist()]
    return [(name, np.flatnonzero(of).tolist()) for name, of in columns if of.any()]


def _shown(predictions: Predictions, names: Names, i: int) -> str:
    truth = predictions.y_true[i]
    if predictions.y_true.ndim == 1:
        return names.true(int(truth))
    return ", ".join(names.true(t) for t in np.flatnonzero(truth == 1).tolist())
