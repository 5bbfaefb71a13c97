"""Mistakes of a model on a task, as numbers.

In: predictions and names of classes. Out: scores by class, group, genus and family, the most
frequent confusions, and the items to look at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from biobench.data.predictions import Predictions
from biobench.report.page.names import Names, taxa

MOST_CLASSES = 1_000
"""Most classes in a table of a page: those with the most test items."""
MOST_CONFUSIONS = 20
MOST_PARTS = 200
"""Most groups, genera and families in a table of a page."""
GROUP, CLUSTER = "group", "cluster"
"""Columns of predictions."""
_SCHEMES = ("genus", "family")


@dataclass(frozen=True)
class ClassScore:
    """One class, or one trait where it is present.

    Attributes:
        support: Test items of the class.
        right: Those that were predicted right.
        called: Items that were predicted as the class.
    """

    name: str
    support: int
    right: int
    called: int

    @property
    def recall(self) -> float:
        """Share of the class's items that were predicted right."""
        return self.right / self.support if self.support else 0.0

    @property
    def precision(self) -> float | None:
        """Share of the items predicted as the class that belong to it; None without any."""
        return self.right / self.called if self.called else None

    @property
    def f1(self) -> float:
        """2 right / (support + called), 0 where that is 0 / 0."""
        both = self.support + self.called
        return 2 * self.right / both if both else 0.0


@dataclass(frozen=True)
class Confusion:
    """Items of one class that were taken for another; ``of`` is the number of its test items."""

    truth: str
    predicted: str
    count: int
    of: int


@dataclass(frozen=True)
class MistakesPart:
    """A group of items: those predicted right, and those whose prediction is at least of the part.

    Attributes:
        near: Items whose predicted class is of the same genus or family; None for a plain group.
    """

    name: str
    items: int
    right: int
    near: int | None = None

    @property
    def share(self) -> float:
        """Share of items that were predicted right."""
        return self.right / self.items


@dataclass(frozen=True)
class Mistakes:
    """Mistakes of a model on one task.

    Attributes:
        items: Number of scored items.
        wrong: Numbers of items predicted wrong.
        kinds: ``class``, or ``trait`` where labels are traits.
        classes: At most :data:`MOST_CLASSES`, worst first.
        n_classes: Number of all classes in the test items.
        n_confusions: Number of all pairs that were confused.
        groups: By the task's groups, or where it has none by its clusters; empty where it has
            neither, and where each cluster is a class. At most :data:`MOST_PARTS`.
        n_groups: Number of all groups.
        by_cluster: True where the groups are clusters.
        taxa: By ``genus`` and ``family``, where the names of classes tell them.
    """

    items: int
    wrong: npt.NDArray[np.int64]
    kinds: str
    classes: list[ClassScore]
    n_classes: int
    confusions: list[Confusion]
    n_confusions: int
    groups: list[MistakesPart]
    n_groups: int
    by_cluster: bool
    taxa: dict[str, list[MistakesPart]]


def find_mistakes(predictions: Predictions, names: Names) -> Mistakes:
    """Count what was predicted wrong."""
    traits = predictions.y_true.ndim == 2
    differs = _differs(predictions)
    scores = _scores(predictions, names)
    most = sorted(scores, key=lambda one: (-one.support, one.name))[:MOST_CLASSES]
    pairs = (_trait_pairs if traits else _pairs)(predictions, names)
    groups = [] if _clusters_are_classes(predictions) else group_parts(predictions)
    return Mistakes(
        items=len(predictions.ids),
        wrong=np.flatnonzero(differs),
        kinds="trait" if traits else "class",
        classes=_worst_first(most),
        n_classes=len(scores),
        confusions=pairs[:MOST_CONFUSIONS],
        n_confusions=len(pairs),
        groups=groups[:MOST_PARTS],
        n_groups=len(groups),
        by_cluster=bool(groups) and GROUP not in predictions.extras,
        taxa={} if traits else _taxa(predictions, names),
    )


def class_scores(predictions: Predictions, names: Names) -> list[ClassScore]:
    """Every class of the test items, or every trait, worst first."""
    return _worst_first(_scores(predictions, names))


def wrong_items(predictions: Predictions) -> list[int]:
    """Numbers of the items that were predicted wrong."""
    return [int(i) for i in np.flatnonzero(_differs(predictions))]


def said_of(predictions: Predictions, names: Names, i: int) -> tuple[str, str]:
    """Words for the truth and the prediction of an item; of traits, for those that are wrong."""
    truth, predicted = predictions.y_true[i], predictions.y_pred[i]
    if predictions.y_true.ndim == 1:
        return names.true(int(truth)), names.taken_for(int(predicted))
    wrong = np.flatnonzero(truth != predicted).tolist()
    said = [f"{names.true(t)} {'present' if truth[t] == 1 else 'absent'}" for t in wrong]
    return ", ".join(said), f"wrong in {len(wrong)} of {len(truth)} traits"


def _differs(predictions: Predictions) -> npt.NDArray[np.bool_]:
    """True for each item that was predicted wrong; an item with traits, in any of them."""
    truth, predicted = predictions.y_true, predictions.y_pred
    found: npt.NDArray[np.bool_] = (truth != predicted).reshape(len(truth), -1).any(axis=1)
    return found


def _worst_first(scores: list[ClassScore]) -> list[ClassScore]:
    return sorted(scores, key=lambda one: (one.f1, one.name))


def _scores(predictions: Predictions, names: Names) -> list[ClassScore]:
    traits = predictions.y_true.ndim == 2
    return _trait_scores(predictions, names) if traits else _class_scores(predictions, names)


def _class_scores(predictions: Predictions, names: Names) -> list[ClassScore]:
    truth, predicted = predictions.y_true, predictions.y_pred
    support = Counter(truth.tolist())
    right = Counter(truth[truth == predicted].tolist())
    called = Counter(predicted.tolist())
    return [
        ClassScore(names.true(label), count, right[label], called[label])
        for label, count in sorted(support.items())
    ]


def _trait_scores(predictions: Predictions, names: Names) -> list[ClassScore]:
    truth, predicted = predictions.y_true == 1, predictions.y_pred == 1
    return [
        ClassScore(
            names.true(i),
            int(truth[:, i].sum()),
            int((truth & predicted)[:, i].sum()),
            int(predicted[:, i].sum()),
        )
        for i in range(truth.shape[1])
    ]


def _pairs(predictions: Predictions, names: Names) -> list[Confusion]:
    support = Counter(predictions.y_true.tolist())
    counts = Counter(zip(predictions.y_true.tolist(), predictions.y_pred.tolist(), strict=True))
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return [
        Confusion(names.true(truth), names.taken_for(label), count, support[truth])
        for (truth, label), count in ordered
        if truth != label
    ]


def _trait_pairs(predictions: Predictions, names: Names) -> list[Confusion]:
    found = []
    for i in range(predictions.y_true.shape[1]):
        truth, predicted = predictions.y_true[:, i], predictions.y_pred[:, i]
        for value, words in ((1, ("present", "absent")), (0, ("absent", "present"))):
            count, of = (
                int(((truth == value) & (predicted != value)).sum()),
                int((truth == value).sum()),
            )
            if count:
                found.append(Confusion(f"{names.true(i)} {words[0]}", words[1], count, of))
    return sorted(found, key=lambda one: (-one.count, one.truth))


def item_groups(predictions: Predictions) -> list[str | None] | None:
    """The group of each item, or its cluster where the task has no groups; None for an item that
    belongs to no other, and None altogether where the task has neither."""
    if GROUP in predictions.extras:
        return [str(name) for name in predictions.extras[GROUP].tolist()]
    if CLUSTER not in predictions.extras:
        return None
    # An image of no group is a cluster of its own, by its path.
    clusters = predictions.extras[CLUSTER].tolist()
    return [
        None if name == id else name for name, id in zip(clusters, predictions.ids, strict=True)
    ]


def group_parts(predictions: Predictions) -> list[MistakesPart]:
    """The items of each group as :func:`item_groups` tells it, worst first; none without groups."""
    groups = item_groups(predictions)
    if groups is None:
        return []
    items: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for name, bad in zip(groups, _differs(predictions).tolist(), strict=True):
        if name is not None:
            items[name] += 1
            right[name] += not bad
    return _worst_parts([MistakesPart(name, items[name], right[name]) for name in sorted(items)])


def _clusters_are_classes(predictions: Predictions) -> bool:
    """True where a table by cluster would be that by class, as where clusters are individuals."""
    if GROUP in predictions.extras or predictions.y_true.ndim == 2:
        return False
    truth = predictions.y_true.tolist()
    pairs = set(zip(predictions.clusters.tolist(), truth, strict=True))
    return len(pairs) == len({name for name, _ in pairs}) == len(set(truth))


def _worst_parts(parts: list[MistakesPart]) -> list[MistakesPart]:
    return sorted(parts, key=lambda part: (part.share, part.name))


def _taxa(predictions: Predictions, names: Names) -> dict[str, list[MistakesPart]]:
    known = taxa([*names.truth, *names.predicted])
    if not known:
        return {}
    truth, predicted = predictions.y_true.tolist(), predictions.y_pred.tolist()
    found = {}
    for scheme in _SCHEMES:
        items: Counter[str] = Counter()
        right: Counter[str] = Counter()
        near: Counter[str] = Counter()
        for a, b in zip(truth, predicted, strict=True):
            name = names.true(a)
            part = getattr(known[name], scheme) if name in known else None
            if part is None:
                continue
            other = known.get(names.taken_for(b))
            items[part] += 1
            right[part] += a == b
            near[part] += other is not None and getattr(other, scheme) == part
        if items:
            parts = [
                MistakesPart(part, items[part], right[part], near[part]) for part in sorted(items)
            ]
            found[scheme] = _worst_parts(parts)[:MOST_PARTS]
    return found


def to_look_at(predictions: Predictions, most: int) -> list[int]:
    """Numbers of wrong items worth a look: one of each confusion in turn, the most frequent first.

    Of traits: those with the most wrong traits.
    """
    truth, predicted = predictions.y_true, predictions.y_pred
    if truth.ndim == 2:
        count = (truth != predicted).sum(axis=1)
        order = np.argsort(-count, kind="stable")
        return [int(i) for i in order[:most] if count[i]]
    by_pair: dict[tuple[int, int], list[int]] = {}
    for i in np.flatnonzero(truth != predicted).tolist():
        by_pair.setdefault((int(truth[i]), int(predicted[i])), []).append(i)
    return _in_turn(sorted(by_pair.values(), key=lambda items: (-len(items), items[0])), most)


def _in_turn(lists: Sequence[Sequence[int]], most: int) -> list[int]:
    found: list[int] = []
    turn = 0
    while len(found) < most and any(turn < len(items) for items in lists):
        found += [items[turn] for items in lists if turn < len(items)][: most - len(found)]
        turn += 1
    return found
