"""Class folders as a task: what ``run --images`` scores (docs/class-folders.md).

In: a folder and options. Out: a selection of one task, whose file and table are written beside the
result and run again with the same manifest.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from biobench._common.text import first_of
from biobench.data.class_folders.copies import copies
from biobench.data.class_folders.grouping import image_groups, unit_of
from biobench.data.class_folders.listing import FolderImage, ImageListing, list_images
from biobench.data.class_folders.own_split import keep_split
from biobench.data.class_folders.split import Halves, split_images
from biobench.data.class_folders.task_file import ListedImage, TaskFiles, task_id
from biobench.data.locate import LocatedTask
from biobench.data.manifest import Split
from biobench.decode.loader import usable_cores
from biobench.errors import DataError, UsageError, counted, shown
from biobench.run.headers import own_headers
from biobench.run.learning_curve import Sizes
from biobench.run.options import ImageOptions, Options
from biobench.run.selection import OwnFiles, Selection
from biobench.spec.documents import BENCHMARK
from biobench.spec.library import Document
from biobench.spec.load import Spec, with_folder
from biobench.spec.yaml_source import YamlSource

TRAIN_SHARE = Fraction(7, 10)
"""Share of each class that is learnt from where the user names none."""
PROTOCOL, FEW_PROTOCOL = "logistic_regression", "linear_probe_short"
"""The protocol where the user names none, and where no class has enough images for its five
folds; docs/class-folders.md says why."""
FOLDS = 5
METRICS: tuple[Mapping[str, Any], ...] = (
    {"id": "macro_f1", "higher_is_better": True, "interval": "half-jackknife"},
    {"id": "accuracy", "higher_is_better": True, "interval": None},
)
_ODD = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def parse_share(text: str) -> Fraction:
    """Parse ``0.7`` or ``7/10``.

    Raises:
        UsageError: The text is not a fraction between 0 and 1.
    """
    try:
        share = Fraction(text)
        if 0 < share < 1 and len(text) <= 20:
            return share
    except (ValueError, ZeroDivisionError):
        pass
    raise UsageError(
        f"--train-share {text!r} must lie between 0 and 1",
        remedy="give the share of each class that is learnt from, such as 0.7",
    )


def select_images(spec: Spec, options: Options, images: ImageOptions, sizes: Sizes) -> Selection:
    """The task of class folders; ``sizes``: those of the train split that are scored.

    Raises:
        UsageError: Options do not fit together or the folder.
        DataError: The folder does not make a task, or has a bad file and the options are to stop
            there.
    """
    _refuse_others(spec, options, images)
    folder = images.folder
    listing = list_images(folder)
    if listing.split and images.train_share is not None:
        raise UsageError(
            "the folder is already split, by its folders",
            where=f"--images {folder}",
            remedy="leave --train-share out, or give the folder of one side",
        )
    id = task_id(os.path.basename(os.path.abspath(folder)), spec.task_ids())
    paths = [image.path for image in listing.images]
    bad, formats = own_headers(id, folder, paths, options)
    if options.on_bad_image != "leave-out":
        bad = {}
    kept = [image for image in listing.images if image.path not in bad]
    groups = {} if images.group is None else image_groups(images.group, [i.path for i in kept])
    halves = _halves(spec, listing, kept, groups, folder, images, options)
    files = TaskFiles(
        id=id,
        title=shown(os.path.basename(os.path.abspath(folder))) or id,
        folder=folder.absolute(),
        protocol=images.protocol or _protocol(kept, halves, sizes),
        metrics=METRICS,
        images=tuple(
            _listed(image, halves, groups if images.group else None, bad.get(image.path))
            for image in listing.images
        ),
        unit=None if images.group is None else unit_of(images.group),
        lines=(
            f"written by biobench run --images; {counted(len(paths), 'image')}, of which "
            f"{len(halves.test)} are scored",
            f"Run it again, edited or not, with: biobench run --task {id}.yaml --model MODEL",
        ),
    )
    value = files.value()
    document = Document("task", files.names[0], YamlSource(files.names[0], value, {}))
    task = with_folder(spec.own_task(document), files.folder, {files.names[1]: files.table()})
    notes = [f"{id}: {note}" for note in (*listing.notes, *halves.notes)]
    if groups:
        made = counted(len(set(groups.values())), "group")
        notes.append(f"{id}: {counted(len(groups), 'image')} in {made}")
    if bad:
        notes.append(
            f"{id}: {counted(len(bad), 'unreadable image')} left out: {first_of(list(bad))}"
        )
    if images.protocol is None and task.protocol.id != PROTOCOL:
        few = _fewest(sizes)
        at = "" if few is None or few >= FOLDS else f" at --n-train {few}"
        of = "" if len(sizes) == 1 else f" of all {len(sizes)} sizes, which share one,"
        notes.append(
            f"{id}: no class has {FOLDS} images to learn from{at}, so the protocol{of} is "
            f"{task.protocol.id} in place of {PROTOCOL}"
        )
    benchmark = spec.suites[BENCHMARK]
    return Selection(
        benchmark,
        (LocatedTask(task, files.folder),),
        benchmark.members,
        own=True,
        notes=tuple(notes),
        named=(id,),
        written=OwnFiles(files, bad, formats),
    )


def _refuse_others(spec: Spec, options: Options, images: ImageOptions) -> None:
    """Raise UsageError for options that mean other data, or a protocol that does not exist."""
    for name, given in (
        ("--suite", options.suite),
        ("--task", options.tasks),
        ("--data", options.data),
        ("--declare", options.declare),
    ):
        if given:
            raise UsageError(f"--images and {name} exclude each other", remedy="give one of them")
    if options.division == "compat":
        raise UsageError("a task of your own has no division compat", remedy="leave --division out")
    if _ODD.search(os.path.abspath(images.folder)):
        raise UsageError(
            "has characters that a task file cannot hold",
            where=f"--images {images.folder}",
            remedy="rename the folder",
        )
    fitting = [
        id
        for id in spec.protocol_ids()
        if (value := spec.library.by_id["protocol"][id].value)["labels"] == "classes"
        and value["split"] == "train-test"
    ]
    if images.protocol is not None and images.protocol not in fitting:
        raise UsageError(
            f"there is no protocol {images.protocol!r} for classes with a train split",
            where="--protocol",
            remedy=f"use one of {', '.join(fitting)}",
        )


def _halves(
    spec: Spec,
    listing: ImageListing,
    kept: Sequence[FolderImage],
    groups: Mapping[str, str],
    folder: Path,
    images: ImageOptions,
    options: Options,
) -> Halves:
    """The images that are scored: those of the folder's own split, or of a split made here."""
    try:
        alike = copies(folder, [i.path for i in kept], options.workers or usable_cores())
        if listing.split:
            return keep_split(kept, groups, alike)
        if len({image.label for image in kept}) < 2:
            raise DataError(
                "the images that can be read have fewer than two classes",
                remedy="restore the files",
            )
        share = images.train_share or TRAIN_SHARE
        seed = spec.suites[BENCHMARK].seed
        halves = split_images(kept, groups, alike, share, seed)
    except DataError as error:
        if error.where is not None:
            raise
        raise DataError(error.what, where=str(folder), remedy=error.remedy) from error
    if alike:
        count = counted(sum(map(len, alike)), "image")
        note = (
            f"{count} with the bytes of another one; copies are on one side: {first_of(alike[0])}"
        )
        return replace(halves, notes=(note, *halves.notes))
    return halves


def _protocol(kept: Sequence[FolderImage], halves: Halves, sizes: Sizes) -> str:
    """The protocol that can score every size, since the sizes of a curve share one."""
    learnt = Counter(image.label for image in kept if image.path not in halves.test)
    most, few = max(learnt.values(), default=0), _fewest(sizes)
    return PROTOCOL if min(most, most if few is None else few) >= FOLDS else FEW_PROTOCOL


def _fewest(sizes: Sizes) -> int | None:
    """The smallest number of images a class; None where all are learnt from alone."""
    return min((size for size in sizes if size is not None), default=None)


def _listed(
    image: FolderImage, halves: Halves, groups: Mapping[str, str] | None, why: str | None
) -> ListedImage:
    group = None if groups is None else groups.get(image.path, image.path)
    if why is not None:
        return ListedImage(image.path, image.label, None, group, why)
    split: Split = "test" if image.path in halves.test else "train"
    return ListedImage(image.path, image.label, split, group)
