"""Building a task's manifest: labels, exclusions, order (SPEC.md, section "Manifests").

In: a resolved task and the folder of its data. Out: a manifest with a digest; the same files give
the same manifest on any machine, in whatever order the file system lists them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from biobench.data.faults import Faults
from biobench.data.frames.check import require_frames
from biobench.data.hints import repair_remedy, with_setup_hint
from biobench.data.labels import UNKNOWN, check_labels, label_index, unknown_label
from biobench.data.layouts import LayoutItems, find
from biobench.data.layouts.clusters import cluster_unit
from biobench.data.layouts.options import SPLITS, expected_exclusions
from biobench.data.manifest import Item, Manifest, Row
from biobench.data.views import Unit, Units, keeps_missing, left_out, make_units
from biobench.errors import DataError, shown
from biobench.spec.documents import Task

__all__ = ["build_manifest", "label_index", "manifest_of"]


def build_manifest(
    task: Task, root: Path, seed: int | None = None, left_out: Mapping[str, str] | None = None
) -> Manifest:
    """Build the manifest of ``task`` from the files in ``root``.

    Division compat excludes nothing. Otherwise a test item whose class has no train example is
    excluded (leave-one-out: an individual with one image); ``excluded`` counts them.

    Args:
        task: A resolved task.
        root: Folder that the layout's paths are relative to.
        seed: The suite's seed; only a view that draws the start of a clip needs it.
        left_out: Path -> reason of images that are left out, each with its whole item.

    Raises:
        DataError: Structural faults, an empty split, a single class, or more than half of the test
            items excluded (not counting classes that the data set's document names in
            ``expected_exclusions``).
        SpecError: Options of the layout or the view do not fit.
    """
    require_frames(task.dataset, root)
    own = task.division == "open"
    with nullcontext() if own else with_setup_hint(task.dataset, root):
        missing = keeps_missing(task.view)
        layout_items = find(root, task.dataset.layout, task.split_rule, keep_missing=missing)
    if not left_out:
        return manifest_of(task, layout_items, root, seed)
    kept = _without(task, layout_items.items, left_out)
    return replace(
        manifest_of(task, replace(layout_items, items=kept), root, seed), left_out=dict(left_out)
    )


def _without(task: Task, items: Sequence[Item], left_out: Collection[str]) -> list[Item]:
    """The items without those of a path that is left out; the images of a subject that the view
    pools go together."""
    view = task.view
    pooling = {"frames": SPLITS[task.split_rule], "observation": view.get("splits", ())}
    pooled = pooling.get(view["kind"], ())
    lost = {
        item.subject
        for item in items
        if item.path in left_out and item.subject and item.split in pooled
    }
    return [
        item
        for item in items
        if item.path not in left_out and not (item.split in pooled and item.subject in lost)
    ]


def manifest_of(
    task: Task, layout_items: LayoutItems, root: Path, seed: int | None = None
) -> Manifest:
    """Build the manifest from what the layout found; the rest as :func:`build_manifest`."""
    where = shown(str(root))
    made = make_units(task, layout_items, seed, where)
    items = [unit.item for unit in made.units]
    _check_ids(items, where)
    _check_splits(task, made, root)
    check_labels(task, items, where)
    if layout_items.traits:
        classes = test_classes = layout_items.traits
        label_of: Callable[[Item], int] = _no_label
    else:
        classes, test_classes = label_index(task, items)
        label_of = _labeller(task, classes, test_classes)
    least = 2 if task.split_rule == "leave-one-out" and task.division != "compat" else 1
    learnt = Counter((item.group, item.label) for item in items if item.split != "test")
    unknown = unknown_label(task)

    def can_be_right(item: Item) -> bool:
        return bool(
            layout_items.traits
            or item.label == unknown
            or (task.division == "compat")
            or learnt[item.group, item.label] >= least
        )

    tested = [item for item in items if item.split != "train"]
    kept = [item for item in tested if can_be_right(item)]
    if task.division != "compat":
        _check_exclusions(task, tested, kept, where)
    scored = {item.id for item in kept}
    rows = [
        Row(
            id=image.id,
            path=image.path,
            label=label_of(unit.item),
            split=unit.item.split,
            scored=unit.item.id in scored,
            traits=unit.item.traits,
            group=unit.item.group,
            subject=unit.item.subject,
            cluster=unit.item.cluster,
        )
        for split in SPLITS[task.split_rule]
        for unit in sorted((u for u in made.units if u.item.split == split), key=_place)
        for image in _by_path(unit.images)
        if split != "test" or unit.item.id in scored
    ]
    return Manifest(
        root=root,
        classes=classes,
        rows=tuple(rows),
        test_classes=test_classes,
        poisonous=_poisonous(layout_items, classes),
        dropped=made.dropped,
        excluded_names=Counter(item.label for item in tested if item.id not in scored),
        of_no_split=layout_items.of_no_split,
        tables=layout_items.tables,
        cluster_unit=cluster_unit(task.dataset.layout),
    )


def _poisonous(layout_items: LayoutItems, classes: Sequence[str]) -> tuple[int, ...] | None:
    if layout_items.poisonous is None:
        return None
    return tuple(label for label, name in enumerate(classes) if name in layout_items.poisonous)


def _by_path(images: Sequence[Item]) -> Sequence[Item]:
    return images if len(images) == 1 else sorted(images, key=lambda i: (i.path, i.id))


def _place(unit: Unit) -> tuple[str, str, str]:
    # Python compares strings by code point, which is the order that the specification asks for.
    return unit.item.subject, unit.item.path, unit.item.id


def _no_label(item: Item) -> int:
    """The label of an item without one: a task of traits has those instead."""
    return 0


def _labeller(
    task: Task, classes: Sequence[str], test_classes: Sequence[str]
) -> Callable[[Item], int]:
    train = {name: label for label, name in enumerate(classes)}
    test = {name: label for label, name in enumerate(test_classes)}
    unknown = unknown_label(task)

    def label_of(item: Item) -> int:
        if item.label == unknown and item.split == "test":
            return UNKNOWN
        # An excluded item gets no row, and its name may not be a class.
        return (test if item.split == "test" else train).get(item.label, UNKNOWN)

    return label_of


def _check_ids(items: Sequence[Item], where: str) -> None:
    """Check that ids are unique: the layout sees to it for images; a subject must not be the id of
    an image."""
    faults = Faults("give the subjects other names, or the images other ids")
    seen: set[str] = set()
    for item in items:
        if item.id in seen:
            faults.add(item.path, f"its id {shown(item.id)} is that of another item")
        seen.add(item.id)
    faults.raise_if_any(where)


def _check_splits(task: Task, made: Units, root: Path) -> None:
    where = shown(str(root))
    items = [unit.item for unit in made.units]
    present = {item.split for item in items}
    for split in SPLITS[task.split_rule]:
        if split not in present:
            dropped = ""
            remedy = "put the images of the split there, or fix the options of the layout"
            if task.division != "open":
                remedy = repair_remedy(task.dataset, root)
            if made.dropped:
                dropped = f" ({left_out(made.dropped)})"
                if task.division == "open":
                    remedy = "lower frames in the view of the task, or use longer clips"
            raise DataError(
                f"task {task.id}: the split {split} is empty{dropped}", where=where, remedy=remedy
            )
    if items[0].traits:
        return
    classes: dict[str, set[str]] = defaultdict(set)
    for item in items:
        if item.split != "test":
            classes[item.group].add(item.label)
    for group in sorted({item.group for item in items if item.split != "train"}):
        names = classes[group]
        if len(names) >= 2:
            continue
        only = f"only one class ({shown(min(names))})" if names else "no class"
        place = f" in the group {shown(group)}" if group else ""
        remedy = "a task needs at least two classes" + (" in each group" if group else "")
        if task.division != "open":
            remedy += f"; {repair_remedy(task.dataset, root)}"
        raise DataError(f"task {task.id}: {only} to learn from{place}", where=where, remedy=remedy)


def _check_exclusions(task: Task, tested: Sequence[Item], kept: Sequence[Item], where: str) -> None:
    kept_ids = {item.id for item in kept}
    excluded = [item for item in tested if item.id not in kept_ids]
    declared = expected_exclusions(task.dataset.layout)
    expected = sum(item.label in declared for item in excluded)
    count, of = len(excluded) - expected, len(tested) - expected
    if 2 * count > of:
        raise DataError(
            f"task {task.id}: {count} of {of} test items have no train example of their class, "
            "more than half",
            where=where,
            remedy="check that both splits come from the same data set and name classes alike",
        )
