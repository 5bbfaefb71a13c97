"""Reading a layout's options (SPEC.md, section "Layouts").

In: the ``options`` of a layout value, which the loader of documents has checked. Out: values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from biobench.spec.documents import Layout
from biobench.spec.layout_options import path_parts

SplitRule = Literal["train-test", "leave-one-out"]

SPLITS: Mapping[SplitRule, tuple[str, ...]] = {
    "train-test": ("train", "test"),
    "leave-one-out": ("gallery",),
}
"""The split names that each split rule asks a layout for, in manifest order."""


_USUAL = re.compile(r"[\w-][\w.-]*(?:/[\w-][\w.-]*)*", re.ASCII)


def split_rule_of(layout: Layout) -> SplitRule:
    """The split rule that the splits in a layout's options are for; without splits, one gallery."""
    for key in ("splits", "tables", "split"):
        splits = layout.options.get(key)
        if isinstance(splits, Mapping):
            return "leave-one-out" if "gallery" in splits else "train-test"
    return "leave-one-out"


def is_usual(path: str) -> bool:
    """True for nearly every path, and there are millions: one that has no fault and is spelt as
    :func:`join` would spell it."""
    return _USUAL.fullmatch(path) is not None


def path_fault(path: str) -> str | None:
    """Return why a path cannot be a place below the data folder, or None where it can.

    A good path is relative, has ``/`` between its parts, and never climbs with ``..``.
    """
    if not path or "\0" in path:
        return "the path is empty or holds a NUL"
    try:
        path.encode("utf-8", "strict")
    except UnicodeEncodeError:
        return "the name is not UTF-8"
    if path.startswith("/") or ".." in path.split("/"):
        return "the path climbs out of the data folder"
    return None


def written_path_fault(path: str) -> str | None:
    """Return why a path that a table or an annotation file has cannot be that of an image."""
    if "\\" in path:
        return "a backslash; write / between folders"
    if path.startswith("/"):
        return "it is absolute, and must be relative to the data folder"
    return path_fault(path) if path.strip("./") or join("", path) else "it names no file"


def join(folder: str, name: str) -> str:
    """``folder/name`` in the one spelling that manifests use: no ``.`` and no empty parts."""
    path = f"{folder}/{name}" if folder else name
    if path and path[0] not in "/." and path[-1] != "/" and "//" not in path and "/." not in path:
        return path  # nearly all of them, and millions
    return "/".join(path_parts(path))


def expected_exclusions(layout: Layout) -> frozenset[str]:
    """Class names that the data set's document knows to have no train example.

    Their items do not count towards the rule that excluding more than half is an error.
    """
    return frozenset(layout.options.get("expected_exclusions", ()))
