"""Building a task's manifest: labels, exclusions, order (SPEC.md, section "Manifests").

In: a resolved task and the folder of its data. Out: a manifest with a digest; the same files give
the same manifest on any machine, in whatever order the file system lists them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from biobench.data.faults import shown
from biobench.data.layouts import find_items
from biobench.data.layouts.options import SPLITS, expected_exclusions
from biobench.data.manifest import Item, Manifest, Row
from biobench.errors import DataError
from biobench.spec.documents import Task


def build_manifest(task: Task, root: Path) -> Manifest:
    """The manifest of ``task`` on the files in ``root``.

    Division compat excludes nothing. Otherwise a test item whose class has no train example is
    excluded (leave-one-out: an individual with one image); ``excluded`` counts them. Raises
    DataError for structural faults, an empty split, a single class, or more than half of the test
    items excluded (classes that the data set's document names in ``expected_exclusions`` not
    counted), and SpecError for layout options that do not fit.
    """
    items = find_items(root, task.dataset.layout, task.split_rule)
    where = shown(str(root))
    _check_splits(task, items, where)
    if task.split_rule == "leave-one-out":
        return _gallery(task, items, root, where)
    return _train_test(task, items, root, where)


def label_index(task: Task, items: Sequence[Item]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Class names that train labels index, and those that test labels index, by the task's label
    rule.

    Names are sorted by code point. ``train-names``: names of the train split, for both.
    ``union-names``: names of either split, for both. ``split-names``: each split's own names, so
    that one name can have two labels. A gallery is its own train and test split.
    """
    test = {item.label for item in items if item.split != "train"}
    train = {item.label for item in items if item.split != "test"}
    if task.label_rule == "union-names":
        train = test = train | test
    elif task.label_rule == "train-names":
        test = train
    return tuple(sorted(train)), tuple(sorted(test))


def _check_splits(task: Task, items: Sequence[Item], where: str) -> None:
    present = {item.split for item in items}
    for split in SPLITS[task.split_rule]:
        if split not in present:
            raise DataError(
                f"task {task.id}: the split {split} is empty",
                where=where,
                remedy=f"unpack the data set {task.dataset.id} here",
            )
    classes = {item.label for item in items if item.split != "test"}
    if len(classes) < 2:
        raise DataError(
            f"task {task.id}: only one class ({shown(min(classes))}) to learn from",
            where=where,
            remedy="a task needs at least two classes",
        )


def _train_test(task: Task, items: Sequence[Item], root: Path, where: str) -> Manifest:
    train_classes, test_classes = label_index(task, items)
    train = [item for item in items if item.split == "train"]
    test = [item for item in items if item.split == "test"]
    kept = test
    if task.division != "compat":
        known = {item.label for item in train}
        kept = [item for item in test if item.label in known]
        declared = expected_exclusions(task.dataset.layout) - known
        undeclared = sum(item.label not in known and item.label not in declared for item in test)
        _check_exclusions(task, undeclared, sum(item.label not in declared for item in test), where)
    train_label = {name: label for label, name in enumerate(train_classes)}
    test_label = {name: label for label, name in enumerate(test_classes)}
    train.sort(key=_path)
    kept.sort(key=_path)
    rows = [Row(i.id, i.path, train_label[i.label], "train", False) for i in train]
    rows += [Row(i.id, i.path, test_label[i.label], "test", True) for i in kept]
    return Manifest(root, train_classes, tuple(rows), len(test) - len(kept), test_classes)


def _gallery(task: Task, items: Sequence[Item], root: Path, where: str) -> Manifest:
    classes, _ = label_index(task, items)
    label = {name: number for number, name in enumerate(classes)}
    sizes = Counter(item.label for item in items)
    least = 1 if task.division == "compat" else 2
    rows = tuple(
        Row(i.id, i.path, label[i.label], "gallery", sizes[i.label] >= least)
        for i in sorted(items, key=_path)
    )
    excluded = sum(not row.scored for row in rows)
    _check_exclusions(task, excluded, len(rows), where)
    return Manifest(root, classes, rows, excluded, classes)


def _check_exclusions(task: Task, excluded: int, of: int, where: str) -> None:
    if 2 * excluded > of:
        raise DataError(
            f"task {task.id}: {excluded} of {of} test items have no train example of their class, "
            "more than half",
            where=where,
            remedy="check that both splits come from the same data set and name classes alike",
        )


def _path(item: Item) -> str:
    # Python compares strings by code point, which is the order that the specification asks for.
    return item.path
