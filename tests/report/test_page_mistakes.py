"""A task on a page: counts by class, confusions, groups and taxa, and the items that it shows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobench.data.predictions import Predictions
from biobench.metric.macro_f1 import macro_f1
from biobench.report.page.mistakes import MOST_PARTS, find_mistakes, item_groups, to_look_at
from biobench.report.page.names import Names, taxa, taxon

FISH = ("Mola mola", "Mola tecta", "Salmo trutta")
NAMES = Names(FISH, FISH)


def predictions(truth: Any, predicted: Any, **extras: Any) -> Predictions:
    ids = tuple(f"item{i}" for i in range(len(truth)))
    return Predictions(
        ids, np.array(truth, np.int32), np.array(predicted, np.int32),
        {name: np.array(column) for name, column in extras.items()},
    )  # fmt: skip


def test_classes_and_confusions() -> None:
    """Support, hits and calls of each class; the pairs that were confused, most frequent first."""
    found = find_mistakes(predictions([0, 0, 0, 1, 1, 2], [0, 1, 1, 1, 2, 2]), NAMES)
    assert (found.items, found.wrong.tolist()) == (6, [1, 2, 4])
    by_name = {one.name: one for one in found.classes}
    assert (by_name["Mola mola"].support, by_name["Mola mola"].right) == (3, 1)
    assert by_name["Mola tecta"].called == 3
    assert by_name["Mola mola"].f1 == pytest.approx(0.5)
    assert by_name["Mola mola"].precision == 1.0
    assert [one.f1 for one in found.classes] == sorted(one.f1 for one in found.classes)
    assert [(one.truth, one.predicted, one.count, one.of) for one in found.confusions] == [
        ("Mola mola", "Mola tecta", 2, 3),
        ("Mola tecta", "Salmo trutta", 1, 2),
    ]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=40))
def test_the_mean_over_the_classes_is_the_score(pairs: list[tuple[int, int]]) -> None:
    """F1 by class is that of the metric, so that their mean is the score that the page states."""
    truth, predicted = zip(*pairs, strict=True)
    found = find_mistakes(predictions(truth, predicted), NAMES)
    mean = sum(one.f1 for one in found.classes) / len(found.classes)
    assert mean == pytest.approx(macro_f1(np.array(truth), np.array(predicted)))
    assert sum(one.count for one in found.confusions) == len(found.wrong)


def test_genus_and_family() -> None:
    """A mistake within a genus is told from one beyond it."""
    found = find_mistakes(predictions([0, 0, 1, 2], [0, 1, 2, 2]), NAMES)
    assert list(found.taxa) == ["genus"]
    parts = {part.name: (part.items, part.right, part.near) for part in found.taxa["genus"]}
    assert parts == {"Mola": (3, 1, 2), "Salmo": (1, 1, 1)}
    whole = taxon("Animalia_Chordata_Actinopterygii_Molidae_Mola_mola")
    assert (whole.genus, whole.family) == ("Mola", "Molidae")


@pytest.mark.parametrize(
    "names",
    [
        ("Red fox", "Grey wolf"),
        ("0", "1"),
        ("whale001", "whale002"),
        ("Aphanizomenon", "Centrales"),
        (),
    ],
)
def test_names_that_are_no_binomials(names: tuple[str, ...]) -> None:
    """English names, numbers and names of one word tell no genus."""
    assert taxa(names) == {}


def test_groups_and_unknown_labels() -> None:
    """Groups come worst first; the label -1 is the unknown class; an id without a name has one."""
    found = find_mistakes(
        predictions([0, -1, 1, 1], [0, 2, 1, 0], group=["a", "b", "a", "b"]),
        Names(FISH[:2], FISH[:2]),
    )
    assert [(part.name, part.items, part.right) for part in found.groups] == [
        ("b", 2, 0),
        ("a", 2, 2),
    ]
    assert {(one.truth, one.predicted) for one in found.confusions} == {
        ("unknown", "class 2"),
        ("Mola tecta", "Mola mola"),
    }


def test_clusters_of_a_task_without_groups() -> None:
    """Protects: what belongs together by --group is a table on the page; an item that belongs to no
    other is in none, and clusters that are the classes repeat no table."""
    sites = ["ridge", "lake", "item2", "ridge"]
    one = predictions([0, 1, 1, 1], [0, 0, 0, 0], cluster=sites)
    found = find_mistakes(one, NAMES)
    assert found.by_cluster
    assert [(part.name, part.items, part.right) for part in found.groups] == [
        ("lake", 1, 0),
        ("ridge", 2, 1),
    ]
    assert item_groups(one) == ["ridge", "lake", None, "ridge"]
    both = predictions([0, 1], [0, 0], cluster=["ridge", "lake"], group=["a", "b"])
    assert item_groups(both) == ["a", "b"]
    assert not find_mistakes(both, NAMES).by_cluster
    individuals = predictions([0, 0, 1], [0, 1, 1], cluster=["a", "a", "b"])
    assert find_mistakes(individuals, NAMES).groups == []
    assert item_groups(predictions([0], [0])) is None


def test_more_groups_than_a_table_has() -> None:
    """Protects: a page that shows some of the groups knows of how many."""
    sites = [f"site{i // 2}" for i in range(2 * MOST_PARTS + 4)]
    found = find_mistakes(
        predictions([0, 1] * (MOST_PARTS + 2), [0] * len(sites), cluster=sites), NAMES
    )
    assert (len(found.groups), found.n_groups) == (MOST_PARTS, MOST_PARTS + 2)


def test_traits() -> None:
    """Traits are scored by their presence, and what is absent can be taken for present."""
    names = Names(("salt", "fresh"), ("salt", "fresh"))
    found = find_mistakes(predictions([[1, 0], [1, 1], [0, 0]], [[1, 1], [0, 1], [0, 0]]), names)
    assert found.kinds == "trait"
    assert [(one.name, one.support, one.right, one.called) for one in found.classes] == [
        ("fresh", 1, 1, 2),
        ("salt", 2, 1, 1),
    ]
    assert {(one.truth, one.predicted) for one in found.confusions} == {
        ("salt present", "absent"),
        ("fresh absent", "present"),
    }
    assert to_look_at(predictions([[1, 0], [1, 1]], [[0, 1], [1, 0]]), 5) == [0, 1]


def test_items_to_look_at_are_of_every_confusion() -> None:
    """One item of each confusion comes before a second one of the most frequent."""
    truth, predicted = [0, 0, 0, 1, 2], [1, 1, 1, 2, 2]
    assert to_look_at(predictions(truth, predicted), 2) == [0, 3]
    assert to_look_at(predictions(truth, predicted), 9) == [0, 3, 1, 2]
    assert to_look_at(predictions([1], [1]), 9) == []
