"""The register of image formats: one line a format, from which every stage takes what it needs.

In: nothing. Out: for each format its names, who reads it, and its endings. The native layer has
each format's first bytes beside it, in native/pixels/src/format.rs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class ImageFormat:
    """A format of image files.

    Attributes:
        name: The name that the native layer gives the first bytes of its files.
        pillow: Pillow's name.
        module: The module that registers it with Pillow when it is imported.
        endings: Endings of its files, in lower case, that the specification names (SPEC.md,
            section "Layouts").
        media_type: Its media type; None where the specification refuses its files.
        native: True where the native layer decodes it itself.
        called: The name for people, where it is another one.
        other_endings: Further endings, which class folders take.
        package: The package to install; None where it is part of Pillow.
        codec: Pillow's name of the library that it needs; None where it needs none.
        start: Function of the module that registers it, where importing does not.
        heads: Offset and bytes of what its files begin with, where it needs a library that may be
            missing: without the library nothing else tells what a file is.
    """

    name: str
    pillow: str
    module: str
    endings: tuple[str, ...]
    media_type: str | None = None
    native: bool = False
    called: str = ""
    other_endings: tuple[str, ...] = ()
    package: str | None = None
    codec: str | None = None
    start: str | None = None
    heads: tuple[tuple[int, bytes], ...] = ()

    @property
    def label(self) -> str:
        """The name for people."""
        return self.called or self.name

    @property
    def reason(self) -> str:
        """The reason why a file of it cannot be read, where its library is not there."""
        if self.package is None:
            return f"{self.label} is not read by this build of Pillow"
        install = f"`pip install {self.package}`"
        return f"{self.label} is read by {self.package}, which is not installed: {install}"


SPECIFIED = (
    ImageFormat(
        "JPEG", "JPEG", "PIL.JpegImagePlugin", (".jpg", ".jpeg"), "image/jpeg", native=True
    ),
    ImageFormat("PNG", "PNG", "PIL.PngImagePlugin", (".png",), "image/png", native=True),
    ImageFormat("WebP", "WEBP", "PIL.WebPImagePlugin", (".webp",), "image/webp"),
    ImageFormat("GIF", "GIF", "PIL.GifImagePlugin", (".gif",), "image/gif"),
    ImageFormat("BMP", "BMP", "PIL.BmpImagePlugin", (".bmp",), "image/bmp"),
    ImageFormat("TIFF", "TIFF", "PIL.TiffImagePlugin", (".tif", ".tiff"), "image/tiff"),
)
"""The formats of the specification."""
MORE_FORMATS = (
    ImageFormat(
        "AVIF", "AVIF", "PIL.AvifImagePlugin", (".avif",), codec="avif", heads=((4, b"ftypav"),)
    ),
    ImageFormat(
        "HEIF", "HEIF", "pillow_heif", (".heic",),
        called="HEIC", other_endings=(".heif", ".hif"), package="pillow-heif",
        start="register_heif_opener",
        heads=((4, b"ftyphei"), (4, b"ftyphev"), (4, b"ftypmif1"), (4, b"ftypmsf1")),
    ),
    ImageFormat(
        "JPEG 2000", "JPEG2000", "PIL.Jpeg2KImagePlugin", (".jp2",),
        other_endings=(".j2k",), codec="jpg_2000",
        heads=((0, b"\x00\x00\x00\x0cjP  "), (0, b"\xff\x4f\xff\x51")),
    ),
    ImageFormat(
        "JPEG XL", "JXL", "pillow_jxl", (".jxl",), package="pillow-jxl-plugin",
        heads=((0, b"\xff\x0a"), (0, b"\x00\x00\x00\x0cJXL ")),
    ),
    ImageFormat("PGM", "PPM", "PIL.PpmImagePlugin", (".pgm",)),
    ImageFormat("PPM", "PPM", "PIL.PpmImagePlugin", (".ppm",)),
)  # fmt: skip
"""Formats that a person's own images may have (docs/loading-images.md). Pillow reads some by itself
and others through plugins that are installed beside it. Their pixels are what these libraries give,
in whatever version: a task with such a file has level E for pixels. Tasks of the specification
refuse their endings."""


def endings(formats: Iterable[ImageFormat]) -> tuple[str, ...]:
    """The endings of the formats, in their order, as the specification names them."""
    return tuple(ending for format in formats for ending in format.endings)
