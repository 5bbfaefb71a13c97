"""Views: the images that make up an item (SPEC.md, section "Views").

In: the images that a layout found, and the task's view. Out: items with their images: each image by
itself, some frames of a clip, or all images of an observation.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from biobench.data.faults import Faults
from biobench.data.labels import name_order
from biobench.data.layouts.layout_items import LayoutItems
from biobench.data.manifest import Item
from biobench.errors import SpecError, counted, shown
from biobench.spec.documents import Task
from biobench.spec.generator import Stream

Start = Callable[[int], int]
"""Frames to spare -> the first frame, from 0 to that many."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One item and its images. ``item.id`` is the image's own, or the subject that pools them."""

    item: Item
    images: tuple[Item, ...]


@dataclass(frozen=True)
class Units:
    """Items of all splits, and how many clips the view left out."""

    units: tuple[Unit, ...]
    dropped: int = 0


def keeps_missing(view: Mapping[str, Any]) -> bool:
    """True where an image without a file is a reason for the view to drop its clip."""
    return view.get("missing") == "drop"


def left_out(dropped: int) -> str:
    """Number of clips that a view left out, and the reason, in words."""
    verbs = "is too short or misses" if dropped == 1 else "are too short or miss"
    return f"{counted(dropped, 'clip')} {verbs} frames"


def pool_rule(view: Mapping[str, Any]) -> str | None:
    """``max`` or ``mean`` where the view pools features, else None."""
    rule: str | None = view.get("pool")
    return rule


def make_units(task: Task, layout_items: LayoutItems, seed: int | None, where: str) -> Units:
    """The items of a task by its view.

    Args:
        task: The task.
        layout_items: What its layout found.
        seed: The suite's, for a random start of clips; None where there is none.
        where: The data folder, for messages.

    Raises:
        DataError: The view does not allow a clip, or a subject has several labels.
        SpecError: The layout cannot feed the view.
    """
    kind = task.view.get("kind", "image")
    if kind == "image":
        return Units(tuple(_single(item) for item in layout_items.items))
    if not any(item.subject for item in layout_items.items) and layout_items.items:
        raise SpecError(
            f"task {task.id}: the view {kind} needs images with a subject",
            remedy="give the layout csv the option subject, or take the view image",
        )
    if kind == "frames":
        return _clips(task, layout_items, seed, where)
    if kind == "observation":
        return _observations(task, layout_items, where)
    raise SpecError(
        f"task {task.id}: unknown view {kind!r}", remedy="take image, frames or observation"
    )


def frame_numbers(count: int, *, frames: int, stride: int, start: Start) -> list[int]:
    """Choose ``frames`` of ``count`` frames, ``stride`` apart.

    The stride is the largest, up to the one asked for, with which they fit.

    Raises:
        ValueError: The clip has too few frames.
    """
    if count < frames:
        raise ValueError(f"{count} frames are fewer than {frames}")
    if frames > 1:
        stride = min(stride, (count - 1) // (frames - 1))
    spare = count - ((frames - 1) * stride + 1)
    first = start(spare)
    return [first + i * stride for i in range(frames)]


def clip_frames(
    view: Mapping[str, Any], count: int, *, task: str, clip: str, seed: int | None
) -> list[int] | None:
    """The numbers of the frames of a clip that the view takes; None where the clip is too short.

    Args:
        view: The frames view of a task.
        count: Number of frames of the clip.
        task: Id of the task.
        clip: Id of the clip.
        seed: The suite's seed, for a random start; None where there is none.

    Raises:
        ValueError: The view draws its start, and there is no seed.
    """
    if count < view["frames"]:
        return None
    if view["start"] == "middle":
        start: Start = middle
    elif seed is None:
        raise ValueError("a random start needs the suite's seed")
    else:
        start = random_start(seed, task, clip)
    return frame_numbers(count, frames=view["frames"], stride=view["stride"], start=start)


def middle(spare: int) -> int:
    """As many spare frames before as after, one fewer where they are odd."""
    return spare // 2


def random_start(seed: int, task: str, clip: str) -> Start:
    """A start drawn from the clip's own stream, so that it does not depend on the other clips."""
    return lambda spare: int(Stream(seed, f"frames/{task}/{clip}").integers(spare + 1, 1)[0])


def most_frequent(labels: Sequence[str], order: Callable[[str], Any]) -> str:
    """The label that occurs most often; of several the first in ``order``."""
    counts = Counter(labels)
    return min(counts, key=lambda name: (-counts[name], order(name)))


def _single(item: Item) -> Unit:
    """An image that is an item of its own; its subject says nothing then."""
    if not item.subject:
        return Unit(item, (item,))
    return Unit(item._replace(subject=""), (item,))


def _subjects(images: Sequence[Item]) -> dict[str, list[Item]]:
    subjects: dict[str, list[Item]] = defaultdict(list)
    for image in images:
        subjects[image.subject].append(image)
    return subjects


def _clips(task: Task, layout_items: LayoutItems, seed: int | None, where: str) -> Units:
    view = task.view
    faults = Faults(
        "lower frames in the view of the task, or let it drop such clips (short, missing: drop)"
    )
    order = name_order(task)
    units, dropped = [], 0
    for subject, images in _subjects(layout_items.items).items():
        numbers = clip_frames(view, len(images), task=task.id, clip=subject, seed=seed)
        if numbers is None:
            dropped += 1
            if view["short"] == "error":
                what = f"the clip has {len(images)} of the {view['frames']} frames that are needed"
                faults.add(subject, what)
            continue
        missing = sum(image.id in layout_items.missing for image in images)
        if missing:
            dropped += 1
            if view["missing"] == "error":
                faults.add(subject, f"the clip has no file of {counted(missing, 'frame')}")
            continue
        chosen = [images[i] for i in numbers]
        label = most_frequent([image.label for image in chosen], order)
        units.append(_pooled(subject, chosen, label, faults))
    faults.raise_if_any(where)
    return Units(tuple(units), dropped)


def _observations(task: Task, layout_items: LayoutItems, where: str) -> Units:
    faults = Faults("fix the table: an observation is one item with one label")
    splits = task.view["splits"]
    units = [_single(item) for item in layout_items.items if item.split not in splits]
    pooled = [item for item in layout_items.items if item.split in splits]
    for subject, images in _subjects(pooled).items():
        labels = sorted({image.label for image in images})
        if len(labels) > 1:
            named = ", ".join(repr(shown(label)) for label in labels[:3])
            faults.add(subject, f"the observation has {len(labels)} labels: {named}")
        units.append(_pooled(subject, images, labels[0], faults))
    faults.raise_if_any(where)
    return Units(tuple(units))


def _pooled(subject: str, images: Sequence[Item], label: str, faults: Faults) -> Unit:
    """The item of one subject, whose images must agree in all but the label."""
    first = images[0]
    if any(image.traits != first.traits for image in images):
        faults.add(subject, "its images have different traits")
    if any(image.group != first.group for image in images):
        faults.add(subject, "its images are in different groups")
    if any(image.cluster != first.cluster for image in images):
        faults.add(subject, "its images are in different clusters")
    item = first._replace(id=subject, label=label)
    return Unit(item, tuple(images))
