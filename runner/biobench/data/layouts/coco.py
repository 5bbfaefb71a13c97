"""The layout ``coco``: one JSON file names and annotates images (SPEC.md, section "Layouts").

In: options ``{annotations: path of the JSON file, images: folder of its file names, label: key of
an annotation that holds the class}``, maybe with the key of an annotation that holds the cluster.
Out: one item an image, all in the split ``gallery``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Set
from pathlib import Path
from typing import Any, NoReturn

from biobench._common.text import short
from biobench.data.annotations import read_whole
from biobench.data.faults import Faults
from biobench.data.file_hashes import FileRead
from biobench.data.layouts.folder_listing import FolderListing
from biobench.data.layouts.layout_items import KeepMissing, LayoutItems
from biobench.data.layouts.not_annotations import other_kind
from biobench.data.layouts.options import SplitRule, join, written_path_fault
from biobench.data.locate import require_data_folder
from biobench.data.manifest import Item
from biobench.errors import DataError, shown
from biobench.spec.documents import Layout

MOST_BYTES = 64 << 20
MOST_VALUES = 3_000_000
"""Limits of an annotation file: a few hundred thousand images with their annotations."""

_START = "give --data the folder that its path starts from"
_FORM = 'write one object {"images": [...], "annotations": [...]}'


def find(
    root: Path, layout: Layout, split_rule: SplitRule, *, keep_missing: KeepMissing = False
) -> LayoutItems:
    """Items in the order of the JSON file. An item's id is the decimal or string image id of the
    file.

    Files in the images folder that the JSON does not name are ignored.

    Raises:
        DataError: The JSON is missing or broken (names its line); an image file is missing; an
            image has no annotation or several; an annotation has no image; an id or file name is
            repeated; a label is not a string; a path climbs out of the data folder.
    """
    annotations = join("", layout.options["annotations"])
    images_folder = join("", layout.options["images"])
    label_key = layout.options["label"]
    cluster_key = (layout.options.get("cluster") or {}).get("key")
    base = os.fspath(root)
    require_data_folder(Path(base), "the annotation file and its images")
    source = os.path.join(base, annotations)
    document, file = _read(source, {label_key, cluster_key} - {None})
    if not os.path.isdir(os.path.join(base, images_folder)):
        raise DataError(
            "the images folder is missing", where=shown(f"{base}/{images_folder}"), remedy=_START
        )
    faults = Faults()
    paths = _image_paths(document, source, base, images_folder, faults)
    labels, clusters = _labels(document, source, label_key, cluster_key, set(paths), faults)
    for image, path in paths.items():
        if image not in labels:
            faults.add(path, f"image {image} has no annotation")
    faults.raise_if_any(source)
    items = [
        Item(image, path, labels[image], "gallery", cluster=clusters.get(image, ""))
        for image, path in paths.items()
    ]
    return LayoutItems(items, tables={annotations: file})


def annotation_files(layout: Layout, split_rule: SplitRule) -> list[str]:
    """Path of the JSON file."""
    return [join("", layout.options["annotations"])]


def image_folders(layout: Layout, split_rule: SplitRule) -> list[str]:
    """The folder of all images."""
    return [join("", layout.options["images"])]


class _Repeated(Exception):
    """A name that an object has twice."""


def _read(source: str, keys: Set[str]) -> tuple[dict[str, Any], FileRead]:
    where = shown(source)
    text, file = _text(source)
    if text.count(",") > MOST_VALUES:
        raise DataError(
            f"the annotation file has more than {MOST_VALUES} values",
            where=where,
            remedy="leave out members that are not read, such as outlines and boxes",
        )
    kept = {"images", "annotations", "id", "file_name", "image_id", *keys}

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        # Only what is read: outlines and boxes would take many times the room of the rest.
        found = [(key, value) for key, value in pairs if key in kept]
        value = dict(found)
        if len(value) < len(found):
            names = [key for key, _ in found]
            raise _Repeated(next(key for key in names if names.count(key) > 1))
        return value

    try:
        document = json.loads(text, object_pairs_hook=members, parse_constant=_constant)
    except json.JSONDecodeError as error:
        raise DataError(
            f"broken JSON at line {error.lineno}, column {error.colno} ({error.msg})",
            where=where,
            remedy="correct it there, or fetch the file again: it may be cut off",
        ) from error
    except _Repeated as error:
        raise DataError(
            f"an object of the JSON has {shown(str(error))!r} twice",
            where=where,
            remedy="keep one of the two",
        ) from error
    except ValueError as error:
        raise DataError(
            f"not JSON that can be read ({error})", where=where, remedy="correct that number"
        ) from error
    except RecursionError as error:
        raise DataError("the JSON is nested too deeply", where=where, remedy=_FORM) from error
    if not isinstance(document, dict):
        raise DataError(
            "a JSON object with images and annotations is expected", where=where, remedy=_FORM
        )
    return document, file


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number of JSON")


def _text(source: str) -> tuple[str, FileRead]:
    where = shown(source)
    try:
        data, file = read_whole(source, MOST_BYTES)
    except OSError as error:
        absent = isinstance(error, FileNotFoundError)
        what = "is missing" if absent else f"cannot be read ({error.strerror})"
        raise DataError(f"the annotation file {what}", where=where, remedy=_START) from error
    if not data:
        raise DataError("the annotation file is empty", where=where, remedy="fetch the file again")
    other = other_kind(data)
    if other is not None:
        kind, remedy = other
        raise DataError(f"the annotation file is {kind}", where=where, remedy=remedy)
    # JSON begins with a character of ASCII, so a zero byte among the first tells the encoding.
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or 0 in data[:4]:
        raise DataError(
            "the annotation file is UTF-16 or UTF-32", where=where, remedy="save it as UTF-8"
        )
    try:
        return data.decode("utf-8-sig"), file
    except UnicodeDecodeError as error:
        raise DataError(
            f"not UTF-8 at byte {error.start}", where=where, remedy="save it as UTF-8"
        ) from error


def _rows(document: dict[str, Any], key: str, source: str) -> list[Any]:
    rows = document.get(key)
    if not isinstance(rows, list):
        raise DataError(f"no list {key!r} in the JSON object", where=shown(source), remedy=_FORM)
    return rows


def _identifier(value: Any) -> str | None:
    """An image id as item id: integers in decimal, strings as they are, anything else None."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return str(value) if _is_text(value) else None


def _is_text(value: Any) -> bool:
    """Return whether a JSON value is a non-empty string that UTF-8 can hold: no lone surrogate."""
    if not isinstance(value, str) or not value:
        return False
    try:
        value.encode("utf-8", "strict")
    except UnicodeEncodeError:
        return False
    return True


def _image_paths(
    document: dict[str, Any], source: str, base: str, images_folder: str, faults: Faults
) -> dict[str, str]:
    paths: dict[str, str] = {}
    used: set[str] = set()
    listing = FolderListing(base)
    for position, image in enumerate(_rows(document, "images", source)):
        place = f"/images/{position}"
        identifier = _identifier(image.get("id")) if isinstance(image, dict) else None
        if identifier is None:
            faults.add(place, "an object with an integer or string id is expected")
            continue
        if identifier in paths:
            faults.add(place, f"duplicate image id {shown(identifier)}")
            continue
        name = image.get("file_name")
        fault = written_path_fault(name) if isinstance(name, str) else "file_name must be a string"
        if fault:
            faults.add(place, f"file_name {short(name)}: {fault}")
        path = join(images_folder, name) if not fault else place
        paths[identifier] = path
        if fault:
            continue
        if path in used:
            faults.add(path, f"named by two images, the second is {shown(identifier)}")
        used.add(path)
        if not listing(path):
            faults.add(path, "the file is missing")
    return paths


def _labels(
    document: dict[str, Any],
    source: str,
    key: str,
    cluster_key: str | None,
    images: set[str],
    faults: Faults,
) -> tuple[dict[str, str], dict[str, str]]:
    """Label and cluster of each image; no clusters where no key holds them."""
    labels: dict[str, str] = {}
    clusters: dict[str, str] = {}
    for position, annotation in enumerate(_rows(document, "annotations", source)):
        place = f"/annotations/{position}"
        image = _identifier(annotation.get("image_id")) if isinstance(annotation, dict) else None
        if image is None:
            faults.add(place, "an object with an integer or string image_id is expected")
            continue
        label = annotation.get(key)
        if image not in images:
            faults.add(place, f"no image has the id {shown(image)}")
        elif image in labels:
            faults.add(place, f"a second annotation of image {shown(image)}")
        elif not _is_text(label):
            faults.add(place, f"{key!r} must be a non-empty string, not {short(label)}")
            labels[image] = ""
        else:
            labels[image] = str(label)
        if cluster_key is not None and image in images:
            cluster = _identifier(annotation.get(cluster_key))
            if cluster is None:
                found = short(annotation.get(cluster_key))
                faults.add(place, f"{cluster_key!r} must be an integer or a string, not {found}")
            clusters[image] = cluster or ""
    return labels, clusters
