"""One task of one result, as the template shows it.

In: a task's entry and its evidence. Out: mistakes, and the items to look at with their pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from biobench.report.page.evidence import PageEvidence, Pictures
from biobench.report.page.examples import Examples
from biobench.report.page.mistakes import (
    Mistakes,
    find_mistakes,
    item_groups,
    said_of,
    to_look_at,
)
from biobench.report.page.render import render

MOST_SHOWN = 24
"""Most pictures of wrong items of a task."""
MOST_QUERIES = (8, 3)
"""Most wrong and most right items that are shown with their nearest neighbours."""
_NEIGHBOURS = "neighbours"


@dataclass(frozen=True)
class Picture:
    """An item: its picture's address, None where there is none, and words for what it shows."""

    id: str
    src: str | None
    truth: str
    predicted: str
    right: bool
    group: str | None
    first_hit: int | None = None
    neighbours: tuple[Picture, ...] = ()


@dataclass(frozen=True)
class Detail:
    """The part of a page about a task, beside its score.

    Attributes:
        wrong: Items predicted wrong.
        right: Items predicted right, where their neighbours are worth a look.
    """

    mistakes: Mistakes
    wrong: list[Picture]
    right: list[Picture]
    absent: str | None


def detail_of(evidence: PageEvidence, pictures: Pictures) -> Detail:
    """Find the mistakes of a task, and the pictures of some."""
    predictions = evidence.predictions
    mistakes = find_mistakes(predictions, evidence.names)
    with_neighbours = _NEIGHBOURS in predictions.extras
    most = MOST_QUERIES[0] if with_neighbours else MOST_SHOWN
    wrong = to_look_at(predictions, most)
    right: list[int] = []
    if with_neighbours:
        right = np.flatnonzero(predictions.y_true == predictions.y_pred)[: MOST_QUERIES[1]].tolist()
    ids = {predictions.ids[i] for i in (*wrong, *right)}
    ids |= {id for i in (*wrong, *right) for id, _ in _near(evidence, i)}
    found = pictures(evidence.manifest, ids) if evidence.manifest is not None else {}
    groups = item_groups(predictions) if mistakes.groups else None
    return Detail(
        mistakes,
        [_picture(evidence, i, found, groups) for i in wrong],
        [_picture(evidence, i, found, groups) for i in right],
        evidence.absent,
    )


def render_detail(
    id: str,
    entry: Mapping[str, Any],
    evidence: PageEvidence,
    pictures: Pictures,
    *,
    examples: Examples | None,
) -> str:
    """The HTML of :func:`detail_of`, after examples of the task where they are given; all values
    are escaped."""
    return render(
        "detail.html", id=id, entry=entry, task=evidence.task,
        detail=detail_of(evidence, pictures), examples=examples,
    )  # fmt: skip


def _near(evidence: PageEvidence, i: int) -> list[tuple[str, str]]:
    """Id and class of each neighbour of an item; none without the data, which name them."""
    column = evidence.predictions.extras.get(_NEIGHBOURS)
    if column is None or evidence.manifest is None:
        return []
    rows = evidence.manifest.items.rows
    places = [place for place in column[i].tolist() if 0 <= place < len(rows)]
    return [(rows[place].id, evidence.names.taken_for(rows[place].label)) for place in places]


def _picture(
    evidence: PageEvidence, i: int, found: Mapping[str, str], groups: Sequence[str | None] | None
) -> Picture:
    predictions, names = evidence.predictions, evidence.names
    true_words, words = said_of(predictions, names, i)
    id, extras = predictions.ids[i], predictions.extras
    near = tuple(
        Picture(other, found.get(other), name, name, name == true_words, None)
        for other, name in _near(evidence, i)
    )
    return Picture(
        id,
        found.get(id),
        true_words,
        words,
        bool(np.all(predictions.y_true[i] == predictions.y_pred[i])),
        None if groups is None else groups[i],
        int(extras["first_hit"][i]) if "first_hit" in extras else None,
        near,
    )
