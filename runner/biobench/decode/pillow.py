"""Any image file to RGB with Pillow, which defines what the pixels are (SPEC.md, section "Pixels").

In: the bytes of a file. Out: an RGB image, or :class:`DecodeError`. This is the definition of every
format, and the decoder of those that the native layer does not read itself: its threads call
:data:`DECODER`.
"""

from __future__ import annotations

import io
import struct
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from types import MappingProxyType
from typing import Any

from PIL import (
    GifImagePlugin,
    Image,
    ImageFile,
    TiffImagePlugin,
    UnidentifiedImageError,
    features,
)

from biobench.decode.decode_error import DecodeError
from biobench.decode.formats import plugin_versions
from biobench.decode.limits import MAX_FILE_BYTES, MAX_HEAD, MAX_PIXELS, MAX_SIDE, MAX_WEBP_CHUNKS
from biobench.decode.tiff import check_tiff
from biobench.spec.image_formats import SPECIFIED

# Imported before a thread needs one: a process that forks meanwhile would leave its child with a
# lock on the import that nobody opens.
for _format in SPECIFIED:
    import_module(_format.module)
# Pillow's own first use imports these as well.
Image.preinit()

FORMATS = tuple(format.pillow for format in SPECIFIED)
"""Pillow's names of the formats that are read."""


def versions() -> list[str | None]:
    """Pillow, the libraries inside of it that decide pixels, and its plugins that are installed."""
    libraries = [features.version_module("webp"), features.version_codec("libtiff")]
    known = [features.version("pil"), *libraries, features.version_feature("libjpeg_turbo")]
    return [*known, *plugin_versions()]


def open_image(data: bytes, formats: tuple[str, ...] = FORMATS) -> ImageFile.ImageFile:
    """Facts of a file's headers, before any pixel is decoded.

    Args:
        data: The file.
        formats: Pillow's names of the formats that are read.

    Raises:
        DecodeError: Pillow does not know the file as one of the formats, or it is too large.
    """
    _check_settings()
    if len(data) > MAX_FILE_BYTES:
        raise _beyond("the number of bytes", len(data), MAX_FILE_BYTES)
    if data.startswith(b"RIFF"):
        _check_chunks(data)
    stream = _LimitedStream(data)
    stream.most = MAX_HEAD if data.startswith(b"GIF") else None
    with pillow_errors():
        image = Image.open(stream, formats=formats)
        stream.most = None
        if isinstance(image, TiffImagePlugin.TiffImageFile):
            check_tiff(image, data)
    check_size(image)
    return image


def check_size(image: Image.Image) -> None:
    """Raise DecodeError for an image beyond the limits."""
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise _beyond("the number of pixels", width * height, MAX_PIXELS)
    if max(width, height) > MAX_SIDE:
        raise _beyond("the longer side in pixels", max(width, height), MAX_SIDE)


def rgb_of(image: ImageFile.ImageFile) -> Image.Image:
    """The pixels of an image that :func:`open_image` gave. Of the orientations that a file may
    state Pillow applies that of TIFF alone.

    Raises:
        DecodeError: Pillow cannot decode them.
        MemoryError: There is no room for them.
    """
    with pillow_errors():
        return image.convert("RGB")


def decode(data: bytes) -> Image.Image:
    """The pixels of a file; errors as :func:`open_image` and :func:`rgb_of`."""
    return rgb_of(open_image(data))


class PillowDecoder:
    """The decoder that the native layer asks for the formats it does not read itself.

    ``more``: further formats, by the native layer's names, and Pillow's name of each.

    Attributes:
        formats: The native layer's names; a file of another one is refused by name.
    """

    def __init__(self, more: Mapping[str, str] = MappingProxyType({})) -> None:
        specified = tuple(format.name for format in SPECIFIED if not format.native)
        self.formats = (*specified, *more)
        self._names = (*FORMATS, *more.values())

    def open(self, data: bytes) -> PillowImage:
        """Read the headers; errors as :func:`open_image`."""
        return PillowImage(open_image(data, self._names))


class PillowImage:
    """One image, in the steps that the native layer takes."""

    def __init__(self, image: ImageFile.ImageFile) -> None:
        self._opened: ImageFile.ImageFile | None = image
        self._rgb: Image.Image | None = None
        self.size = (image.height, image.width)
        """(height, width), known before a pixel is decoded."""

    def decode(self) -> tuple[int, int]:
        """Decode all pixels and return (height, width); errors as :func:`rgb_of`."""
        assert self._opened is not None
        self._rgb = rgb_of(self._opened)
        # What it was made of takes as much memory again.
        self._opened = None
        return self._rgb.height, self._rgb.width

    def rows(self, top: int, bottom: int, left: int, right: int) -> bytes:
        """A part of the decoded image: uint8 RGB, (bottom - top) x (right - left) x 3 bytes."""
        assert self._rgb is not None
        return self._rgb.crop((left, top, right, bottom)).tobytes()


DECODER = PillowDecoder()
"""The decoder of the specification's formats; it has no state."""


class _LimitedStream(io.BytesIO):
    """A file in memory that may be read up to some place only.

    Pillow joins the comments of a GIF piece by piece: those of a gigabyte would take hours.
    """

    most: int | None = None

    def read(self, size: int | None = -1, /) -> bytes:
        if self.most is not None and self.tell() > self.most:
            raise _beyond("the number of bytes before the first image", self.tell(), self.most)
        return super().read(size)


@contextmanager
def pillow_errors() -> Iterator[None]:
    """Turn what Pillow raises into :class:`DecodeError`, and keep its warnings from being shown or
    raised."""
    _silence()
    _QUIET.on = True
    # Pillow's refusals have no common class below Exception: OSError, SyntaxError, ValueError,
    # zlib's and struct's own, and DecompressionBombError all mean that the file is bad.
    try:
        yield
    except (MemoryError, DecodeError):
        raise
    except Exception as error:
        text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        if isinstance(error, UnidentifiedImageError):
            text = "it cannot identify the image"  # its text names an address in memory
        raise DecodeError("unreadable", f"Pillow cannot read it: {text}") from error
    finally:
        _QUIET.on = False


_QUIET = threading.local()


class _OnThisThread:
    """A pattern of a warnings filter that matches while this thread is decoding.

    ``warnings.catch_warnings`` changes what all threads do, and one that leaves it restores what
    another has changed.
    """

    def match(self, text: str) -> bool:
        return bool(getattr(_QUIET, "on", False))


_FILTER: Any = ("ignore", None, Warning, _OnThisThread(), 0)


def _silence() -> None:
    filters: Any = warnings.filters
    if not filters or filters[0] is not _FILTER:
        filters.insert(0, _FILTER)


def _check_settings() -> None:
    """Refuse to decode where the program has changed what Pillow gives: the pixels would not be
    those that are defined."""
    largest = Image.MAX_IMAGE_PIXELS
    for name, as_it_comes in (
        ("ImageFile.LOAD_TRUNCATED_IMAGES", not ImageFile.LOAD_TRUNCATED_IMAGES),
        ("Image.MAX_IMAGE_PIXELS", largest is None or 2 * largest >= MAX_PIXELS),
        ("TiffImagePlugin.READ_LIBTIFF", not TiffImagePlugin.READ_LIBTIFF),
        (
            "GifImagePlugin.LOADING_STRATEGY",
            GifImagePlugin.LOADING_STRATEGY is GifImagePlugin.LoadingStrategy.RGB_AFTER_FIRST,
        ),
    ):
        if not as_it_comes:
            raise DecodeError(
                "unreadable",
                f"this program has changed PIL.{name}, which decides what Pillow reads",
            )


def _check_chunks(data: bytes) -> None:
    """Refuse a WebP of more chunks than an image has: libwebp notes each before it reads any."""
    at, count = 12, 0
    while at + 8 <= len(data):
        length = struct.unpack_from("<I", data, at + 4)[0]
        at += 8 + length + length % 2
        count += 1
        if count > MAX_WEBP_CHUNKS:
            raise _beyond("the number of chunks", count, MAX_WEBP_CHUNKS)


def _beyond(what: str, amount: int, limit: int) -> DecodeError:
    text = f"{what} {amount} exceeds the limit of {limit}: the file may be a decompression bomb"
    return DecodeError("too-large", text)
