"""Headers of image files, read before anything is decoded.

In: paths. Out: the reason for which a file gives no pixels, as far as its headers tell, and the
formats beyond the specification's that there are. A few kilobytes of a file are read, so that a
folder of a hundred thousand photographs takes seconds; a file that ends too early is found when it
is decoded.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from PIL import Image

from biobench._common.files import open_regular
from biobench.decode.decode_error import DecodeError
from biobench.decode.formats import available, format_of
from biobench.decode.native import decode_file
from biobench.decode.pillow import FORMATS, PillowDecoder, check_size, pillow_errors

HEAD = 64
_SPECIFIED = {*FORMATS, "MPO"}
"""Pillow's names of the formats of the specification. A JPEG that holds further images is an MPO to
Pillow, whose first image is the JPEG."""


@dataclass(frozen=True)
class Headers:
    """Read the headers of files.

    Attributes:
        bad: Place among the paths -> the reason for which the file gives no pixels.
        formats: Names of the formats beyond the specification's, sorted.
    """

    bad: dict[int, str]
    formats: tuple[str, ...]


@cache
def more_formats() -> PillowDecoder:
    """The decoder of the specification's formats and all others that can be read here."""
    return PillowDecoder({format.name: format.pillow for format in available()})


def read_headers(paths: Sequence[str], advance: Callable[[int], None] | None = None) -> Headers:
    """Read the headers of files; ``advance`` is called with the number of files that are done."""
    names = {format.pillow: format.label for format in available()}
    bad: dict[int, str] = {}
    formats: set[str] = set()
    for number, path in enumerate(paths):
        found = _format(path, (*FORMATS, *names))
        if found is None:
            reason = _reason(path)
            if reason is not None:
                bad[number] = reason
        elif found not in _SPECIFIED:
            formats.add(names[found])
        if advance is not None:
            advance(1)
    return Headers(bad, tuple(sorted(formats)))


def _format(path: str, formats: tuple[str, ...]) -> str | None:
    """Pillow's name of a file's format; None where the file is not known or is beyond a limit."""
    try:
        with (
            open_regular(path) as file,
            pillow_errors(),
            Image.open(file, formats=formats) as image,
        ):
            check_size(image)
            return image.format
    except (OSError, DecodeError, MemoryError):
        return None


def _reason(path: str) -> str | None:
    """The reason for which a file gives no pixels, by decoding it; None where it gives some."""
    try:
        with open_regular(path) as file:
            head = file.read(HEAD)
        format = format_of(head)
        if format is not None and format not in available():
            return format.reason
        decode_file(path, decoder=more_formats())
    except (OSError, ValueError, MemoryError) as error:
        text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return text.removeprefix(f"{os.fspath(path)}: ")
    return None
