"""Small files as Pillow writes them."""

from __future__ import annotations

import io
from typing import Any

from images import picture
from PIL import Image


def drawn(mode: str = "RGB", height: int = 9, width: int = 12, seed: int = 7) -> Image.Image:
    """A small picture in one of Pillow's modes."""
    return Image.fromarray(picture(height, width, seed)).convert(mode)


def saved(kind: str, image: Image.Image, **options: Any) -> bytes:
    """The file of an image."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()
