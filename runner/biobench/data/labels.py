"""Label names to label ids, by the task's label rule (SPEC.md, section "Label index").

In: a task and its items. Out: the names that labels of each split index; DataError for names that
the rule cannot take.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from biobench.data.faults import Faults
from biobench.data.manifest import Item
from biobench.errors import SpecError, shown
from biobench.spec.documents import Task

UNKNOWN = -1
"""The label id of test items of unknown class."""
UNKNOWN_RULES = ("train-names-or-unknown", "written-ids")
LARGEST_ID = 999_999
"""Largest written id, which is the number of a class: a larger one would fill memory."""

_INTEGER = re.compile(r"0|[1-9][0-9]*")
_SIGNED = re.compile(r"-?[0-9]{1,18}")


def is_id(name: str, largest: int) -> bool:
    """True where a label name writes an id up to ``largest``: a decimal integer without leading
    zeros."""
    digits = len(str(largest))
    return bool(_INTEGER.fullmatch(name)) and len(name) <= digits and int(name) <= largest


def unknown_label(task: Task) -> str | None:
    """The label name of the unknown class, None where the rule has none.

    Raises:
        SpecError: The rule is ``train-names-or-unknown`` and the layout has no ``unknown_label``.
    """
    if task.label_rule not in UNKNOWN_RULES:
        return None
    name: str | None = task.dataset.layout.options.get("unknown_label")
    if name is None and task.label_rule == "train-names-or-unknown":
        raise SpecError(
            f"task {task.id}: the label rule {task.label_rule} needs the layout's unknown_label",
            remedy="name it, or take the label rule train-names",
        )
    return name


def label_index(task: Task, items: Sequence[Item]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Class names that train labels index, and those that test labels index, by the task's label
    rule.

    Names are sorted by code point. ``train-names``: names of the train split, for both.
    ``union-names``: names of either split, for both. ``split-names``: each split's own names, so
    that one name can have two labels. ``train-names-or-unknown``: as ``train-names``, the unknown
    label being none of them. ``written-ids``: the integers from 0 to the largest of each split. A
    gallery is its own train and test split.
    """
    unknown = unknown_label(task)
    test = {item.label for item in items if item.split != "train"} - {unknown}
    train = {item.label for item in items if item.split != "test"} - {unknown}
    if task.label_rule == "written-ids":
        return _numbers(train), _numbers(test)
    if task.label_rule == "union-names":
        train = test = train | test
    elif task.label_rule != "split-names":
        test = train
    return tuple(sorted(map(str, train))), tuple(sorted(map(str, test)))


def check_labels(task: Task, items: Iterable[Item], where: str) -> None:
    """Raise DataError for names that the label rule cannot take."""
    unknown = unknown_label(task)
    written = task.label_rule == "written-ids"
    if unknown is None and not written:
        return
    faults = Faults("fix the labels, or take another label rule")
    for item in items:
        if item.label == unknown:
            if item.split != "test":
                what = f"the unknown label {shown(item.label)!r} in the split {item.split}"
                faults.add(item.path, what)
        elif written and not _INTEGER.fullmatch(item.label):
            faults.add(item.path, f"the label {shown(item.label)!r} is not an integer from 0")
        elif written and not is_id(item.label, LARGEST_ID):
            faults.add(item.path, f"the label {item.label} is above {LARGEST_ID}")
    faults.raise_if_any(where)


def name_order(task: Task) -> Callable[[str], tuple[int, str]]:
    """Sort key of label names that is the order of their ids."""
    written = task.label_rule == "written-ids"

    def key(name: str) -> tuple[int, str]:
        return (int(name) if written and _SIGNED.fullmatch(name) else 0, name)

    return key


def _numbers(names: Iterable[str | None]) -> tuple[str, ...]:
    numbers = [int(name) for name in names if name is not None]
    return tuple(map(str, range(max(numbers) + 1))) if numbers else ()
