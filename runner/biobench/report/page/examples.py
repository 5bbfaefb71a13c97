"""Examples of a task: what its test items look like, whatever a model says of them.

In: the evidence of a task. Out: an item of each of its largest classes, with their pictures.
"""

from __future__ import annotations

import itertools
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
    truth = predictions.y_true
    if truth.ndim == 1:
        labels, firsts, counts = np.unique(truth, return_index=True, return_counts=True)
        kinds = zip(counts.tolist(), map(names.true, labels.tolist()), firsts.tolist(), strict=True)
        ordered = sorted(kinds, key=lambda kind: (-kind[0], kind[1]))
        return [first for _, _, first in ordered[:MOST_EXAMPLES]], len(labels)
    present = truth == 1
    counts = present.sum(axis=0)
    traits = sorted(np.flatnonzero(counts).tolist(), key=lambda t: (-counts[t], names.true(t)))
    chosen: list[int] = []
    for trait in traits[:MOST_EXAMPLES]:
        items = np.flatnonzero(present[:, trait]).tolist()
        chosen += itertools.islice((i for i in items if i not in chosen), 1)
    return chosen, len(traits)


def _shown(predictions: Predictions, names: Names, i: int) -> str:
    truth = predictions.y_true[i]
    if predictions.y_true.ndim == 1:
        return names.true(int(truth))
    return ", ".join(names.true(t) for t in np.flatnonzero(truth == 1).tolist())
