"""Formats beyond those of the specification that can be read here.

In: the register of formats (:mod:`biobench.spec.image_formats`). Out: those whose library is
installed, registered with Pillow, and those whose library is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from biobench.spec.image_formats import MORE_FORMATS, ImageFormat


@cache
def available() -> tuple[ImageFormat, ...]:
    """The formats whose library is there, registered with Pillow."""
    return tuple(format for format in MORE_FORMATS if _register(format))


def missing_formats(names: Collection[str]) -> tuple[ImageFormat, ...]:
    """Those of the formats whose library is not there; ``names``: their labels, as results have
    them."""
    there = available()
    return tuple(one for one in MORE_FORMATS if one.label in names and one not in there)


def format_of(head: bytes) -> ImageFormat | None:
    """The format of a file by its first bytes, where it is one whose library may be missing."""
    for format in MORE_FORMATS:
        if any(head.startswith(start, offset) for offset, start in format.heads):
            return format
    return None


def _register(format: ImageFormat) -> bool:
    from PIL import features

    if find_spec(format.module.partition(".")[0]) is None:
        return False
    if format.codec is not None and not features.check(format.codec):
        return False
    module = import_module(format.module)
    if format.start is not None:
        start: Callable[[], None] = getattr(module, format.start)
        start()
    return True


def plugin_versions() -> list[str]:
    """Package and version of each plugin that is installed."""
    installed = []
    for format in MORE_FORMATS:
        if format.package is None:
            continue
        try:
            installed.append(f"{format.package} {version(format.package)}")
        except PackageNotFoundError:
            continue
    return installed
