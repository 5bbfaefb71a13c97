"""Formats beyond those of the specification, for a person's own images (docs/loading-images.md).

Pillow reads some by itself and others through plugins that are installed beside it. Their pixels
are what these libraries give, in whatever version: a task with such a file has level E for pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec


@dataclass(frozen=True)
class Format:
    """A format that is read where a library is there.

    Attributes:
        name: The name that the native layer gives the first bytes of its files.
        pillow: Pillow's name.
        called: The name for people.
        module: The module that registers it with Pillow when it is imported.
        package: The package to install; None where it is part of Pillow.
        codec: Pillow's name of the library that it needs; None where it needs none.
        start: Function of the module that registers it, where importing does not.
    """

    name: str
    pillow: str
    called: str
    module: str
    package: str | None = None
    codec: str | None = None
    start: str | None = None

    @property
    def reason(self) -> str:
        """The reason why a file of it cannot be read, where its library is not there."""
        if self.package is None:
            return f"{self.called} is not read by this build of Pillow"
        install = f"`pip install {self.package}`"
        return f"{self.called} is read by {self.package}, which is not installed: {install}"


MORE_FORMATS = (
    Format("AVIF", "AVIF", "AVIF", "PIL.AvifImagePlugin", codec="avif"),
    Format("HEIF", "HEIF", "HEIC", "pillow_heif", "pillow-heif", start="register_heif_opener"),
    Format("JPEG 2000", "JPEG2000", "JPEG 2000", "PIL.Jpeg2KImagePlugin", codec="jpg_2000"),
    Format("JPEG XL", "JXL", "JPEG XL", "pillow_jxl", "pillow-jxl-plugin"),
    Format("PGM", "PPM", "PGM", "PIL.PpmImagePlugin"),
    Format("PPM", "PPM", "PPM", "PIL.PpmImagePlugin"),
)
PACKAGES = tuple(format.package for format in MORE_FORMATS if format.package is not None)


@cache
def available() -> tuple[Format, ...]:
    """The formats whose library is there, registered with Pillow."""
    return tuple(format for format in MORE_FORMATS if _register(format))


def missing_formats(names: Collection[str]) -> tuple[Format, ...]:
    """Those of the formats of ``names`` whose library is not there."""
    there = available()
    return tuple(one for one in MORE_FORMATS if one.name in names and one not in there)


def _register(format: Format) -> bool:
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
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return found
