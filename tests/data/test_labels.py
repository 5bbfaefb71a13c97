"""Label rules with unknown classes and written ids, and labels of groups."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from task_values import TABLES, make_task

from biobench.data.build import manifest_of
from biobench.data.layouts import LayoutItems
from biobench.data.manifest import Item, Manifest, Split
from biobench.data.sample import sample_key, sample_train
from biobench.errors import DataError, SpecError
from biobench.spec.documents import Division

FUNGI = {**TABLES, "unknown_label": "-1"}
HERE = Path("data")


def item(name: str, label: str, split: Split, group: str = "") -> Item:
    return Item(name, name, label, split, group=group)


def labelled(train: list[str], test: list[str], **task: Any) -> Manifest:
    items = [item(f"train{i:03}", label, "train") for i, label in enumerate(train)]
    items += [item(f"test{i:03}", label, "test") for i, label in enumerate(test)]
    options = task.pop("options", FUNGI)
    return manifest_of(make_task("csv", options, **task), LayoutItems(items), HERE)


@pytest.mark.parametrize("division", ["official", "compat"])
def test_the_unknown_label_is_scored_and_no_class(division: Division) -> None:
    """An item of unknown class can be right: it is to be called unknown."""
    manifest = labelled(
        ["b", "a"], ["a", "-1", "b"], label_rule="train-names-or-unknown", division=division
    )
    assert manifest.classes == ("a", "b")
    assert [row.label for row in manifest.rows] == [1, 0, 0, -1, 1]
    assert [row.scored for row in manifest.rows] == [False, False, True, True, True]
    assert manifest.excluded == 0


def test_other_classes_without_a_train_example_are_excluded_as_ever() -> None:
    """Only the name that the layout gives means unknown."""
    manifest = labelled(["b", "a"], ["a", "x", "-1"], label_rule="train-names-or-unknown")
    assert ([row.label for row in manifest.rows], manifest.excluded) == ([1, 0, 0, -1], 1)
    with pytest.raises(DataError, match="2 of 3 test items"):
        labelled(["b", "a"], ["x", "y", "-1"], label_rule="train-names-or-unknown")


def test_the_unknown_label_cannot_be_learnt() -> None:
    """A train item of unknown class would be a class after all."""
    with pytest.raises(DataError, match="train001: the unknown label '-1' in the split train"):
        labelled(["a", "-1", "b"], ["a"], label_rule="train-names-or-unknown")


def test_the_rule_needs_the_layouts_word_for_unknown() -> None:
    """Without it nothing would be unknown, in silence."""
    with pytest.raises(SpecError, match="needs the layout's unknown_label"):
        labelled(["a", "b"], ["a"], label_rule="train-names-or-unknown", options=TABLES)


@given(
    st.lists(st.integers(0, 40), min_size=2, max_size=12).filter(lambda n: len(set(n)) > 1),
    st.lists(st.integers(0, 40), min_size=1, max_size=12),
)
def test_written_ids_are_the_labels(train: list[int], test: list[int]) -> None:
    """Nothing is numbered anew, so an id that no item has is a class without items."""
    manifest = labelled(
        [str(n) for n in train], [str(n) for n in test], label_rule="written-ids",
        division="compat",
    )  # fmt: skip
    assert manifest.classes == tuple(str(n) for n in range(max(train) + 1))
    assert manifest.test_classes == tuple(str(n) for n in range(max(test) + 1))
    assert [row.label for row in manifest.rows] == [*train, *test]


def test_written_ids_know_the_unknown_label_too() -> None:
    """FungiCLEF in compat: -1 is written in the file."""
    manifest = labelled(["0", "3"], ["-1", "3"], label_rule="written-ids", division="compat")
    assert [row.label for row in manifest.rows] == [0, 3, -1, 3]
    assert manifest.test_classes == ("0", "1", "2", "3")


@pytest.mark.parametrize("label", ["01", "1.0", "-1", "x", "+1", "\u0661", "1000000", "9" * 40])
def test_what_is_no_written_id(label: str) -> None:
    """Refused with the item, and before a list of all smaller ids is made."""
    with pytest.raises(DataError, match="train002: the label"):
        labelled(["0", "1", label], ["1"], label_rule="written-ids", options=TABLES)


GROUPED = [
    item("1", "0", "train", "wet"), item("2", "1", "train", "wet"), item("3", "0", "test", "wet"),
    item("4", "0", "train", "old"), item("5", "2", "train", "old"), item("6", "2", "test", "old"),
]  # fmt: skip


def test_one_label_index_serves_all_groups() -> None:
    """The group is part of the row and of the digest."""
    manifest = manifest_of(make_task("csv", TABLES), LayoutItems(GROUPED), HERE)
    assert manifest.classes == ("0", "1", "2")
    assert manifest.groups() == ("wet", "wet", "old", "old", "wet", "old")
    moved = [*GROUPED[:5], item("6", "0", "test", "wet")]
    assert manifest_of(make_task("csv", TABLES), LayoutItems(moved), HERE).digest != manifest.digest


def test_a_class_is_learnt_in_its_own_group() -> None:
    """A question cannot be answered from another question's examples."""
    more = [item("7", "1", "test", "old"), item("8", "0", "test", "old")]
    manifest = manifest_of(make_task("csv", TABLES), LayoutItems([*GROUPED, *more]), HERE)
    assert manifest.excluded == 1
    assert [row.id for row in manifest.rows if row.scored] == ["3", "6", "8"]


def test_each_group_that_is_tested_has_two_classes() -> None:
    """A group that is not tested needs none."""
    single = [item("7", "0", "train", "dry"), item("8", "0", "test", "dry")]
    with pytest.raises(DataError, match=r"only one class \(0\) to learn from in the group dry"):
        manifest_of(make_task("csv", TABLES), LayoutItems([*GROUPED, *single]), HERE)
    with pytest.raises(DataError, match="no class to learn from in the group dry"):
        manifest_of(make_task("csv", TABLES), LayoutItems([*GROUPED, single[1]]), HERE)
    manifest_of(make_task("csv", TABLES), LayoutItems([*GROUPED, single[0]]), HERE)


@pytest.mark.parametrize("division", ["official", "compat"])
def test_few_shot_samples_each_group(division: Division) -> None:
    """N a class in each group; compat N in each group, balanced."""
    items = [
        item(f"{group}{label}{i}", label, "train", group)
        for group, sizes in {"wet": (5, 5), "old": (1, 5)}.items()
        for label, size in zip("01", sizes, strict=True)
        for i in range(size)
    ]
    items += [item("t", "0", "test", "wet"), item("u", "0", "test", "old")]
    task = make_task("csv", TABLES, division=division)
    manifest = manifest_of(task, LayoutItems(items), HERE)
    sample = sample_train(task, manifest, 2 if division == "official" else 4)
    kept = Counter((row.group, row.label) for row in sample.rows if row.split == "train")
    old = {("old", 0): 1, ("old", 1): 2 if division == "official" else 3}
    assert kept == {("wet", 0): 2, ("wet", 1): 2, **old}


@pytest.mark.parametrize("division", ["official", "compat"])
def test_few_shot_of_traits_is_n_rows(division: Division) -> None:
    """There is no class to balance by: the smallest keys."""
    items = [Item(f"{i}", f"{i}", "", "train", traits=(i % 2, 1)) for i in range(20)]
    found = LayoutItems([*items, Item("t", "t", "", "test", traits=(0, 1))], traits=("wet", "old"))
    task = make_task("csv", TABLES, division=division)
    sample = sample_train(task, manifest_of(task, found, HERE), 5)
    kept = [row.id for row in sample.rows if row.split == "train"]
    assert kept == sorted(sorted((i.id for i in items), key=lambda n: sample_key(task, n))[:5])
    assert sample.traits().shape == (6, 2)
