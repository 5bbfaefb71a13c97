"""Listing of class folders: which images there are, and of which class and split.

In: a folder that holds a folder for each class, or ``train`` and ``val`` or ``test`` with those.
Out: images in code-point order of their paths; DataError where the folder has another form.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from biobench._common.text import as_text
from biobench.data.diagnostics import spelt_alike
from biobench.data.faults import Faults
from biobench.data.layouts.options import join
from biobench.data.layouts.scan import DECODED, JUNK, UNDECODED, entries, image_files, is_folder
from biobench.data.manifest import Split
from biobench.errors import DataError, UsageError, counted, shown
from biobench.spec.image_formats import MORE_FORMATS

TRAIN = "train"
TEST = ("test", "val", "valid", "validation")
"""Names, in any case, of the folder that is scored in a folder that is already split; of several
the first of these."""
EXTENSIONS = (
    *DECODED,
    *UNDECODED,
    *(ending for format in MORE_FORMATS for ending in format.other_endings),
)
"""Extensions, in any case, of the files that are images. Which can be read the files themselves
tell: a format that needs a library that is not installed is no reason to leave a file out."""
MAX_NAMED = 3
"""Names that fit in one line for people."""


class FolderImage(NamedTuple):
    """One image: its path below the folder, its class, and its split where the folder is split."""

    path: str
    label: str
    split: Split | None


@dataclass(frozen=True)
class ImageListing:
    """The images of class folders.

    Attributes:
        images: In code-point order of their paths.
        split: True where the folder is already split.
        notes: Lines for people.
    """

    images: tuple[FolderImage, ...]
    split: bool
    notes: tuple[str, ...]


def list_images(root: Path) -> ImageListing:
    """List the images of ``root``.

    A class is a folder directly below ``root``, or below its ``train`` and ``val`` or ``test``;
    images lie in it at any depth. Links are followed as in the layout ``image-folder``.

    Raises:
        DataError: The folder is missing or has no class folders, fewer than two classes, a class
            without an image, an image outside of the classes, a link that leads to nothing or
            round, or a name that a table cannot have.
        UsageError: The path is not UTF-8.
    """
    base = os.fspath(root)
    if as_text(base) != base:
        raise UsageError(
            "has bytes that are not UTF-8", where=f"--images {as_text(base)}", remedy="rename it"
        )
    if not root.is_dir():
        raise DataError(
            "it is a file" if root.exists() else "the folder is missing",
            where=shown(base),
            remedy="give --images the folder that holds a folder for each class",
        )
    faults = Faults("repair the folder, or name the images in a table (docs/adding-a-task.md)")
    folders, loose = _visible(base, "", faults)
    train, test, others = _sides(base, folders, faults)
    ignored: Counter[str] = Counter()
    notes = []
    if train is None or test is None:
        if not folders and not faults.count:
            raise _no_folders(base, loose)
        found = list(_classes(base, "", folders, None, faults, ignored))
        for name in loose:
            faults.add(name, "the image lies outside of the class folders")
    else:
        found = []
        for side, folder in ((TRAIN, train), ("test", test)):
            split: Split = "train" if side == TRAIN else "test"
            inner, outside = _visible(base, folder, faults)
            found += _classes(base, folder, inner, split, faults, ignored)
            for name in outside:
                faults.add(join(folder, name), "the image lies outside of the class folders")
        if others:
            notes.append(
                f"{train}/ is learnt from and {test}/ is scored; not used: "
                + ", ".join(shown(name) for name in others)
            )
    faults.raise_if_any(base)
    images = tuple(sorted(found))
    _require_classes(base, images)
    return ImageListing(
        images, train is not None and test is not None, (*notes, *_notes(images, ignored))
    )


def _visible(base: str, folder: str, faults: Faults) -> tuple[list[str], list[str]]:
    """Names of the folders in ``base/folder``, and of the images that lie in it."""
    folders, images = [], []
    for entry in entries(base, folder, faults):
        if entry.name.lower() in JUNK:
            continue
        kind = is_folder(entry, join(folder, entry.name), faults)
        if kind:
            folders.append(entry.name)
        elif kind is False and entry.name.lower().endswith(EXTENSIONS):
            images.append(entry.name)
    return folders, images


def _sides(
    base: str, folders: Sequence[str], faults: Faults
) -> tuple[str | None, str | None, list[str]]:
    """The folders of train and of what is scored, and the others; no sides where the folders are
    classes.

    A folder counts as a side where it holds folders: ``train`` may be a class of locomotives.
    """
    named: dict[str, str] = {}
    for name in folders:
        side = name.lower()
        if side in (TRAIN, *TEST) and _visible(base, name, Faults())[0]:
            if side in named:
                faults.add(name, f"{named[side]} has the same name in another case; rename one")
            named[side] = name
    test = next((named[side] for side in TEST if side in named), None)
    if TRAIN not in named or test is None:
        return None, None, []
    used = {named[TRAIN], test}
    return named[TRAIN], test, [name for name in folders if name not in used]


def _classes(
    base: str,
    folder: str,
    names: Sequence[str],
    split: Split | None,
    faults: Faults,
    ignored: Counter[str],
) -> Iterator[FolderImage]:
    for name in names:
        top = join(folder, name)
        empty = True
        for path in image_files(base, top, faults, also=EXTENSIONS, ignored=ignored):
            empty = False
            if "\\" in path:
                faults.add(path, "a backslash in the name, which no table can hold; rename it")
            yield FolderImage(path, name, split)
        if empty:
            faults.add(top, "the class folder has no image; remove it, or put images there")


def _no_folders(base: str, loose: Sequence[str]) -> DataError:
    if loose:
        return DataError(
            f"there are no class folders: {counted(len(loose), 'image')} in the folder itself",
            where=shown(base),
            remedy="move them to a folder for each class, or name them in a table "
            "(docs/adding-a-task.md)",
        )
    return DataError(
        "there is no image in it", where=shown(base), remedy="check the path given to --images"
    )


def _require_classes(base: str, images: Sequence[FolderImage]) -> None:
    learnt = {image.label for image in images if image.split != "test"}
    if len(learnt) >= 2:
        return
    only = f"only one class ({shown(min(learnt))})" if learnt else "no class"
    raise DataError(
        f"{only} to learn from",
        where=shown(base),
        remedy="a task needs two class folders or more; where this is the folder of one class, "
        "give --images the folder above",
    )


def _notes(images: Sequence[FolderImage], ignored: Counter[str]) -> Iterator[str]:
    if ignored:
        kinds = sorted(ignored.items(), key=lambda pair: (-pair[1], pair[0]))
        named = ", ".join(f"{shown(kind)} {count}" for kind, count in kinds[:MAX_NAMED])
        more = f", and {len(kinds) - MAX_NAMED} more kinds" if len(kinds) > MAX_NAMED else ""
        one, many = "file that is not an image", "files that are not images"
        count = counted(sum(ignored.values()), one, many)
        yield f"{count}: {named}{more}"
    alike = spelt_alike(image.path for image in images)
    if alike:
        named = ", ".join(" and ".join(map(shown, paths)) for paths in alike[:MAX_NAMED])
        yield (
            "paths that differ in spelling alone, of which a disk that ignores case keeps one: "
            + named
        )
